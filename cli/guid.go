package cli

import (
	"context"
	"io"
	"time"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

// guidInfo is what mc guid prints.
type guidInfo struct {
	GUID     string     `json:"guid"`
	Encoding string     `json:"encoding"`
	Version  *uint8     `json:"version,omitempty"`
	Time     *time.Time `json:"time,omitempty"`
	Raw      hexBytes   `json:"raw"`
}

func runGUID(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 1); err != nil {
		return err
	}
	order, auto := ipmi.GUIDDump, false
	switch word := append(args, "auto")[0]; word {
	case "auto":
		auto = true
	case "smbios":
		order = ipmi.GUIDSMBIOS
	case "ipmi":
		order = ipmi.GUIDIPMI
	case "rfc4122", "rfc":
		order = ipmi.GUIDRFC4122
	case "dump":
	default:
		return usagef("there is no encoding %q", word)
	}
	r, err := do(ctx, a, ipmi.GetSystemGUID{})
	if err != nil {
		return failed("Get GUID command", err)
	}
	if auto {
		order = r.GUID.Order(a.now())
	}
	v := guidInfo{GUID: r.GUID.Format(order), Encoding: order.String(), Raw: r.GUID[:]}
	version := r.GUID.Version(order)
	if order != ipmi.GUIDDump {
		v.Version = new(uint8(version))
		if version == ipmi.GUIDTimeBased {
			v.Time = new(r.GUID.Time(order))
		}
	}
	return a.Show(v, func(w io.Writer) {
		fmt.Fprintf(w, "System GUID   : %s\n", v.GUID)
		if v.Version == nil {
			return
		}
		if auto {
			fmt.Fprintf(w, "GUID Encoding : %s%s\n", order,
				choose(order == ipmi.GUIDIPMI, "", " (WARNING: IPMI Specification violation!)"))
		}
		fmt.Fprintf(w, "GUID Version  : %s\n", version)
		if v.Time != nil {
			fmt.Fprintf(w, "Timestamp     : %s\n", a.stampNumeric(ipmi.TimestampOf(*v.Time)))
		}
	}, nil)
}
