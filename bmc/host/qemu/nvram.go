package qemu

import (
	"encoding/binary"
	"errors"
	"os"
	"unicode/utf16"
)

// The UEFI variables are a firmware volume (PI 1.7, volume 3, §3.2.1) that holds a variable store,
// whose format is that of EDK II's authenticated variables: a header, and variables one after the
// other, each aligned to four bytes.
const (
	volumeSignature = "_FVH"
	volumeSignedAt  = 40 // in the volume's header
	volumeLengthAt  = 48 // of the volume's header, in two bytes

	storeHeader  = 28 // GUID, size in four bytes, format, state, reserved
	storeSizeAt  = 16
	storeFormat  = 0x5a // formatted, at 20
	storeHealthy = 0xfe // at 21

	variableStart = 0x55aa // two bytes
	// start, state, attributes, count, time, key, lengths of name and data, GUID of the vendor
	variableHeader = 60
	variableSizeAt = 36   // the two lengths, four bytes each
	variableAdded  = 0x3f // state
	variableInto   = 0xfe // bits that stay: it is about to be replaced
	variableGone   = 0xfd // bits that stay: it was deleted
)

// storeGUID marks a store of authenticated variables.
var storeGUID = [16]byte{0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43, 0xa1, 0x80, 0x2e, 0x14,
	0x4e, 0xc3, 0x77, 0x92}

// globalVariable is the vendor of the variables that the UEFI specification defines (UEFI 2.10
// §3.3).
var globalVariable = [16]byte{0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00,
	0xe0, 0x98, 0x03, 0x2b, 0x8c}

const (
	// osIndications is the variable by which an operating system asks the firmware for something at
	// the next start (UEFI 2.10 §8.5.4).
	osIndications = "OsIndications"
	bootToSetup   = 1 // its bit for the set-up screens, which the firmware clears

	// Attributes: it lasts, and boot services and operating system can use it.
	variableAttributes = 0x7
)

var errNotVariables = errors.New("the file of the UEFI variables holds none of the usual format")

// askForSetup makes UEFI firmware begin with its set-up screens, by the variables in the file.
func askForSetup(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := setVariable(b, osIndications, globalVariable,
		binary.LittleEndian.AppendUint64(nil, bootToSetup)); err != nil {
		return err
	}
	// In place, and without cutting the file first: most of it is as it was, whenever this ends.
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	return errors.Join(err, f.Close())
}

// setVariable sets a variable in a firmware volume, in place: the former one is marked as deleted,
// and the new one appended. As on flash memory, bits are only cleared.
func setVariable(volume []byte, name string, vendor [16]byte, data []byte) error {
	store, err := variableStore(volume)
	if err != nil {
		return err
	}
	encoded := encodeName(name)
	at := 0
	var former []byte
	for at+variableHeader <= len(store) && binary.LittleEndian.Uint16(store[at:]) == variableStart {
		v := store[at:]
		nameSize, dataSize := uint64(binary.LittleEndian.Uint32(v[variableSizeAt:])),
			uint64(binary.LittleEndian.Uint32(v[variableSizeAt+4:]))
		if nameSize+dataSize > uint64(len(v)-variableHeader) {
			return errNotVariables
		}
		end := variableHeader + int(nameSize+dataSize)
		if state := v[2]; (state == variableAdded || state == variableAdded&variableInto) &&
			[16]byte(v[variableHeader-16:variableHeader]) == vendor &&
			string(v[variableHeader:variableHeader+int(nameSize)]) == string(encoded) {
			former = v
		}
		at += (end + 3) &^ 3
	}
	v := make([]byte, variableHeader, variableHeader+len(encoded)+len(data))
	binary.LittleEndian.PutUint16(v, variableStart)
	v[2] = variableAdded
	binary.LittleEndian.PutUint32(v[4:], variableAttributes)
	binary.LittleEndian.PutUint32(v[variableSizeAt:], uint32(len(encoded)))
	binary.LittleEndian.PutUint32(v[variableSizeAt+4:], uint32(len(data)))
	copy(v[variableHeader-16:], vendor[:])
	v = append(append(v, encoded...), data...)
	if at+len(v) > len(store) {
		return errors.New("there is no room for another UEFI variable")
	}
	for _, c := range store[at : at+len(v)] {
		if c != 0xff {
			return errNotVariables
		}
	}
	copy(store[at:], v)
	if former != nil {
		former[2] &= variableGone
	}
	return nil
}

// variableStore returns where the variables of a firmware volume are.
func variableStore(volume []byte) ([]byte, error) {
	if len(volume) < volumeLengthAt+2 ||
		string(volume[volumeSignedAt:volumeSignedAt+4]) != volumeSignature {
		return nil, errNotVariables
	}
	header := int(binary.LittleEndian.Uint16(volume[volumeLengthAt:]))
	if len(volume) < header+storeHeader {
		return nil, errNotVariables
	}
	store := volume[header:]
	size := uint64(binary.LittleEndian.Uint32(store[storeSizeAt:]))
	if [16]byte(store) != storeGUID || store[20] != storeFormat || store[21] != storeHealthy ||
		size < storeHeader || size > uint64(len(store)) {
		return nil, errNotVariables
	}
	return store[storeHeader:size], nil
}

// encodeName writes a variable's name as it is stored: UTF-16, with a zero after it.
func encodeName(name string) []byte {
	var b []byte
	for _, c := range utf16.Encode([]rune(name + "\x00")) {
		b = binary.LittleEndian.AppendUint16(b, c)
	}
	return b
}
