package rmcp

import (
	"reflect"
	"testing"
)

func TestCipherSuiteRecords(t *testing.T) {
	suites := append(CipherSuites(), CipherSuite{ID: 0x80, OEM: 0x1157, Auth: RAKPHMACSHA1,
		Integrity: HMACSHA1_96, Conf: AESCBC128})
	if got := ParseCipherSuites(AppendCipherSuites(nil, suites)); !reflect.DeepEqual(got, suites) {
		t.Errorf("%v", got)
	}
	for i, s := range cipherSuites {
		if int(s.ID) != i || !s.Supported() {
			t.Errorf("suite %d: %v", i, s)
		}
	}
}

// TestCipherSuiteRecordsAsTheyAre reads records that are not as the table says.
func TestCipherSuiteRecordsAsTheyAre(t *testing.T) {
	for _, tc := range []struct {
		name string
		b    []byte
		want []CipherSuite
	}{
		{"none of integrity and confidentiality", []byte{0xc0, 1, 1, 0xc0, 2, 1, 0x41},
			[]CipherSuite{
				{ID: 1, Auth: 1}, {ID: 2, Auth: 1, Integrity: 1},
			}},
		{"several of a kind", []byte{0xc0, 3, 1, 0x41, 0x80, 0x81}, []CipherSuite{
			{ID: 3, Auth: 1, Integrity: 1}, {ID: 3, Auth: 1, Integrity: 1, Conf: 1},
		}},
		{"bytes before and after", []byte{0, 0x41, 0xc0, 17, 3, 0x44, 0x81, 0xc0}, []CipherSuite{
			{ID: 17, Auth: 3, Integrity: 4, Conf: 1},
		}},
		{"cut off", []byte{0xc0, 3}, nil},
		{"other order", []byte{0xc0, 3, 0x81, 0x41, 1}, []CipherSuite{{ID: 3, Auth: 1, Integrity: 1, Conf: 1}}},
	} {
		if got := ParseCipherSuites(tc.b); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
	hostile := []byte{0xc0, 1}
	for range 60 {
		hostile = append(hostile, 1, 0x41, 0x81)
	}
	if n := len(ParseCipherSuites(hostile)); n > maxSuites {
		t.Errorf("%d suites", n)
	}
}
