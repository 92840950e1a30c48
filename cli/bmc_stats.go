package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"lom/bmc/rack"
)

// A statsFile is the file of lom bmc --stats; nil if there is none.
type statsFile struct{ f *os.File }

// rackStats is what is in it: how many requests came to all BMCs, and to each to which any came.
type rackStats struct {
	BMCs int `json:"bmcs"`
	rack.Stats
	Each map[string]rack.Stats `json:"each"`
}

// openStats makes the file at once, so that nobody learns at the end that it cannot be.
func openStats(name string) (*statsFile, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("the statistics cannot be kept: %w", err)
	}
	return &statsFile{f}, nil
}

// close leaves the file empty.
func (s *statsFile) close() error {
	if s == nil {
		return nil
	}
	return s.f.Close()
}

// write writes the file.
func (s *statsFile) write(r *rack.Rack) error {
	if s == nil {
		return nil
	}
	all := rackStats{BMCs: len(r.Units()), Stats: r.Stats(), Each: map[string]rack.Stats{}}
	for _, u := range r.Units() {
		if x := u.Stats(); x.Requests > 0 {
			all.Each[u.Name] = x
		}
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		_, err = s.f.Write(append(data, '\n'))
	}
	if err = errors.Join(err, s.f.Close()); err != nil {
		return fmt.Errorf("the statistics could not be written: %w", err)
	}
	return nil
}
