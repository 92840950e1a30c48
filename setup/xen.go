package setup

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// isXenLine reports whether a line of a GRUB legacy menu starts Xen.
func isXenLine(line string) bool {
	command, rest := legacyCommand(line)
	image, _ := legacyKernelArgs(rest)
	return command == "kernel" && strings.HasPrefix(image, "xen")
}

// xenPort returns Xen's name of the line. It knows two.
func xenPort(want Line) (string, bool) {
	unit, _ := want.unit()
	n, err := strconv.Atoi(unit)
	return fmt.Sprintf("com%d", n+1), err == nil && n < 2
}

// xenHypervisor judges and mends the options of Xen itself, which has the line to itself.
func xenHypervisor(args []string, want Line) (c commandLine, fixed []string) {
	port, ok := xenPort(want)
	if !ok {
		return commandLine{stuck: "Xen has two serial lines, ttyS0 and ttyS1; move SOL to one of " +
			"them in the BIOS"}, args
	}
	rate, console := "", "com1,vga" // Xen's own, where the option is missing
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, port+"="); ok {
			rate, _, _ = strings.Cut(v, ",")
		}
		if v, ok := strings.CutPrefix(a, "console="); ok {
			console = v
		}
	}
	on := slices.Contains(strings.Split(console, ","), port)
	if on && rate == strconv.Itoa(want.Baud) {
		return commandLine{args: []string{"console=" + want.String()}}, args
	}
	c.args = []string{"console=" + want.String()}
	c.wrong = fmt.Sprintf("Xen's console is not %s at %d bit/s", port, want.Baud)
	for _, a := range args {
		if !strings.HasPrefix(a, port+"=") && !strings.HasPrefix(a, "console=") {
			fixed = append(fixed, a)
		}
	}
	return c, append(fixed, fmt.Sprintf("%s=%d,8n1", port, want.Baud), "console="+port+",vga")
}

// xenClassic are kernels with Xen's own console driver, which shows Xen's line under the name that
// xencons gives it. Later ones have hvc0.
var xenClassic = lazily(`xen(0|pae)?$|^vmlinuz-2\.6\.([0-9]|[12][0-9]|3[01])\b`)

// xenKernel judges and mends the options of the kernel that Xen starts first.
func xenKernel(image string, args []string, want Line) (c commandLine, fixed []string) {
	if !xenClassic().MatchString(image) {
		return commandLine{stuck: image +
			" has Xen's console as hvc0; set console=hvc0 and a prompt on hvc0 by hand"}, args
	}
	option := "xencons=" + want.Port
	c, fixed = commandLine{args: args}, withConsole(args, want)
	if slices.Contains(args, option) {
		return c, fixed
	}
	c.wrong = "Xen's console has another name than " + want.Port + " in the kernel"
	fixed = slices.DeleteFunc(slices.Clone(fixed), func(a string) bool {
		return strings.HasPrefix(a, "xencons=")
	})
	return c, append(fixed, option)
}
