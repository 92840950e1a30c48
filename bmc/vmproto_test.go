package bmc

import (
	"bytes"
	"testing"

	"lom/ipmi"
)

// The frames of a QEMU 7.2 that has just connected, and the first request of Linux behind it.
var vmSeeds = [][]byte{
	{0xff, 0x01, 0xa1, 0x08, 0x3f, 0xa1},
	{0x00, 0x18, 0x01, 0xe7, 0xa0},
	{0x01, 0x18, 0x2e, 0x05, 0xb4, 0xa0},
	{0xaa, 0xba, 0xaa, 0xb0, 0xa1},
	{0xaa, 0xa0, 0xa0, 0xa1},
}

func framesOf(stream []byte) (all []vmFrame) {
	var r vmReader
	for _, c := range stream {
		if f, ok := r.next(c); ok {
			all = append(all, vmFrame{f.Command, bytes.Clone(f.Bytes)})
		}
	}
	return all
}

func TestVMFrames(t *testing.T) {
	stream := bytes.Join(vmSeeds, nil)
	all := framesOf(stream)
	want := []vmFrame{{true, []byte{0xff, 1}}, {true, []byte{8, 0x3f}},
		{false, []byte{0, 0x18, 1, 0xe7}}, {false, []byte{1, 0x18, 0x2e, 5, 0xb4}}, {true, []byte{0xaa, 0xa0}}}
	if len(all) != len(want) {
		t.Fatalf("%d frames: %v", len(all), all)
	}
	for i := range want {
		if all[i].Command != want[i].Command || !bytes.Equal(all[i].Bytes, want[i].Bytes) {
			t.Errorf("frame %d is %+v", i, all[i])
		}
	}
	r, ok := all[2].request()
	if !ok || r.NetFn != ipmi.NetFnApp || r.Cmd != 1 || r.Seq != 0 || len(r.Data) != 0 {
		t.Errorf("request %+v, %v", r, ok)
	}
	// An answer with every byte that has to be escaped.
	out := r.answer(ipmi.CodeOK, []byte{0xa0, 0xa1, 0xaa}).append(nil)
	if want := []byte{0x00, 0x1c, 0x01, 0x00, 0xaa, 0xb0, 0xaa, 0xb1, 0xaa, 0xba, 0xf8,
		0xa0}; !bytes.Equal(out, want) {
		t.Errorf("% x\n% x", out, want)
	}
	all[2].Bytes[3]++
	if _, ok := all[2].request(); ok {
		t.Error("a wrong checksum passes")
	}
	if all := framesOf(append(bytes.Repeat([]byte{1}, 10000), 0xa0, 1, 0xa1)); len(all) != 1 ||
		!all[0].Command {
		t.Errorf("after a frame that is too long: %v", all)
	}
}

// What is read is written as it was, and no stream of bytes does harm.
func FuzzVMFrames(f *testing.F) {
	for _, s := range vmSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		for _, frame := range framesOf(stream) {
			if len(frame.Bytes) == 0 || len(frame.Bytes) > vmMaxFrame {
				t.Fatalf("a frame of %d bytes", len(frame.Bytes))
			}
			again := framesOf(frame.append(nil))
			if len(again) != 1 || again[0].Command != frame.Command ||
				!bytes.Equal(again[0].Bytes, frame.Bytes) {
				t.Fatalf("%+v becomes %+v", frame, again)
			}
			if r, ok := frame.request(); ok {
				if a := r.answer(ipmi.CodeOK, r.Data); vmSum(a.Bytes) != 0 {
					t.Fatalf("answer % x", a.Bytes)
				}
			}
		}
	})
}
