package cli

import (
	"errors"
	"fmt"
	"time"

	"lom/bmc/host"
	"lom/bmc/host/exec"
	"lom/bmc/host/libvirt"
	"lom/bmc/host/qemu"
	"lom/bmc/host/sim"
)

// rackHost is the machine that a BMC controls: a simulated one, if nothing else is said.
type rackHost struct {
	Power     string        `yaml:"power"` // on (the default of a simulated machine) or off
	BootTime  time.Duration `yaml:"boot-time"`
	StopTime  time.Duration `yaml:"stop-time"`
	PowerTime time.Duration `yaml:"power-time"`
	// the operating system does not shut down when it is asked to
	Deaf    bool         `yaml:"deaf"`
	Stuck   bool         `yaml:"stuck"` // the power does not switch
	QEMU    *rackQEMU    `yaml:"qemu"`
	Exec    *rackExec    `yaml:"exec"`
	Libvirt *rackLibvirt `yaml:"libvirt"`
}

// rackLibvirt is a libvirt domain.
type rackLibvirt struct {
	Domain string `yaml:"domain"` // name
	URI    string `yaml:"uri"`
	Socket string `yaml:"socket"`
}

// rackExec is a machine that commands control.
type rackExec struct {
	On         []string          `yaml:"on"`
	Off        []string          `yaml:"off"`
	Cycle      []string          `yaml:"cycle"`
	Reset      []string          `yaml:"reset"`
	Soft       []string          `yaml:"soft"`
	Diag       []string          `yaml:"diag"`
	Status     []string          `yaml:"status"`
	BootDevice []string          `yaml:"boot-device"`
	Timeout    time.Duration     `yaml:"timeout"`
	Poll       time.Duration     `yaml:"poll"`
	Env        map[string]string `yaml:"env"`
}

// rackQEMU is a QEMU machine.
type rackQEMU struct {
	// socket of a machine that somebody else starts; nothing else is said then but ipmi
	QMP      string   `yaml:"qmp"`
	IPMI     string   `yaml:"ipmi"` // socket to which its ipmi-bmc-extern connects
	Program  string   `yaml:"program"`
	Machine  string   `yaml:"machine"`
	Accel    string   `yaml:"accel"`
	Memory   int      `yaml:"memory"` // MiB
	CPUs     int      `yaml:"cpus"`
	Firmware string   `yaml:"firmware"`
	NVRAM    string   `yaml:"nvram"`
	Disks    []string `yaml:"disks"`
	CDROM    string   `yaml:"cdrom"`
	Kernel   string   `yaml:"kernel"`
	Initrd   string   `yaml:"initrd"`
	Append   string   `yaml:"append"`
	Network  []string `yaml:"network"`
	Args     []string `yaml:"args"`
}

// machine returns what makes the server's machine. Its error is one sentence.
func (s *rackServer) machine() (func() host.Host, error) {
	h := s.Host
	if h == nil {
		h = &rackHost{}
	}
	switch h.Power {
	case "", "on", "off":
	default:
		return nil, fmt.Errorf("power: %q is neither on nor off", h.Power)
	}
	if min(h.PowerTime, h.BootTime, h.StopTime) < 0 {
		return nil, errors.New("host: power-time, boot-time and stop-time are not below zero")
	}
	if h.QEMU == nil && h.Exec == nil && h.Libvirt == nil {
		c := sim.Config{Name: s.Name, History: s.ConsoleHistory << 10, On: h.Power != "off",
			PowerTime: h.PowerTime, BootTime: h.BootTime, StopTime: h.StopTime, Deaf: h.Deaf,
			Stuck: h.Stuck}
		return func() host.Host { return sim.New(c) }, nil
	}
	if h.BootTime != 0 || h.StopTime != 0 || h.PowerTime != 0 || h.Deaf || h.Stuck {
		return nil, errors.New("host: boot-time, stop-time, power-time, deaf and stuck are of " +
			"simulated machines; remove them, or qemu, exec or libvirt")
	}
	switch {
	case h.QEMU != nil && h.Exec != nil, h.Libvirt != nil && (h.QEMU != nil || h.Exec != nil):
		return nil, errors.New("host: a machine is one of qemu, exec and libvirt; leave one")
	case h.Exec != nil && h.Power != "":
		return nil, errors.New("host: the power of a machine that commands control is what it " +
			"is; remove power")
	case h.Exec != nil:
		return h.Exec.machine()
	case h.Libvirt != nil && h.Power != "":
		return nil, errors.New("host: the power of a libvirt domain is what it is; remove power")
	case h.Libvirt != nil:
		c := libvirt.Config{Domain: h.Libvirt.Domain, URI: h.Libvirt.URI, Socket: h.Libvirt.Socket,
			History: s.ConsoleHistory << 10}
		if err := c.Check(); err != nil {
			return nil, fmt.Errorf("host: libvirt: %w", err)
		}
		return func() host.Host { return libvirt.New(c) }, nil
	}
	q := h.QEMU
	c := qemu.Config{
		Name: s.Name, History: s.ConsoleHistory << 10, Program: q.Program, Machine: q.Machine,
		Accel: q.Accel, Memory: q.Memory, CPUs: q.CPUs,
		Firmware: q.Firmware, NVRAM: q.NVRAM, Disks: q.Disks, CDROM: q.CDROM, Kernel: q.Kernel,
		Initrd: q.Initrd, Append: q.Append,
		Network: q.Network, Args: q.Args, Attach: q.QMP, Wire: q.IPMI, On: h.Power == "on",
	}
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("host: qemu: %w", err)
	}
	return func() host.Host { return qemu.New(c) }, nil
}

// machine returns what makes the machine.
func (e *rackExec) machine() (func() host.Host, error) {
	c := exec.Config{On: e.On, Off: e.Off, Cycle: e.Cycle, Reset: e.Reset, Soft: e.Soft,
		Diag:   e.Diag,
		Status: e.Status, BootDevice: e.BootDevice, Timeout: e.Timeout, Poll: e.Poll}
	for name, value := range e.Env {
		c.Env = append(c.Env, name+"="+value)
	}
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("host: exec: %w", err)
	}
	return func() host.Host { return exec.New(c) }, nil
}
