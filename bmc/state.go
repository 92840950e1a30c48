package bmc

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// change is what one request changed of what lasts: key to value, nil for a dropped key. The
// keys are "section/key".
type change map[string]json.RawMessage

// loadSection calls load with each key and value that a former run kept in the section, in the
// order of the keys. It belongs into a family's load.
func loadSection[T any](b *BMC, section string, load func(key string, v T) error) error {
	values := b.loaded[section]
	for _, key := range slices.Sorted(maps.Keys(values)) {
		var v T
		err := json.Unmarshal(values[key], &v)
		if err == nil {
			err = load(key, v)
		}
		if err != nil {
			return &StateError{Path: b.journal.path,
				Reason: fmt.Sprintf("%s %s is not understood: %v", section, key, err)}
		}
	}
	return nil
}

// put keeps v under the key of the section, over restarts. The answer to the request in hand goes
// out when it is on disk. V is marshalled at once. Mind that an ipmi.Secret marshals to
// "[redacted]": keep its bytes.
//
// What a request asks for goes through [set]. What is put otherwise has happened, such as an event:
// if it cannot be written it holds all the same, refuses nothing, and is written with the next
// change.
func (b *BMC) put(section, key string, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		// a type that JSON does not know: a mistake in the program
		panic(fmt.Sprintf("bmc: %s/%s cannot be kept: %v", section, key, err))
	}
	b.mark(section, key, raw)
}

// drop forgets the key of the section.
func (b *BMC) drop(section, key string) { b.mark(section, key, nil) }

func (b *BMC) mark(section, key string, raw json.RawMessage) {
	if b.change == nil {
		b.change, b.facts = change{}, change{}
	}
	key = section + "/" + key
	b.change[key] = raw
	if _, fact := b.facts[key]; fact || !b.asked {
		b.facts[key] = raw
	}
}

// An undo takes back one change that a request made.
type undo struct {
	restore func()
	save    func(*BMC) // keeps what holds then; nil: it does not last
}

// set gives *p the value v, because the request asks for it, and keeps it with save, if that is not
// nil. If the request is refused after all, or what it changed cannot be written, *p gets back the
// value that it had, unless something else than a request has changed it since. The memory of the
// old value must not be changed.
func set[T any](ctx *Context, p *T, v T, save func(*BMC)) {
	old := *p
	*p = v
	ctx.changed(func() {
		if reflect.DeepEqual(*p, v) {
			*p = old
		}
	}, save)
}

// setKey is set for one value of a map.
func setKey[K comparable, V any](ctx *Context, m map[K]V, k K, v V, save func(*BMC)) {
	old, had := m[k]
	m[k] = v
	ctx.changed(func() {
		switch {
		case !reflect.DeepEqual(m[k], v):
		case had:
			m[k] = old
		default:
			delete(m, k)
		}
	}, save)
}

// changed notes how to take back a change that the request has made, and keeps the change with
// save, if that is not nil.
func (c *Context) changed(restore func(), save func(*BMC)) {
	c.undo = append(c.undo, undo{restore, save})
	if save != nil {
		c.BMC.saveAsked(save)
	}
}

// saveAsked has save keep what a request asks for.
func (b *BMC) saveAsked(save func(*BMC)) {
	was := b.asked
	b.asked = true
	save(b)
	b.asked = was
}

// takeBack takes back all changes of a list, the last first.
func (b *BMC) takeBack(list []undo) {
	for _, u := range slices.Backward(list) {
		u.restore()
	}
	for _, u := range list {
		if u.save != nil {
			b.saveAsked(u.save)
		}
	}
}

// refused takes back what a request changed before its handler refused it.
func (c *Context) refused() {
	c.after = nil
	if len(c.undo) == 0 {
		return
	}
	c.BMC.takeBack(c.undo)
	c.BMC.change, c.undo = c.BMC.facts, nil
}

// changed reports whether the request in hand changed what is kept on disk.
func (b *BMC) changed() bool { return len(b.change) > 0 && b.journal.path != "" }

// commit sends what was changed to disk and has done called when it is there, or when it has failed
// and what the request of ctx asked for is taken back; on another goroutine. Without a change it
// reports false and calls nothing. There is no ctx for what no request changed.
func (b *BMC) commit(ctx *Context, done func(error)) bool {
	e := journalEntry{change: b.change, facts: b.facts, done: done}
	b.change, b.facts = nil, nil
	if ctx != nil {
		e.undo, ctx.undo = ctx.undo, nil
	}
	if len(e.change) == 0 || b.journal.path == "" {
		return false
	}
	b.journal.append(e)
	return true
}

// saveFailed takes back what requests asked for and the disk did not take, and has them refused.
// All changes that were made since then may depend on that, and fail with it.
func (b *BMC) saveFailed(err error) {
	b.logger.Error("state not saved", "bmc", b.name, "err", err)
	b.mu.Lock()
	failed := b.journal.takeFailed()
	var list []undo
	for _, e := range failed {
		list = append(list, e.undo...)
	}
	b.takeBack(list)
	b.journal.correct(b.change)
	b.change, b.facts = nil, nil
	b.mu.Unlock()
	for _, e := range failed {
		if e.done == nil {
			continue
		}
		if len(e.undo) == 0 {
			e.done(nil)
		} else {
			e.done(err)
		}
	}
}
