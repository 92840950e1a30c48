package bmc

import (
	"errors"
	"maps"
	"slices"

	"lom/ipmi"
)

// checkSatellites checks the addresses of the controllers on the IPMB.
func (b *BMC) checkSatellites() error {
	for address, c := range b.cfg.Satellites {
		if c == nil || address == ipmi.AddressBMC || address&1 != 0 || address < 0x10 ||
			address >= 0xf0 {
			return errors.New("a satellite controller needs an even slave address from 10h to " +
				"EEh other than 20h")
		}
	}
	return nil
}

// closeSatellites closes the controllers on the IPMB.
func (b *BMC) closeSatellites() error {
	var errs []error
	for _, address := range slices.Sorted(maps.Keys(b.cfg.Satellites)) {
		errs = append(errs, b.cfg.Satellites[address].Close())
	}
	return errors.Join(errs...)
}

// recordsOf returns SDRs as the controller at an address has them: what they say to be of the BMC
// is of that controller. Records are shared with other controllers and stay as they are.
func recordsOf(address uint8, records [][]byte) [][]byte {
	if address == 0 || address == ipmi.AddressBMC {
		return records
	}
	// The records that begin their body with the owner's address: sensors (§43.1-43.3), FRU devices
	// (§43.8) and controllers (§43.9).
	const typeAt, ownerAt = 3, 5
	owned := []byte{0x01, 0x02, 0x03, 0x11, 0x12}
	list := make([][]byte, len(records))
	for i, r := range records {
		if list[i] = r; len(r) > ownerAt && slices.Contains(owned, r[typeAt]) &&
			r[ownerAt] == ipmi.AddressBMC {
			list[i] = slices.Clone(r)
			list[i][ownerAt] = address
		}
	}
	return list
}
