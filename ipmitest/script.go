package ipmitest

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"sync"
	"testing"

	"lom/ipmi"
)

// A Scripted is a BMC that answers the requests that its script names, and fails the test at
// others.
type Scripted struct {
	t       testing.TB
	mu      sync.Mutex
	answers map[string][]string // request → answers, both in hexadecimal
	asked   []string
}

// Script returns a BMC with the answers of a script. Each line is a request or an answer in
// hexadecimal, blanks apart where it reads better:
//
//	# Get Device ID
//	> 06 01
//	< 00 20 81 02 05 02 bf a20200 0001
//
// A request is network function (with the LUN in its top two bits), command and data; an answer is
// completion code and data. A request with several answers gets them one after the other, the last
// one again and again. "< lost" is no answer, and "< unknown" no answer to a command that changes
// state.
func Script(t testing.TB, script string) *Scripted {
	t.Helper()
	s := &Scripted{t: t, answers: map[string][]string{}}
	request := ""
	for line := range strings.Lines(script) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		text := strings.ToLower(strings.ReplaceAll(rest, " ", ""))
		switch {
		case kind == ">":
			request = text
		case kind == "<":
			s.answers[request] = append(s.answers[request], text)
		case kind != "" && kind[0] != '#':
			t.Fatalf("ipmitest: a line of a script begins with >, < or #: %q", line)
		}
	}
	return s
}

// Asked returns the requests that came, in hexadecimal.
func (s *Scripted) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// Exchange implements client.Conn.
func (s *Scripted) Exchange(_ context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	packet := append([]byte{byte(req.Command.NetFn) | req.LUN<<6, req.Command.Code},
		req.Command.Body...)
	key := hex.EncodeToString(append(packet, req.Data...))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, key)
	answers := s.answers[key]
	switch {
	case len(answers) == 0:
		s.t.Errorf("ipmitest: unexpected request %s (%s)", key, req.Command.Name)
		return ipmi.RawResponse{Code: ipmi.CodeInvalidCommand}, nil
	case len(answers) > 1:
		s.answers[key] = answers[1:]
	}
	switch answers[0] {
	case "lost":
		return ipmi.RawResponse{}, &ipmi.Error{Command: req.Command, Err: ipmi.ErrTimeout}
	case "unknown":
		return ipmi.RawResponse{}, &ipmi.Error{Command: req.Command, Err: ipmi.ErrOutcomeUnknown}
	}
	data, err := hex.DecodeString(answers[0])
	if err != nil || len(data) == 0 {
		s.t.Fatalf("ipmitest: bad answer %q: %v", answers[0], err)
	}
	r := ipmi.RawResponse{Code: ipmi.CompletionCode(data[0]), Data: data[1:]}
	r.Data = bytes.TrimPrefix(r.Data, []byte(req.Command.Body))
	return r, nil
}
