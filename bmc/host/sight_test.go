package host

import (
	"errors"
	"slices"
	"testing"
)

// What cannot be seen is unknown, whatever it was before, and each change is told once.
func TestSight(t *testing.T) {
	var s Sight
	for i, step := range []struct {
		power Power
		why   error
		now   Power
		want  []EventKind
	}{
		{Unknown, errors.New("no answer for 3 s"), Unknown, []EventKind{Unseen}},
		{Unknown, errors.New("no answer for 12 s"), Unknown, nil},
		{Unknown, errors.New("refused"), Unknown, []EventKind{Unseen}},
		{On, nil, On, []EventKind{Seen}}, // which is no start
		{On, nil, On, nil},
		{Off, nil, Off, []EventKind{PoweredOff}},
		{Off, errors.New("refused"), Unknown, []EventKind{Unseen}},
		{Off, nil, Off, []EventKind{Seen}},
		{Unknown, errors.New("refused"), Unknown, []EventKind{Unseen}},
		{On, nil, On, []EventKind{Seen, Started}},
		{Unknown, errors.New("refused"), Unknown, []EventKind{Unseen}},
		{Off, nil, Off, []EventKind{Seen, PoweredOff}},
		{On, nil, On, []EventKind{Started}},
	} {
		var got []EventKind
		for _, e := range s.Look(step.power, step.why) {
			got = append(got, e.Kind)
		}
		if !slices.Equal(got, step.want) || s.Power() != step.now {
			t.Errorf("step %d: got events %v, power %v; want %v, %v", i, got, s.Power(), step.want,
				step.now)
		}
	}
}
