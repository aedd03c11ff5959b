package main

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"passerelle/store"
)

// isAddressSetting are the settings that say where a server is.
var isAddressSetting = map[string]bool{"address": true, "tls_ports": true, "ports": true}

// columnsFor returns the settings of servers that are taken. Where there is one server
// only, its admin says where that is, and users may not.
func columnsFor(fixed string) []moveSetting {
	columns := slices.Clone(serverColumns)
	if fixed == "" {
		return columns
	}
	for i, column := range columns {
		if !isAddressSetting[column.name] {
			continue
		}
		columns[i].convert = func(text string) ([]string, error) {
			if values, err := column.convert(text); err != nil || len(values) == 0 {
				return nil, err
			}
			return nil, errors.New("with fixed_irc_server the configuration says where the server is")
		}
	}
	return columns
}

// notePorts says which ports the users of the one server had, for the admin to name the
// right ones.
func (m *moving) notePorts(fixed string, rows []store.BiboumiRow) {
	if fixed == "" {
		return
	}
	users := make(map[string]int)
	for _, row := range rows {
		secure, secureFault := toPorts(row.Values["tlsports_"])
		plain, plainFault := toPorts(row.Values["ports_"])
		if secureFault != nil || plainFault != nil || len(secure)+len(plain) == 0 {
			continue
		}
		var addresses []string
		for _, port := range secure {
			addresses = append(addresses, "ircs://"+fixed+":"+port)
		}
		for _, port := range plain {
			addresses = append(addresses, "irc://"+fixed+":"+port)
		}
		users[strings.Join(addresses, ", ")]++
	}
	m.report.note("passerelle connects to port 6697 of %s with TLS, unless irc.servers has its addresses; biboumi tried 6697 and 6670 with TLS, 6667 without, or the ports of a user", fixed)
	for _, addresses := range slices.Sorted(maps.Keys(users)) {
		m.report.note("users with the ports of %s: %d", addresses, users[addresses])
	}
}
