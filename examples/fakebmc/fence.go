// Package fakebmc shows how a program that talks to BMCs is tested: fence.go is the program, and
// its test runs it against simulated and scripted BMCs.
package fakebmc

import (
	"context"
	"fmt"

	"lom/client"
	"lom/ipmi"
)

// Fence switches a host off and returns nil only when the BMC says that it is off.
func Fence(ctx context.Context, c client.Conn) error {
	if _, err := client.Do(ctx, c, ipmi.ChassisControl{Action: ipmi.PowerDown}); err != nil {
		return fmt.Errorf("the host may be on: %w", err)
	}
	status, err := client.Do(ctx, c, ipmi.GetChassisStatus{})
	if err != nil {
		return fmt.Errorf("the host may be on: %w", err)
	}
	if status.PowerOn {
		return fmt.Errorf("the host is on")
	}
	return nil
}
