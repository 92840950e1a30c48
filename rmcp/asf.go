package rmcp

import "encoding/binary"

// Enterprise numbers in presence pongs.
const (
	IANAASF  = 4542
	IANADCMI = 36465 // DCMI 1.5 Table 6-13
)

const (
	asfPing = 0x80
	asfPong = 0x40
)

// A Ping is an ASF presence ping (Table 13-6).
type Ping struct {
	Tag uint8 // 0-FEh; FFh asks for no answer
}

// A Pong is an ASF presence pong (Table 13-7; DCMI 1.5 Table 6-13).
type Pong struct {
	Tag          uint8  // of the ping
	Enterprise   uint32 // IANAASF where nothing OEM is told, IANADCMI for DCMI
	OEM          uint32 // as Enterprise defines it
	IPMI         bool   // IPMI is supported
	ASFVersion   uint8  // 1 for ASF 1.0
	SecurityExts bool   // RMCP security extensions are supported
	DASH         bool   // DMTF DASH is supported
}

// AppendPing appends a presence ping with the given RMCP sequence number, NoACK as a rule.
func AppendPing(dst []byte, sequence uint8, p Ping) []byte {
	dst = AppendHeader(dst, Header{Sequence: sequence, Class: ClassASF})
	dst = binary.BigEndian.AppendUint32(dst, IANAASF)
	return append(dst, asfPing, p.Tag, 0, 0)
}

// AppendPong appends a presence pong.
func AppendPong(dst []byte, p Pong) []byte {
	dst = AppendHeader(dst, Header{Sequence: NoACK, Class: ClassASF})
	dst = binary.BigEndian.AppendUint32(dst, IANAASF)
	dst = append(dst, asfPong, p.Tag, 0, 16)
	dst = binary.BigEndian.AppendUint32(dst, p.Enterprise)
	dst = binary.BigEndian.AppendUint32(dst, p.OEM)
	entities, interactions := p.ASFVersion&0x0f, uint8(0)
	if p.IPMI {
		entities |= 0x80
	}
	if p.SecurityExts {
		interactions |= 0x80
	}
	if p.DASH {
		interactions |= 0x20
	}
	return append(dst, entities, interactions, 0, 0, 0, 0, 0, 0)
}

// ParsePing reads the data of an RMCP message of ClassASF, without its RMCP header.
func ParsePing(data []byte) (Ping, error) {
	tag, _, err := parseASF(data, asfPing)
	return Ping{Tag: tag}, err
}

// ParsePong reads the data of an RMCP message of ClassASF, without its RMCP header.
func ParsePong(data []byte) (Pong, error) {
	tag, body, err := parseASF(data, asfPong)
	if err != nil {
		return Pong{}, err
	}
	if len(body) < 10 {
		return Pong{}, malformed("presence pong with %d bytes of data", len(body))
	}
	return Pong{
		Tag:          tag,
		Enterprise:   binary.BigEndian.Uint32(body),
		OEM:          binary.BigEndian.Uint32(body[4:]),
		IPMI:         body[8]&0x80 != 0,
		ASFVersion:   body[8] & 0x0f,
		SecurityExts: body[9]&0x80 != 0,
		DASH:         body[9]&0x20 != 0,
	}, nil
}

// parseASF reads an ASF message of the given type and returns its tag and data.
func parseASF(data []byte, typ uint8) (tag uint8, body []byte, err error) {
	if len(data) < 8 {
		return 0, nil, malformed("ASF message of %d bytes", len(data))
	}
	if iana := binary.BigEndian.Uint32(data); iana != IANAASF {
		return 0, nil, malformed("ASF message of enterprise %d", iana)
	}
	if data[4] != typ {
		return 0, nil, ErrStray
	}
	if int(data[7]) > len(data)-8 {
		return 0, nil, malformed("ASF message with %d bytes of data, not %d", len(data)-8, data[7])
	}
	return data[5], data[8 : 8+int(data[7])], nil
}
