package dnstest

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// SRV is a service record: where a service is (RFC 2782).
type SRV struct {
	Target string
	Port   uint16
}

// Records are what a server knows. Names are written without the last dot.
type Records struct {
	SRV       map[string][]SRV
	Addresses map[string][]string
	// Broken are names that are answered with SERVFAIL.
	Broken map[string]bool
}

// Server is a DNS server on a free port.
type Server struct {
	socket  net.PacketConn
	records Records
	ended   chan struct{}
}

// Start starts a server that knows records, which must not change afterwards.
func Start(records Records) (*Server, error) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting a DNS server: %w", err)
	}
	s := &Server{socket: socket, records: records, ended: make(chan struct{})}
	go s.serve()
	return s, nil
}

// Address is where the server is asked, as "host:port".
func (s *Server) Address() string { return s.socket.LocalAddr().String() }

// Close ends the server.
func (s *Server) Close() error {
	err := s.socket.Close()
	<-s.ended
	return err
}

func (s *Server) serve() {
	defer close(s.ended)
	buffer := make([]byte, 1500)
	for {
		size, from, err := s.socket.ReadFrom(buffer)
		if err != nil {
			return
		}
		if answer, err := s.answer(buffer[:size]); err == nil {
			// Whoever asked asks again when the answer is lost.
			_, _ = s.socket.WriteTo(answer, from)
		}
	}
}

// answer answers the one question of a query.
func (s *Server) answer(query []byte) ([]byte, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(query)
	if err != nil {
		return nil, err
	}
	question, err := parser.Question()
	if err != nil {
		return nil, err
	}
	reply := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: header.ID, Response: true, Authoritative: true, RecursionDesired: header.RecursionDesired, RecursionAvailable: true},
		Questions: []dnsmessage.Question{question},
	}
	name := strings.ToLower(strings.TrimSuffix(question.Name.String(), "."))
	services, isService := s.records.SRV[name]
	addresses, isHost := s.records.Addresses[name]
	switch {
	case s.records.Broken[name]:
		reply.RCode = dnsmessage.RCodeServerFailure
	case !isService && !isHost:
		reply.RCode = dnsmessage.RCodeNameError
	case question.Type == dnsmessage.TypeSRV:
		for _, service := range services {
			target, err := dnsmessage.NewName(service.Target + ".")
			if err != nil {
				return nil, err
			}
			reply.Answers = append(reply.Answers, resource(question, &dnsmessage.SRVResource{Port: service.Port, Target: target}))
		}
	case question.Type == dnsmessage.TypeA || question.Type == dnsmessage.TypeAAAA:
		for _, text := range addresses {
			address, err := netip.ParseAddr(text)
			switch {
			case err != nil:
				return nil, err
			case address.Is4() && question.Type == dnsmessage.TypeA:
				reply.Answers = append(reply.Answers, resource(question, &dnsmessage.AResource{A: address.As4()}))
			case address.Is6() && question.Type == dnsmessage.TypeAAAA:
				reply.Answers = append(reply.Answers, resource(question, &dnsmessage.AAAAResource{AAAA: address.As16()}))
			}
		}
	}
	return reply.Pack()
}

func resource(question dnsmessage.Question, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: question.Name, Class: question.Class, TTL: 60},
		Body:   body,
	}
}
