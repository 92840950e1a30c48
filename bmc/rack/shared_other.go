//go:build !linux

package rack

import "errors"

// canShare reports whether one socket can answer at many loopback addresses.
const canShare = false

func listenShared(uint16) (socket, error) {
	return nil, errors.ErrUnsupported // nobody asks
}

// isShared reports whether a socket answers at all loopback addresses.
func isShared(socket) bool { return false }
