package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"lom/client"
	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

// A result says what a command prints, for its schema, its documentation and completion.
type result struct {
	Type   reflect.Type // of the value, or of each element of a list
	List   bool         // it is a list, whose elements come one by one
	Reason string       // why there is none
}

// query makes a command that shows one result.
func query[T any](a *App, use, short string, view render.View[T],
	run func(ctx context.Context, a *App, args []string) (T, error)) *cobra.Command {
	cmd := leaf(a, use, short, func(ctx context.Context, a *App, args []string) error {
		v, err := run(ctx, a, args)
		partial, after := new(machine.PartialError), new(shownError)
		if err != nil && !errors.As(err, &partial) && !errors.As(err, &after) {
			return refusal(err)
		}
		if err := render.Show(a.printer(a.Out), view, v); err != nil {
			return err
		}
		if after.err != nil {
			return after.err
		}
		return refusal(err)
	})
	return a.returns(cmd, result{Type: reflect.TypeFor[T]()})
}

// A shownError is an error of a command whose result is shown all the same.
type shownError struct{ err error }

func (e *shownError) Error() string { return e.err.Error() }
func (e *shownError) Unwrap() error { return e.err }

// shown makes a shownError of an error.
func shown(err error) error {
	if err == nil {
		return nil
	}
	return &shownError{err}
}

// list makes a command that shows a list, each element as soon as it is known.
func list[T any](a *App, use, short string, view render.View[T],
	run func(ctx context.Context, a *App,
		args []string) (iter.Seq2[T, error], error)) *cobra.Command {
	return a.returns(leaf(a, use, short, listRun(view, run)),
		result{Type: reflect.TypeFor[T](), List: true})
}

// listRun makes of the run function of a list that of a command.
func listRun[T any](view render.View[T],
	run func(ctx context.Context, a *App, args []string) (iter.Seq2[T, error], error)) runFunc {
	return func(ctx context.Context, a *App, args []string) error {
		seq, err := run(ctx, a, args)
		if err != nil {
			return refusal(err)
		}
		return refusal(render.Stream(a.printer(a.Out), view, seq))
	}
}

// change makes a command that changes something and then prints a sentence.
func change(a *App, use, short string, run func(ctx context.Context, a *App,
	args []string) (string, error)) *cobra.Command {
	return query(a, use, short, render.DoneView,
		func(ctx context.Context, a *App, args []string) (render.Done, error) {
			sentence, err := run(ctx, a, args)
			return render.Done{Done: err == nil, Message: sentence}, err
		})
}

// noResult says why a command has no result that programs could read.
func noResult(a *App, cmd *cobra.Command, reason string) *cobra.Command {
	return a.returns(cmd, result{Reason: reason})
}

// returns notes the result of a command.
func (a *App) returns(cmd *cobra.Command, r result) *cobra.Command {
	if a.results == nil {
		a.results = map[*cobra.Command]result{}
	}
	a.results[cmd] = r
	return cmd
}

// printer returns the Printer for the form that the user asked for.
func (a *App) printer(w io.Writer) *render.Printer {
	o := &a.Options
	s := render.Style{Format: o.Format, Columns: o.Columns, Verbose: o.Verbose, Zone: a.zone,
		UTC: o.UTC, Rows: a.rows, Encode: encodeYAML}
	switch {
	case o.Format != "":
	case o.JSON:
		s.Format = render.JSON
	case o.CSV:
		s.Format = render.Plain
	}
	return render.NewPrinter(w, s)
}

// of makes the run function of a query that takes no words and asks the machine for one thing.
func of[T any](get func(*machine.Machine, context.Context) (T, error)) func(context.Context, *App,
	[]string) (T, error) {
	return func(ctx context.Context, a *App, args []string) (T, error) {
		var none T
		if err := wantArgs(args, 0, 0); err != nil {
			return none, err
		}
		m, err := a.machine(ctx)
		if err != nil {
			return none, err
		}
		return get(m, ctx)
	}
}

// noting makes what is missing of a result a note on standard error that is no failure, where BMCs
// often report more than they have.
func noting[T any](run func(context.Context, *App, []string) (T, error)) func(context.Context, *App,
	[]string) (T, error) {
	return func(ctx context.Context, a *App, args []string) (T, error) {
		v, err := run(ctx, a, args)
		if partial := new(machine.PartialError); errors.As(err, &partial) {
			a.note(partial)
			err = nil
		}
		return v, err
	}
}

// refusal makes of an error of package machine that is a refusal of the BMC the sentence that
// ipmitool has for it: "Get Device ID command failed: Invalid command". Other errors stay what they
// are.
func refusal(err error) error {
	switch list := err.(type) {
	case *client.IncompleteError:
		missing, _ := splitMissing(err)
		return missing
	case *machine.PartialError:
		return refusal(list.Err)
	case interface{ Unwrap() []error }: // several errors, each with its own sentence
		sentences := slices.Clone(list.Unwrap())
		for i, one := range sentences {
			sentences[i] = refusal(one)
		}
		return joinLines(sentences)
	}
	var e *ipmi.Error
	if !errors.As(err, &e) || e.Op == "" {
		return err
	}
	if missing := new(machine.NoDCMIError); errors.As(err, &missing) {
		return fmt.Errorf("%w; perhaps the BMC has no DCMI", failed(e.Op, err))
	}
	var advised interface {
		error
		Advice() string
	}
	if errors.As(err, &advised) {
		return fmt.Errorf("%w; %s", failed(e.Op, err), advised.Advice())
	}
	return failed(e.Op, err)
}

// An advisedError is an error with what it may mean, or a remedy, after it.
type advisedError struct {
	error
	advice string
}

func (e *advisedError) Error() string  { return e.error.Error() + "; " + e.advice }
func (e *advisedError) Unwrap() error  { return e.error }
func (e *advisedError) Advice() string { return e.advice }
