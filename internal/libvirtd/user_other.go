//go:build !unix

package libvirtd

import "os/exec"

func asNobody(*exec.Cmd) {}

func giveAway(string) error { return nil }
