package cli

import (
	"errors"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/machine"
)

// A missingError says what is missing of a list of which the rest was printed. It has no cause:
// what went wrong with one record is not what went wrong with the command.
type missingError struct {
	text    string
	certain bool // records are known to be missing: it is not just that the BMC reports more
}

func (e *missingError) Error() string { return e.text }

// splitMissing takes apart what is missing of a list, of which the rest was read, and what is wrong
// with all of it.
func splitMissing(err error) (missing, failure error) {
	e := new(client.IncompleteError)
	if !errors.As(err, &e) {
		return nil, err
	}
	return &missingError{e.Error(), len(e.Bad)+len(e.Loops) > 0}, nil
}

// splitPartial takes apart what is missing of a result, of which the rest was read, and what is
// wrong with all of it.
func splitPartial(err error) (missing, failure error) {
	e := new(machine.PartialError)
	if !errors.As(err, &e) {
		return nil, err
	}
	if missing, _ := splitMissing(e.Err); missing != nil {
		return missing, nil
	}
	return &missingError{e.Error(), true}, nil
}

// note says something on standard error that is no failure of the command.
func (a *App) note(err error) {
	if err != nil {
		fmt.Fprintf(a.Err, "%s: %s\n", a.Name, clipWords(err.Error()))
	}
}

// shortList is how a command ends that has printed a list of sensor records of which some are
// missing. That the BMC reports more than its list has is noted only: many BMCs count wrong, and
// the list says itself where it ends.
func (a *App) shortList(missing error) error {
	if m := new(missingError); errors.As(missing, &m) && !m.certain {
		a.note(missing)
		return nil
	}
	return missing
}
