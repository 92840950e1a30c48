package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lom/hostlist"
)

// Which hosts a command line is about: -H and --exclude, and the files that they name.

// A target is a BMC that -H names.
type target struct {
	name string // as it was written
	host string
	port int // UDP; 0: that of -p
}

// expandHosts finds the hosts that -H names, without those of --exclude. Without -H there are none,
// which means this machine's own BMC; a -H that names none is refused, and so is --exclude without
// -H: neither may lead there.
func (o *Options) expandHosts() ([]target, error) {
	if len(o.hostExprs) == 0 {
		if len(o.excludeExprs) > 0 {
			return nil, errors.New("-x leaves out some of the hosts that -H names, and there is no -H")
		}
		return nil, nil
	}
	names, err := expandAll("-H", o.hostExprs)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("-H: %q names no host", strings.Join(o.hostExprs, ","))
	}
	excluded, err := expandAll("-x", o.excludeExprs)
	if err != nil {
		return nil, err
	}
	if names, err = exclude(names, excluded, o.Port); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("no host is left: -x takes away all that -H names")
	}
	targets := make([]target, 0, len(names))
	seen := make(map[hostPort]bool, len(names))
	for _, name := range names {
		t := target{name: name}
		if t.host, t.port, err = hostlist.SplitPort(name); err != nil {
			return nil, fmt.Errorf("-H: %w", err)
		}
		// One BMC may be named with its port and without: it is not to be switched off and on
		// twice.
		if at := (hostPort{t.host, cmp.Or(t.port, o.Port)}); !seen[at] {
			seen[at] = true
			targets = append(targets, t)
		}
	}
	return targets, nil
}

// hostPort is where a BMC answers.
type hostPort struct {
	host string
	port int
}

// expandAll expands the values of an option that was given once or more.
func expandAll(option string, exprs []string) ([]string, error) {
	var all []string
	seen := map[string]bool{}
	for _, expr := range exprs {
		names, err := hostlist.Expand(expr, readHosts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", option, err)
		}
		if len(exprs) == 1 {
			return names, nil // each is there once
		}
		for _, n := range names {
			if !seen[n] {
				seen[n] = true
				all = append(all, n)
			}
		}
		if len(all) > hostlist.Most {
			return nil, fmt.Errorf("%s: more than %d hosts are named; that is more than one call "+
				"works on", option, hostlist.Most)
		}
	}
	return all, nil
}

// readHosts reads the hosts of a file.
func readHosts(file string) ([]string, error) {
	if file == "" {
		return nil, errors.New("behind the @ belongs the name of a file with hosts")
	}
	text, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("the file of hosts %s cannot be read: %w", file, fileProblem(err))
	}
	// Editors of Windows begin a file with a mark that it is UTF-8.
	hosts, err := hostlist.ExpandLines(strings.TrimPrefix(string(text), "\ufeff"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(hosts) == 0 {
		return nil, fmt.Errorf("%s names no host", file)
	}
	return hosts, nil
}

// exclude returns the names without the excluded ones. One without a port excludes all ports of the
// host. A name without a port has usual.
func exclude(names, excluded []string, usual int) ([]string, error) {
	if len(excluded) == 0 {
		return names, nil
	}
	gone := make(map[hostPort]bool, len(excluded))
	for _, name := range excluded {
		host, port, err := hostlist.SplitPort(name)
		if err != nil {
			return nil, fmt.Errorf("-x: %w", err)
		}
		gone[hostPort{host, port}] = true
	}
	return slices.DeleteFunc(names, func(name string) bool {
		host, port, err := hostlist.SplitPort(name)
		return err == nil && (gone[hostPort{host, cmp.Or(port, usual)}] || gone[hostPort{host, 0}])
	}), nil
}
