package cli

import (
	"context"
	"io"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

// lanStats is what lan stats get prints.
type lanStats struct {
	IPReceived       uint16 `json:"ip_received"`
	IPHeaderErrors   uint16 `json:"ip_header_errors"`
	IPAddressErrors  uint16 `json:"ip_address_errors"`
	IPFragments      uint16 `json:"ip_fragments"`
	IPSent           uint16 `json:"ip_sent"`
	UDPReceived      uint16 `json:"udp_received"`
	RMCPReceived     uint16 `json:"rmcp_received_valid"`
	UDPProxyReceived uint16 `json:"udp_proxy_received"`
	UDPProxyDropped  uint16 `json:"udp_proxy_dropped"`
}

func runLANStats(ctx context.Context, a *App, args []string) error {
	s, err := a.lanStatistics(ctx, args, false)
	if err != nil {
		return err
	}
	v := lanStats(s)
	return a.Show(v, v.text, nil)
}

func runLANStatsClear(ctx context.Context, a *App, args []string) error {
	if _, err := a.lanStatistics(ctx, args, true); err != nil {
		return err
	}
	return a.Done("")
}

func (a *App) lanStatistics(ctx context.Context, args []string, clear bool) (s ipmi.IPStatistics, err error) {
	if err := wantArgs(args, 0, 1); err != nil {
		return s, err
	}
	channel, err := a.lanChannel(ctx, args, 0)
	if err != nil {
		return s, err
	}
	s, err = do(ctx, a, ipmi.GetIPStatistics{Channel: channel, Clear: clear})
	return s, failed("Get LAN Stats command", err)
}

func (v lanStats) text(w io.Writer) {
	line := func(key string, n uint16) { fmt.Fprintf(w, "%-26s: %d\n", key, n) }
	line("IP Rx Packet", v.IPReceived)
	line("IP Rx Header Errors", v.IPHeaderErrors)
	line("IP Rx Address Errors", v.IPAddressErrors)
	line("IP Rx Fragmented", v.IPFragments)
	line("IP Tx Packet", v.IPSent)
	line("UDP Rx Packet", v.UDPReceived)
	line("RMCP Rx Valid", v.RMCPReceived)
	line("UDP Proxy Packet Received", v.UDPProxyReceived)
	line("UDP Proxy Packet Dropped", v.UDPProxyDropped)
}
