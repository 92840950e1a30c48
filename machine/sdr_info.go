package machine

import (
	"context"
	"fmt"
	"time"

	"lom/ipmi"
)

// A Repository is the state of the SDR repository (§33.9).
type Repository struct {
	Version string `json:"version"`
	Records uint16 `json:"records"`
	// nil: not specified; 65534: that many or more
	FreeBytes         *uint16   `json:"free_bytes,omitempty"`
	LastAddition      time.Time `json:"last_addition,omitzero"`
	AdditionSinceInit *uint32   `json:"last_addition_since_init_seconds,omitempty"`
	LastErase         time.Time `json:"last_erase,omitzero"`
	EraseSinceInit    *uint32   `json:"last_erase_since_init_seconds,omitempty"`
	Overflow          bool      `json:"overflow"`
	Update            string    `json:"update" enum:"unspecified,non-modal,modal,modal-and-non-modal"`
	CanDelete         bool      `json:"can_delete"`
	CanPartialAdd     bool      `json:"can_partial_add"`
	CanReserve        bool      `json:"can_reserve"`
	HasAllocations    bool      `json:"has_allocation_info"`

	Info ipmi.SDRRepositoryInfo `json:"-"`
}

// freeUnspecified is the free space of a repository that does not say how much it has.
const freeUnspecified = 0xffff

// Repository reads the state of the SDR repository.
func (m *Machine) Repository(ctx context.Context) (Repository, error) {
	r, err := do(ctx, m, "Get SDR Repository Info command", ipmi.GetSDRRepositoryInfo{})
	if err != nil {
		return Repository{}, err
	}
	return Repository{
		Version: fmt.Sprintf("%x.%x", r.Version&0xf, r.Version>>4), Records: r.Records,
		FreeBytes:    orNil(r.Free, r.Free != freeUnspecified),
		LastAddition: timeOf(r.LastAddition), AdditionSinceInit: sinceInit(r.LastAddition),
		LastErase: timeOf(r.LastErase), EraseSinceInit: sinceInit(r.LastErase),
		Overflow: r.Overflow, Update: word(r.Update.String()), CanDelete: r.CanDelete,
		CanPartialAdd: r.CanPartialAdd, CanReserve: r.CanReserve,
		HasAllocations: r.CanGetAllocation, Info: r,
	}, nil
}
