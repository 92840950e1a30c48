package setup

import (
	"strings"
)

// releases are the files that name a distribution on their first line, and what that line lacks.
var releases = []struct{ file, prefix string }{
	{"/etc/redhat-release", ""}, // CentOS, Fedora and others too
	{"/etc/SuSE-release", ""},
	{"/etc/alpine-release", "Alpine Linux "},
	{"/etc/slackware-version", ""},
	{"/etc/gentoo-release", ""},
	{"/etc/system-release", ""},
	{"/etc/debian_version", "Debian "},
}

var patchLevel = lazily(`(?m)^PATCHLEVEL *= *([1-9][0-9]*)`)

// distribution returns the name of the system: that of os-release, and of what was there before it.
func (t *tree) distribution() string {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		if v, err := t.shell(name); err == nil && v.values["PRETTY_NAME"] != "" {
			return v.values["PRETTY_NAME"]
		}
	}
	// Ubuntu has a debian_version too.
	if v, err := t.shell("/etc/lsb-release"); err == nil && v.values["DISTRIB_DESCRIPTION"] != "" {
		return v.values["DISTRIB_DESCRIPTION"]
	}
	for _, r := range releases {
		text, _, err := t.text(r.file)
		first, _, _ := strings.Cut(text, "\n")
		if first = strings.TrimSpace(first); err != nil || first == "" {
			continue
		}
		if m := patchLevel().FindStringSubmatch(text); m != nil {
			first += " SP" + m[1]
		}
		return r.prefix + first
	}
	for _, b := range bsds {
		if t.exists(b.kernel) {
			return b.name
		}
	}
	return "unknown distribution"
}

// isDebian reports whether all run levels from 2 to 5 are the same, as on Debian and Ubuntu.
func (t *tree) isDebian() bool { return t.exists("/etc/debian_version") }
