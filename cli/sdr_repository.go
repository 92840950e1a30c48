package cli

import (
	"bytes"
	"context"
	"io"
	"os"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

// repositoryInfo is what sdr info prints.
type repositoryInfo struct {
	Version        string `json:"version"`
	Records        uint16 `json:"records"`
	FreeBytes      uint16 `json:"free_bytes"`
	LastAddition   string `json:"last_addition"`
	LastErase      string `json:"last_erase"`
	Overflow       bool   `json:"overflow"`
	Update         string `json:"update"`
	CanDelete      bool   `json:"can_delete"`
	CanPartialAdd  bool   `json:"can_partial_add"`
	CanReserve     bool   `json:"can_reserve"`
	HasAllocations bool   `json:"has_allocation_info"`
}

func runSDRInfo(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	r, err := do(ctx, a, ipmi.GetSDRRepositoryInfo{})
	if err != nil {
		return failed("Get SDR Repository Info command", err)
	}
	v := repositoryInfo{
		Version: fmt.Sprintf("%x.%x", r.Version&0xf, r.Version>>4), Records: r.Records, FreeBytes: r.Free,
		LastAddition: a.stampNumeric(r.LastAddition), LastErase: a.stampNumeric(r.LastErase), Overflow: r.Overflow,
		Update: r.Update.String(), CanDelete: r.CanDelete, CanPartialAdd: r.CanPartialAdd,
		CanReserve: r.CanReserve, HasAllocations: r.CanGetAllocation,
	}
	return a.Show(v, func(w io.Writer) {
		line := func(key string, value any) { fmt.Fprintf(w, "%-36s: %v\n", key, value) }
		line("SDR Version", fmt.Sprintf("0x%x", r.Version))
		line("Record Count", r.Records)
		line("Free Space", freeWords(r.Free))
		line("Most recent Addition", choose(r.CanPartialAdd, v.LastAddition, "NA"))
		line("Most recent Erase", choose(r.CanDelete, v.LastErase, "NA"))
		line("SDR overflow", choose(r.Overflow, "yes", "no"))
		line("SDR Repository Update Support", v.Update)
		line("Delete SDR supported", choose(r.CanDelete, "yes", "no"))
		line("Partial Add SDR supported", choose(r.CanPartialAdd, "yes", "no"))
		line("Reserve SDR repository supported", choose(r.CanReserve, "yes", "no"))
		line("SDR Repository Alloc info supported", choose(r.CanGetAllocation, "yes", "no"))
	}, nil)
}

func freeWords(n uint16) string {
	switch n {
	case 0:
		return "none (full)"
	case 0xffff:
		return "unspecified"
	case 0xfffe:
		return "> 64Kb - 2 bytes"
	}
	return fmt.Sprintf("%d bytes", n)
}

func runSDRDump(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
	}
	m, err := a.recordMachine(ctx)
	if err != nil {
		return err
	}
	raw, err := m.SDRBytes(ctx)
	missing, err := splitPartial(err)
	if err != nil {
		return refusal(err)
	}
	if err := during(ctx, func() error { return os.WriteFile(args[0], bytes.Join(raw, nil), 0o666) }); err != nil {
		return err
	}
	if err := a.Done(fmt.Sprintf("Dumping Sensor Data Repository to '%s'", args[0])); err != nil {
		return err
	}
	return a.shortList(missing)
}

// runSDRFillFile reads and checks the whole file before the repository is cleared.
func runSDRFillFile(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
	}
	records, err := interruptible(ctx, func() ([][]byte, error) { return readDump(args[0]) })
	if err != nil {
		return err
	}
	c, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	if err := client.ClearSDRs(ctx, c); err != nil {
		return failed("Clear SDR Repository", err)
	}
	for i, r := range records {
		if _, err := client.AddSDR(ctx, c, r); err != nil {
			return failed(fmt.Sprintf("Add SDR (record %d of %d)", i+1, len(records)), err)
		}
	}
	return a.Done(fmt.Sprintf("%d records written", len(records)))
}
