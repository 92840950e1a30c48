package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"lom/client"
	"lom/ipmi"
)

// sdrCacheVariable is the environment variable that says where records are kept; "off" keeps none.
const sdrCacheVariable = "LOM_SDR_CACHE"

// cacheDir returns where sensor records are kept between calls, and "" for nowhere.
func (a *App) cacheDir() string {
	env := func(name string) string {
		v, _ := a.env(name)
		return v
	}
	if dir := env(sdrCacheVariable); dir == "off" {
		return ""
	} else if dir != "" {
		return dir
	}
	base, home := env("XDG_CACHE_HOME"), env("HOME")
	switch {
	case runtime.GOOS == "windows":
		base = env("LocalAppData")
	case base != "":
	case home == "":
		return ""
	case runtime.GOOS == "darwin":
		base = filepath.Join(home, "Library", "Caches")
	default:
		base = filepath.Join(home, ".cache")
	}
	if base == "" {
		return ""
	}
	return filepath.Join(base, "lom", "sdr")
}

// cachedSDRs returns the records of the BMC: those kept from an earlier call if the repository is the same
// still, which three commands tell, and else what the BMC says now.
func cachedSDRs(ctx context.Context, a *App, c client.Conn) ([][]byte, error) {
	dir := a.cacheDir()
	if dir == "" {
		return client.ReadSDRs(ctx, c)
	}
	name, version, err := cacheKey(ctx, a, c)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return client.ReadSDRs(ctx, c)
	}
	path := filepath.Join(dir, name)
	if raw, ok := readCache(path, version); ok {
		a.Log.Debug("sensor records taken from the cache", "file", path)
		return raw, nil
	}
	raw, err := client.ReadSDRs(ctx, c)
	if err == nil {
		if err := writeCache(path, version, raw); err != nil {
			a.Log.Info("sensor records not kept", "error", err)
		}
	}
	return raw, err
}

// cacheKey returns the name of the file for the BMC and what must not have changed for it to be good. The name is "" for a BMC
// without a GUID, or with a repository that does not tell when it was changed. BMCs are told apart by their
// address too: there are makers that give all the same GUID.
func cacheKey(ctx context.Context, a *App, c client.Conn) (name, version string, err error) {
	refused := func(err error) (string, string, error) {
		if _, ok := code(err); ok || errors.Is(err, ipmi.ErrMalformed) {
			return "", "", nil
		}
		return "", "", err
	}
	info, err := client.Do(ctx, c, ipmi.GetSDRRepositoryInfo{})
	if err != nil {
		return refused(err)
	}
	untold := func(t ipmi.Timestamp) bool { return t == 0 || t == ipmi.TimestampUnspecified }
	if untold(info.LastAddition) && untold(info.LastErase) {
		return "", "", nil
	}
	guid, err := controllerGUID(ctx, c)
	if err != nil || guid == (ipmi.GUID{}) {
		return refused(err)
	}
	id, err := client.Do(ctx, c, ipmi.GetDeviceID{})
	if err != nil {
		return refused(err)
	}
	o := &a.Options
	who := sha256.Sum256(fmt.Appendf(nil, "%x %s %d %x/%x", guid, o.Host, o.Port, o.Target, o.TargetChannel))
	aux := [4]byte{}
	if id.AuxiliaryVersion != nil {
		aux = *id.AuxiliaryVersion
	}
	version = fmt.Sprintf("%d %d %d %d.%d.%d.%02x.%x", info.Records, info.LastAddition, info.LastErase,
		id.Manufacturer, id.Product, id.FirmwareMajor, id.FirmwareMinor, aux)
	return hex.EncodeToString(who[:16]), version, nil
}

// controllerGUID asks for the GUID of the BMC, and for that of the system if it has none of its own.
func controllerGUID(ctx context.Context, c client.Conn) (ipmi.GUID, error) {
	device, err := client.Do(ctx, c, ipmi.GetDeviceGUID{})
	if _, refused := code(err); !refused {
		return device.GUID, err
	}
	system, err := client.Do(ctx, c, ipmi.GetSystemGUID{})
	return system.GUID, err
}

// A file of the cache is one line and the records as sdr dump writes them. The line is cacheHeader, the checksum
// of the rest of the file, and the version of the repository.
const cacheHeader = "lom-sdr-1"

func cacheLine(version string, records []byte) string {
	sum := sha256.Sum256(append([]byte(version), records...))
	return cacheHeader + " " + hex.EncodeToString(sum[:]) + " " + strconv.Quote(version) + "\n"
}

// readCache returns the records of a file, if it is whole and of the version that is wanted.
func readCache(path, version string) ([][]byte, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	line, records, _ := bytes.Cut(b, []byte("\n"))
	if string(line)+"\n" != cacheLine(version, records) {
		return nil, false
	}
	raw, err := splitRecords(records)
	return raw, err == nil && len(raw) > 0
}

// writeCache writes the file in one step, so that other calls never see half of it.
func writeCache(path, version string, raw [][]byte) error {
	records := bytes.Join(raw, nil)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // of no use any more, whether it was renamed or not
	_, err = f.Write(append([]byte(cacheLine(version, records)), records...))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
