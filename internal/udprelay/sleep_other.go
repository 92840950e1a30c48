//go:build !linux

package udprelay

import "time"

func sleep(d time.Duration) { time.Sleep(d) }
