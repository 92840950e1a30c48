package bmc

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// change is what one request changed of what lasts: key to value, nil for a dropped key. The
// keys are "section/key".
type change map[string]json.RawMessage

// keep calls load with each key and value that a former run kept in the section, in the order of
// the keys. It belongs into a family's load.
func keep[T any](b *BMC, section string, load func(key string, v T) error) error {
	values := b.loaded[section]
	for _, key := range slices.Sorted(maps.Keys(values)) {
		var v T
		err := json.Unmarshal(values[key], &v)
		if err == nil {
			err = load(key, v)
		}
		if err != nil {
			return &StateError{Path: b.journal.path, Reason: fmt.Sprintf("%s %s is not understood: %v", section, key, err)}
		}
	}
	return nil
}

// put keeps v under the key of the section, over restarts. The answer to the request in hand goes
// out when it is on disk; if that fails, it says so. V is marshalled at once. Mind that
// an ipmi.Secret marshals to "[redacted]": keep its bytes.
func (b *BMC) put(section, key string, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("bmc: %s/%s cannot be kept: %v", section, key, err)) // a type that JSON does not know: a mistake in the program
	}
	b.mark(section, key, raw)
}

// drop forgets the key of the section.
func (b *BMC) drop(section, key string) { b.mark(section, key, nil) }

func (b *BMC) mark(section, key string, raw json.RawMessage) {
	if b.change == nil {
		b.change = change{}
	}
	b.change[section+"/"+key] = raw
}

// changed reports whether the request in hand changed what is kept on disk.
func (b *BMC) changed() bool { return len(b.change) > 0 && b.journal.path != "" }

// commit sends the change of the request in hand to disk and has done called when it is there or
// has failed, on another goroutine. Without a change it reports false and calls nothing.
func (b *BMC) commit(done func(error)) bool {
	c := b.change
	b.change = nil
	if len(c) == 0 || b.journal.path == "" {
		return false
	}
	b.journal.append(c, func(err error) {
		if err != nil {
			b.logger.Error("state not saved", "bmc", b.name, "err", err)
		}
		if done != nil {
			done(err)
		}
	})
	return true
}
