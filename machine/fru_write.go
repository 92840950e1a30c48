package machine

import (
	"context"
	"errors"
	"fmt"

	"lom/client"
	"lom/ipmi/fru"
)

// An InventoryDevice is a FRU inventory device of which the bytes are read and written (§34). It
// is not for use by several goroutines at a time.
type InventoryDevice struct {
	ID      uint8
	Size    int  // bytes
	ByWords bool // it is read and written by words of two bytes

	d *client.FRUDevice
}

// InventoryDevice opens a FRU inventory device of the BMC. The error is a completion code if there
// is no such device.
func (m *Machine) InventoryDevice(ctx context.Context, id uint8) (*InventoryDevice, error) {
	d, err := client.OpenFRU(ctx, m.conn, id)
	if refused(err) {
		const what = "FRU %d is not present: Get FRU Inventory Area Info command"
		err = failed(fmt.Sprintf(what, id), err)
	}
	if err != nil {
		return nil, err
	}
	return &InventoryDevice{ID: id, Size: d.Size, ByWords: d.ByWords(), d: d}, nil
}

// ReadAll reads all bytes of the device. One that ends before its Size is returned as far as it
// goes.
func (d *InventoryDevice) ReadAll(ctx context.Context) ([]byte, error) {
	b, err := d.d.ReadAll(ctx)
	return b, failed("Read FRU Data", err)
}

// Write makes the device hold an image from its first byte on, and reads it back; see
// [client.FRUDevice.Write]. [CheckImage] finds what is wrong with an image before.
func (d *InventoryDevice) Write(ctx context.Context, image []byte) error {
	return failed(fmt.Sprintf("Writing FRU %d", d.ID), d.d.Write(ctx, image))
}

// CheckImage says what is wrong with the image of a FRU inventory device, nil if it is sound.
func CheckImage(image []byte) error {
	if _, err := fru.Parse(image); err != nil {
		return errors.New(firstOf(err))
	}
	return nil
}

// SetField changes a field of the chassis, board or product area, and returns what it held before.
// index counts the fields of the area from 0. What follows in the area is moved if there is no
// room. A device with more wrong than checksums is not changed.
func (d *InventoryDevice) SetField(ctx context.Context, area fru.Area, index int, text string) (
	old string, err error) {
	b, err := d.ReadAll(ctx)
	if err != nil {
		return "", err
	}
	m, err := fru.Parse(b)
	if err != nil && !errors.Is(err, fru.ErrChecksum) {
		return "", fmt.Errorf("FRU %d: %s; nothing was changed", d.ID, firstOf(err))
	}
	f, err := m.Field(area, index)
	if err != nil {
		return "", fmt.Errorf("FRU %d: %w", d.ID, err)
	}
	old = f.String()
	if err := f.Set(text); err != nil {
		return "", fmt.Errorf("FRU %d: the field cannot hold that: %w", d.ID, err)
	}
	image, err := m.Bytes(len(b))
	if err != nil {
		return "", fmt.Errorf("FRU %d: %w; nothing was changed", d.ID, err)
	}
	return old, d.Write(ctx, image)
}
