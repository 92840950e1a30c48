package ipmisim

import (
	"encoding/binary"
	"fmt"
	"time"
)

// fru is one FRU device. Its bytes are put together here, and not by lom's own writer, so that
// the two cannot agree on a mistake.
type fru struct {
	id       int
	data     []byte
	name     string
	entity   string
	instance int
}

// fruImages are four FRU devices: the server's, of two power supplies and of a riser card. The bad
// one is a fifth, whose product area is said to be longer than the device.
func fruImages(bad bool) []fru {
	made := time.Date(2024, 5, 14, 8, 30, 0, 0, time.UTC)
	all := []fru{{0, fruData(2048,
		fruArea(1, append([]byte{1, 0, 23}, fields("CHS-2U-12", "C000042")...)),
		fruArea(2, append(boardHead(made),
			fields("Testbed Works", "TB-MB2 Mainboard", "MB00000042", "TBMB2-01", "fru-1.0")...)),
		fruArea(3, append([]byte{1, 0, 25},
			fields("Testbed Works", "TB-2212 Server", "TB2212-A1", "v2", "S00000042", "ASSET-42",
				"fru-1.0")...)),
	), "", "", 0}}
	for i := 1; i <= 2; i++ {
		all = append(all, fru{i, fruData(256,
			fruArea(2, append(boardHead(made),
				fields("Testbed Works", "PSU 800W", fmt.Sprintf("PS000042-%d", i), "PSU800-T",
					"")...))),
			fmt.Sprintf("PSU%d FRU", i), "power_supply", i})
	}
	if bad {
		cut := fruData(256, fruArea(3, append([]byte{1, 0, 25},
			fields("Testbed Works", "Cut Off")...)))[:24]
		all = append(all, fru{4, cut, "Bad FRU", "add-in_card", 2})
	}
	return append(all, fru{3, fruData(256,
		fruArea(3, append([]byte{1, 0, 25},
			fields("Testbed Works", "Riser Card 1", "RSR-1", "A", "R000042", "", "")...))),
		"Riser FRU", "add-in_card", 1})
}

func boardHead(made time.Time) []byte {
	minutes := made.Sub(time.Date(1996, 1, 1, 0, 0, 0, 0, time.UTC)) / time.Minute
	return binary.LittleEndian.AppendUint32([]byte{1, 0, 25}, uint32(minutes))[:6]
}

// fields are 8-bit text fields and the mark behind the last one.
func fields(texts ...string) []byte {
	var b []byte
	for _, s := range texts {
		b = append(append(b, 0xc0|byte(len(s))), s...)
	}
	return append(b, 0xc1)
}

type area struct {
	slot int // in the common header
	data []byte
}

// fruArea completes an area: length, filling and checksum.
func fruArea(slot int, b []byte) area {
	for len(b)%8 != 7 {
		b = append(b, 0)
	}
	b[1] = byte((len(b) + 1) / 8)
	return area{slot, append(b, checksum(b))}
}

func fruData(size int, areas ...area) []byte {
	head := []byte{1, 0, 0, 0, 0, 0, 0}
	var body []byte
	for _, a := range areas {
		head[a.slot+1] = byte((8 + len(body)) / 8)
		body = append(body, a.data...)
	}
	b := append(append(head, checksum(head)), body...)
	return append(b, make([]byte, size-len(b))...)
}

func checksum(b []byte) byte {
	var sum byte
	for _, x := range b {
		sum += x
	}
	return -sum
}

func fruLocator(f fru) []string {
	return []string{
		"sdr type 17", " device_access_address 0x20", fmt.Sprintf(" fru_device_address %d", f.id),
		" logical_fru true", " lun 0",
		" private_bus_id 0", " channel_number 0", " device_type 0x10", " device_type_modifier 0",
		" fru_entity_id " + f.entity, fmt.Sprintf(" fru_entity_instance %d", f.instance),
		fmt.Sprintf(" id_string %q", f.name), "endsdr",
	}
}
