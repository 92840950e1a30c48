// Lom is the IPMI system: it talks to BMCs, and it is one.
package main

import (
	"os"
	"strings"

	"lom/cli"
)

func main() {
	args := make([]string, len(os.Args))
	for i, arg := range os.Args {
		args[i] = strings.Clone(arg)
	}
	for _, secret := range cli.Secrets(os.Args) {
		blot(secret)
	}
	os.Exit(cli.Main(args, os.Stdin, os.Stdout, os.Stderr))
}
