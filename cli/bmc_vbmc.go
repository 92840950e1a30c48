package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"lom/bmc/host/libvirt"
	"lom/ipmi"
)

// The folder of VirtualBMC (~/.vbmc) has a folder for each libvirt domain with a BMC, and in it the
// file config.
const (
	vbmcConfig  = "config"
	vbmcMaster  = "virtualbmc.conf" // of VirtualBMC itself
	vbmcSection = "VirtualBMC"
	vbmcAddress = "::" // of a BMC if nothing else is said
)

// addVBMC adds the BMCs of VirtualBMC's folder to those of the file.
func (f *rackFile) addVBMC() error {
	if f.VBMC == "" {
		return nil
	}
	dir, err := vbmcFolder(f.VBMC)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("VirtualBMC's folder %s cannot be read: %w", dir, fileProblem(err))
	}
	names := map[string]bool{}
	for _, s := range f.Servers {
		names[s.Name] = true
	}
	found, active := 0, 0
	for _, e := range entries {
		name := filepath.Join(dir, e.Name(), vbmcConfig)
		data, err := readFile(name)
		switch {
		case errors.Is(err, fs.ErrNotExist), !e.IsDir() && e.Type()&fs.ModeSymlink == 0:
			continue // the master's log and process number, and a domain that is just being made
		case err != nil:
			return fmt.Errorf("VirtualBMC's file %s cannot be read: %w", name, fileProblem(err))
		}
		found++
		s, runs, err := parseVBMC(e.Name(), data)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !runs {
			continue
		}
		active++
		s.Name = vbmcName(e.Name(), names)
		names[s.Name] = true
		f.Servers = append(f.Servers, s)
	}
	switch {
	case found == 0:
		return fmt.Errorf("there is no BMC of VirtualBMC in %s; name the folder in which each "+
			"domain has one with a file config", dir)
	case active == 0:
		return fmt.Errorf("none of the %d BMCs in %s is active; write active = True into the "+
			"file config of those that are to run", found, dir)
	}
	return nil
}

// vbmcFolder returns the folder of the domains: the one that was named, or the one that
// VirtualBMC's own configuration in it names.
func vbmcFolder(dir string) (string, error) {
	if rest, home := strings.CutPrefix(dir, "~/"); home {
		h, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("%s: there is no home directory: %w", dir, err)
		}
		dir = filepath.Join(h, rest)
	}
	name := filepath.Join(dir, vbmcMaster)
	data, err := readFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return dir, nil
	}
	if err != nil {
		return "", fmt.Errorf("VirtualBMC's file %s cannot be read: %w", name, fileProblem(err))
	}
	master, err := parseINI(data)
	if err != nil {
		return "", fmt.Errorf("%s: %w; correct it", name, err)
	}
	other, ok, err := master.get("default", "config_dir")
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if ok && other != "" {
		return other, nil
	}
	return dir, nil
}

// parseVBMC reads the file of a domain, and reports whether its BMC is to run. Older files do not
// say so; there it is.
func parseVBMC(folder string, data []byte) (s rackServer, active bool, err error) {
	f, err := parseINI(data)
	switch {
	case err != nil:
		return s, false, fmt.Errorf("%w; correct it, or have VirtualBMC write it again", err)
	case f[vbmcSection] == nil:
		return s, false, fmt.Errorf("there is no section [%s]; correct it, or have VirtualBMC "+
			"write it again", vbmcSection)
	}
	values := map[string]string{}
	for _, key := range []string{"username", "password", "address", "port", "domain_name",
		"libvirt_uri", "libvirt_sasl_username", "active"} {
		value, ok, err := f.get(vbmcSection, key)
		if err != nil {
			return s, false, err
		}
		if ok {
			values[key] = value
		}
	}
	if is, ok := values["active"]; ok && !strings.EqualFold(is, "true") {
		return s, false, nil
	}
	host := &rackLibvirt{Domain: values["domain_name"], URI: values["libvirt_uri"]}
	if host.Domain == "" {
		host.Domain = folder
	}
	s.Host = &rackHost{Libvirt: host}
	name, password := values["username"], values["password"]
	switch {
	case name == "" || len(name) > 16:
		return s, false, errors.New("username: IPMI has names of 1 to 16 bytes; write another")
	case password == "" || len(password) > 20:
		return s, false, errors.New("password: IPMI has passwords of 1 to 20 bytes; write another")
	case values["libvirt_sasl_username"] != "":
		return s, false, errors.New("libvirt_sasl_username: lom does not log in to libvirt by " +
			"SASL; remove it, and let libvirt_uri be " +
			"qemu:///system on that machine, or qemu+ssh://USER@HOST/system")
	}
	s.Users = []rackUser{{Name: name, secret: ipmi.NewSecret(password)}}
	if err := (&libvirt.Config{Domain: host.Domain, URI: host.URI}).Check(); err != nil {
		return s, false, fmt.Errorf("libvirt_uri: %w", err)
	}
	port, err := strconv.ParseUint(values["port"], 10, 16)
	if err != nil || port == 0 {
		return s, false, fmt.Errorf("port: %q is no port; write a number from 1 to 65535",
			values["port"])
	}
	address := values["address"]
	if address == "" {
		address = vbmcAddress
	}
	ip, err := netip.ParseAddr(strings.Trim(address, "[]"))
	if err != nil {
		return s, false, fmt.Errorf("address: %q is no IP address; write one, or :: for all that "+
			"this machine has", address)
	}
	s.Listen = netip.AddrPortFrom(ip, uint16(port)).String()
	return s, true, nil
}

var unsafeInName = lazily(`[^A-Za-z0-9._-]`)

// vbmcName returns the name of the BMC of a domain: the domain's, as far as a state file can be
// named so.
func vbmcName(domain string, taken map[string]bool) string {
	name := unsafeInName().ReplaceAllString(domain, "_")
	name = name[:min(len(name), 90)]
	if !safeName().MatchString(name) {
		name = "_" + name
	}
	for i, plain := 2, name; taken[name]; i++ {
		name = fmt.Sprintf("%s-%d", plain, i)
	}
	return name
}
