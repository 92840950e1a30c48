package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"lom/client"
	"lom/ipmi"
)

// deviceID is what the BMC says it is, asked for once in a session.
type deviceID struct {
	mu    sync.Mutex
	known bool
	id    ipmi.DeviceID
}

// deviceID asks the BMC what it is.
func (a *App) deviceID(ctx context.Context, c client.Conn) (ipmi.DeviceID, error) {
	a.device.mu.Lock()
	defer a.device.mu.Unlock()
	if a.device.known {
		return a.device.id, nil
	}
	id, err := client.Do(ctx, c, ipmi.GetDeviceID{})
	if err == nil {
		a.device.id, a.device.known = id, true
	}
	return id, err
}

// forgetDevice is for the end of a session.
func (a *App) forgetDevice() {
	a.device.mu.Lock()
	defer a.device.mu.Unlock()
	a.device.known = false
}

// askModel returns the words for the model and firmware of the BMC, "" for one that does not say.
func (a *App) askModel(ctx context.Context, c client.Conn) (string, error) {
	id, err := a.deviceID(ctx, c)
	if err != nil {
		return "", refused(err)
	}
	return modelWords(id), nil
}

func modelWords(id ipmi.DeviceID) string {
	aux := [4]byte{}
	if id.AuxiliaryVersion != nil {
		aux = *id.AuxiliaryVersion
	}
	return fmt.Sprintf("%d.%d.%d.%02x.%x", id.Manufacturer, id.Product, id.FirmwareMajor, id.FirmwareMinor, aux)
}

// Kinds of files about windows: which model is at an address, and how many requests at a time a model takes.
const (
	kindModel  = "model"
	kindWindow = "window"
)

// windowAge is how long it is believed how many requests at a time a model takes. After that it is found out again: it may have been
// the network's fault on that day.
const windowAge = 7 * 24 * time.Hour

// modelFile is where it is kept which model was at the address the last time.
func (a *App) modelFile(dir string) string {
	return filepath.Join(dir, hashName("%s %d", a.Options.Host, a.Options.Port)+"."+kindModel)
}

func windowFile(dir, model string) string {
	return filepath.Join(dir, hashName("%s", model)+"."+kindWindow)
}

// overNetwork reports whether there is a window.
func (a *App) overNetwork() bool { return !a.Options.inBand() && !a.Options.serial() }

// recallWindow sets the option that makes the session begin with what the model that was at the address the last time took. If
// another one is there now, the session will find out.
func (a *App) recallWindow() {
	dir := a.cacheDir()
	if a.Options.windowHint = 0; dir == "" || !a.overNetwork() {
		return
	}
	model, _, ok := readCache(a.modelFile(dir), kindModel)
	if !ok {
		return
	}
	file := windowFile(dir, model)
	if a.older(file, windowAge) {
		return
	}
	words, _, ok := readCache(file, kindWindow)
	if n, err := strconv.Atoi(words); ok && err == nil && n > 0 && n <= windowMost {
		a.Options.windowHint = n
	}
}

// keepWindow keeps what the session found out, if it knows which model the BMC is.
func (a *App) keepWindow() {
	dir := a.cacheDir()
	s, ok := a.session.(interface{ Window() (int, bool) })
	a.device.mu.Lock()
	known, model := a.device.known, modelWords(a.device.id)
	a.device.mu.Unlock()
	if !ok || dir == "" || !a.overNetwork() {
		return
	}
	keep := func(file, kind, words string) {
		if err := writeCache(file, kind, words, nil); err != nil {
			a.Log.Info("not kept", "kind", kind, "error", err)
		}
	}
	file := a.modelFile(dir)
	switch before, _, ok := readCache(file, kindModel); {
	case !known && !ok:
		return
	case !known:
		model = before
	case !ok || before != model:
		keep(file, kindModel, model)
	}
	n, learnt := s.Window()
	if !learnt || a.Options.Window != 0 || n == a.Options.windowHint {
		return // what was found out before keeps its age
	}
	a.Log.Debug("requests at a time", "model", model, "number", n)
	keep(windowFile(dir, model), kindWindow, strconv.Itoa(n))
}
