package bmc

import (
	"testing"

	"lom/ipmi"
	"lom/ipmi/fru"
)

func TestInventory(t *testing.T) {
	b := newTest(t, nil)
	for id := uint8(0); id < 3; id++ {
		info := must(t, b, ipmi.GetFRUInventoryAreaInfo{Device: id})
		var data []byte
		for len(data) < int(info.Size) {
			got := must(t, b, ipmi.ReadFRUData{Device: id, Offset: uint16(len(data)), Count: 240})
			data = append(data, got.Data...)
		}
		m, err := fru.Parse(data)
		if err != nil || m.Product == nil || m.Product.SerialNumber.String() == "" {
			t.Errorf("device %d: %v", id, err)
		}
	}
	for req, want := range map[ipmi.ReadFRUData]ipmi.CompletionCode{
		{Device: 9, Count: 8}:                ipmi.CodeNotPresent,
		{Device: 0, Offset: 1024, Count: 1}:  ipmi.CodeParameterOutOfRange,
		{Device: 0, Offset: 0, Count: 241}:   ipmi.CodeCannotReturnBytes,
		{Device: 0, Offset: 1020, Count: 16}: ipmi.CodeOK,
	} {
		if _, cc := ask(t, b, req); cc != want {
			t.Errorf("%+v: %v, want %v", req, cc, want)
		}
	}
}

func TestInventoryWords(t *testing.T) {
	b := newTest(t, func(c *Config) {
		c.FRUs = []FRUDevice{{ID: 5, Data: make([]byte, 64), ByWords: true, Protected: 8}}
	})
	if !must(t, b, ipmi.GetFRUInventoryAreaInfo{Device: 5}).ByWords {
		t.Error("by bytes")
	}
	if n := must(t, b, ipmi.WriteFRUData{Device: 5, Offset: 8,
		Data: []byte{1, 2, 3, 4}}).Count; n != 2 {
		t.Errorf("%d words written", n)
	}
	if got := must(t, b, ipmi.ReadFRUData{Device: 5, Offset: 9, Count: 1}); got.Count != 1 ||
		got.Data[0] != 3 {
		t.Errorf("%+v", got)
	}
	for _, c := range []struct {
		offset uint16
		data   int
		want   ipmi.CompletionCode
	}{{8, 3, ipmi.CodeDataLengthInvalid}, {31, 4, ipmi.CodeParameterOutOfRange},
		{3, 4, codeWriteProtected}} {
		if _, cc := ask(t, b, ipmi.WriteFRUData{Device: 5, Offset: c.offset,
			Data: make([]byte, c.data)}); cc != c.want {
			t.Errorf("%+v: %v", c, cc)
		}
	}
}

func TestServerInventoryTakesAnyText(t *testing.T) {
	long := ""
	for range 80 {
		long += "ü"
	}
	for _, d := range ServerInventory(ServerIdentity{Maker: "日本", Product: long, Serial: long,
		Supplies: []SupplyIdentity{{Product: "\x00x", Watts: 65535}}}) {
		if _, err := fru.Parse(d.Data); err != nil {
			t.Errorf("device %d: %v", d.ID, err)
		}
	}
}

func TestBoardID(t *testing.T) {
	for maker, want := range map[ipmi.ManufacturerID]ipmi.CompletionCode{
		manufacturerSupermicro: ipmi.CodeOK, 674: ipmi.CodeInvalidCommand} {
		b := newTest(t, func(c *Config) {
			c.Device = ipmi.DeviceID{Version: 2, Manufacturer: maker, Product: 0x1b0f}
		})
		b.Answer(&Context{Privilege: ipmi.PrivilegeUser, Channel: channelLAN}, getBoardID.NetFn,
			getBoardID.Code, nil, func(cc ipmi.CompletionCode, out []byte) {
				if cc != want || cc == ipmi.CodeOK && string(out) != "\x0f\x1b" {
					t.Errorf("maker %d: %v % x", maker, cc, out)
				}
			})
	}
}
