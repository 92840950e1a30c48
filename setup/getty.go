package setup

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// keepsRate reports whether getty leaves the rate as the kernel set it. The -s of mgetty has a
// rate.
func keepsRate(command string) bool {
	return path.Base(gettyPath(command)) != "mgetty" &&
		slices.ContainsFunc(strings.Fields(command), func(w string) bool {
			return w == "--keep-baud" || w == "-s"
		})
}

var rateWord = lazily(`^[0-9]{3,6}(,[0-9]{3,6})*$`)

// gettyLine finds the port and the first rate in a getty command. The rate is 0 if there is none.
func gettyLine(command, port string) Line {
	l := Line{Port: port}
	for _, w := range strings.Fields(command) {
		if rateWord().MatchString(w) {
			first, _, _ := strings.Cut(w, ",")
			l.Baud, _ = strconv.Atoi(first)
		} else if p := strings.TrimPrefix(w, "/dev/"); portName().MatchString(p) {
			l.Port = p
		}
	}
	return l
}

// withRate returns a getty command with another rate, and all else as it is.
func withRate(command string, from, to int) string {
	return regexp.MustCompile(`\b`+strconv.Itoa(from)+`\b`).ReplaceAllLiteralString(command,
		strconv.Itoa(to))
}

// gettyPath returns the program of a getty command, "" if it is not a path.
func gettyPath(command string) string {
	words := strings.Fields(command)
	if len(words) > 0 && words[0] == "exec" {
		words = words[1:]
	}
	if len(words) == 0 {
		return ""
	}
	if p := strings.TrimLeft(words[0], "-+@!:"); path.IsAbs(p) {
		return p
	}
	return ""
}

var programDirs = []string{"/sbin", "/usr/sbin", "/bin", "/usr/bin"}

// bare reports whether the tree has no programs at all, because only configuration was unpacked.
func (t *tree) bare() bool {
	return !slices.ContainsFunc(programDirs, t.exists)
}

// installed reports whether a program is there. Of a bare tree that is believed.
func (t *tree) installed(name string) bool { return t.exists(name) || t.bare() }

// serialGettys are the programs that ask for a log-in on a serial line, the best first. The
// mingetty of Red Hat and SUSE, fgetty and others are for screens only: they set no rate.
var serialGettys = []string{"agetty", "getty", "mgetty"}

// serialGetty reports whether the program of a command serves serial lines.
func serialGetty(command string) bool {
	return slices.Contains(serialGettys, path.Base(gettyPath(command)))
}

// getty returns the command that asks for a log-in on the line, by what is installed. Like names in
// the commands given come first: what the distribution uses on other lines.
func (t *tree) getty(want Line, like []string) (command string, ok bool) {
	var paths []string
	for _, c := range like {
		if serialGetty(c) {
			paths = append(paths, gettyPath(c))
		}
	}
	for _, base := range serialGettys {
		for _, dir := range programDirs {
			paths = append(paths, path.Join(dir, base))
		}
	}
	for _, p := range paths {
		switch {
		case !t.installed(p):
		case path.Base(p) == "mgetty":
			return fmt.Sprintf("%s -r -s %d %s", p, want.Baud, want.Port), true
		default:
			return fmt.Sprintf("%s -L %d %s vt100", p, want.Baud, want.Port), true
		}
	}
	return "", false
}

// noGetty is the finding where no program could ask.
func noGetty(where string, want Line) Finding {
	return Finding{Layer: promptLayer, State: Missing, Where: where, Stuck: true,
		Says: "no prompt is on " + want.Port + ", and none of " + strings.Join(serialGettys, ", ") +
			" is installed; install util-linux or mgetty first"}
}

// judgeGetty says what is wrong with a getty command on the line, "" if nothing.
func (t *tree) judgeGetty(command string, want Line) string {
	p := gettyPath(command)
	switch {
	case p != "" && !t.installed(p):
		return p + " is not installed: init starts it again and again"
	case p != "" && !serialGetty(command):
		return path.Base(p) + " is for screens and sets no rate"
	}
	l := gettyLine(command, want.Port)
	if l.Baud == 0 || keepsRate(command) {
		return "" // it takes what the kernel has set
	}
	if d := l.differs(want); d != "" {
		return "the prompt on " + d
	}
	return ""
}
