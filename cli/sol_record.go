package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// A consoleRecord is what is kept of an open console, for the program that finds it open after this
// one has crashed.
type consoleRecord struct {
	Session uint32 `json:"session_id"` // the BMC's
	Host    string `json:"host"`       // on which this program runs
	Boot    string `json:"boot_id"`    // of that host, "" if it has none
	PID     int    `json:"pid"`
}

// consoleRecords is where records of the consoles of one BMC are kept, "" for nowhere.
type consoleRecords string

// consoleRecordsOf returns where the records of a BMC are kept, which key names.
func (a *App) consoleRecordsOf(key string) consoleRecords {
	base, _ := a.env("XDG_STATE_HOME")
	if base == "" {
		home, _ := a.env("HOME")
		if home == "" {
			return ""
		}
		base = filepath.Join(home, ".local", "state")
	}
	return consoleRecords(filepath.Join(base, "lom", "consoles", key))
}

func (r consoleRecords) file(session uint32) string {
	return filepath.Join(string(r), fmt.Sprintf("%08x.json", session))
}

// keep writes down that this program has a console open in a session. Without the record all works,
// but for the recovery.
func (r consoleRecords) keep(session uint32) error {
	if r == "" {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	b, err := json.Marshal(consoleRecord{Session: session, Host: host, Boot: bootID(),
		PID: os.Getpid()})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(r), 0o700); err != nil {
		return err
	}
	return os.WriteFile(r.file(session), append(b, '\n'), 0o600)
}

// drop forgets a session.
func (r consoleRecords) drop(session uint32) {
	if r != "" {
		// a record too many does no harm: its program is gone, and so is its session
		_ = os.Remove(r.file(session))
		_ = os.Remove(string(r)) // if it was the last
	}
}

// abandoned reports whether a session is one that a program on this host left behind when it
// crashed.
func (r consoleRecords) abandoned(session uint32) bool {
	if r == "" {
		return false
	}
	b, err := os.ReadFile(r.file(session))
	var old consoleRecord
	if err != nil || json.Unmarshal(b, &old) != nil || old.Session != session || old.PID <= 0 {
		return false
	}
	host, err := os.Hostname()
	if err != nil || host != old.Host {
		return false
	}
	if boot := bootID(); boot != "" && old.Boot != "" && boot != old.Boot {
		return true // the host has been restarted since
	}
	return processGone(old.PID)
}

// bootID tells one start of this host from the next, where it can.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(b[:min(len(b), 36)])
}
