// Package tshark shows packets to Wireshark's dissectors and reports what they object to.
package tshark

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"lom/internal/udprelay"
)

// rmcpPort is the port by which Wireshark knows RMCP.
const rmcpPort = 623

// Pcap returns packets as a capture file of IPv4 datagrams between 192.0.2.1, the client, and
// 192.0.2.2, the BMC, at port 623: the relay's own addresses are of no interest.
func Pcap(packets []udprelay.Packet) []byte {
	var b bytes.Buffer
	put := func(v ...any) {
		for _, x := range v {
			binary.Write(&b, binary.LittleEndian, x)
		}
	}
	// LINKTYPE_RAW
	put(uint32(0xa1b2c3d4), uint16(2), uint16(4), int32(0), uint32(0), uint32(65535), uint32(101))
	client, server := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for _, p := range packets {
		from, to := netip.AddrPortFrom(client, p.Client.Port()),
			netip.AddrPortFrom(server, rmcpPort)
		if !p.Request {
			from, to = to, from
		}
		d := datagram(from, to, p.Data)
		put(uint32(p.Time.Unix()), uint32(p.Time.Nanosecond()/1000), uint32(len(d)), uint32(len(d)))
		b.Write(d)
	}
	return b.Bytes()
}

// datagram puts an IPv4 and a UDP header, without UDP checksum, in front of data.
func datagram(from, to netip.AddrPort, data []byte) []byte {
	d := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0}
	d = append(append(d, from.Addr().AsSlice()...), to.Addr().AsSlice()...)
	binary.BigEndian.PutUint16(d[2:], uint16(28+len(data)))
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(d[i:]))
	}
	binary.BigEndian.PutUint16(d[10:], ^uint16(sum+sum>>16))
	d = binary.BigEndian.AppendUint16(d, from.Port())
	d = binary.BigEndian.AppendUint16(d, to.Port())
	d = binary.BigEndian.AppendUint16(d, uint16(8+len(data)))
	d = binary.BigEndian.AppendUint16(d, 0)
	return append(d, data...)
}
