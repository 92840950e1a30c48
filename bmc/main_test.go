package bmc

import (
	"testing"

	"go.uber.org/goleak"
)

// No goroutine is left after the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
