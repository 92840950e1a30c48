package ipmi

import "testing"

func TestChassisStatusReadsSpecTable(t *testing.T) {
	var s ChassisStatus
	// As ipmi_sim answers Get Chassis Status while its host is on.
	if err := s.UnmarshalBinary([]byte{0x21, 0x10, 0x40}); err != nil {
		t.Fatal(err)
	}
	if !s.PowerOn || s.RestorePolicy != RestorePrevious || !s.OnByCommand || s.FrontPanel != nil ||
		!s.IdentifySupported {
		t.Errorf("got %+v", s)
	}
	if err := s.UnmarshalBinary([]byte{1, 2}); err == nil {
		t.Error("two bytes were accepted")
	}
}
