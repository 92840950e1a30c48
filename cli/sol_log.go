package cli

import (
	"bytes"
	"io"
	"time"
)

// A consoleLog writes what the host says into a file.
type consoleLog struct {
	w       io.Writer
	stamps  bool
	now     func() time.Time
	midLine bool
}

// stampFormat is the time in front of a line of the log.
const stampFormat = "2006-01-02T15:04:05.000Z07:00 "

func (l *consoleLog) write(p []byte) error {
	if l == nil {
		return nil
	}
	if !l.stamps {
		_, err := l.w.Write(p)
		return err
	}
	var b []byte
	for line := range bytes.Lines(p) {
		if !l.midLine {
			b = l.now().AppendFormat(b, stampFormat)
		}
		b = append(b, line...)
		l.midLine = line[len(line)-1] != '\n'
	}
	_, err := l.w.Write(b)
	return err
}
