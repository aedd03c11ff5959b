package gateway
import ("testing";"fmt";"crypto/sha256";"passerelle/ircconn")
func BenchmarkZMac(b *testing.B){ w:=connected(b); ch:=w.network().channel("#chan"); id:=[]byte("nick somebody12"); for b.Loop(){ w.g.occupantMAC(ch.jid,id)} }
func BenchmarkZSum(b *testing.B){ var p [64+60]byte; var q [96]byte; for b.Loop(){ x:=sha256.Sum256(p[:]); copy(q[64:],x[:]); sha256.Sum256(q[:]) } }
func BenchmarkZQuit(b *testing.B){ w:=connected(b); w.g.out=discard{}; n:=w.network(); ch:=n.channel("#chan"); for i:=range 1000 { ch.add(fmt.Sprint("m",i),0)}; i:=0; b.ReportAllocs()
 for b.Loop(){ nick:=fmt.Sprint("m",i%1000); i++; w.do(func(){n.handle(ircconn.Quit{Source:ircconn.Source{Nick:nick,User:"~"+nick,Host:"host.example.net"},Reason:"a.example.net b.example.net"})}); ch.add(nick,0) } }
