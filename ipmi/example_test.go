package ipmi_test

import (
	"errors"
	"fmt"

	"lom/ipmi"
)

// A client writes a request, and a BMC reads it with the same type.
func Example() {
	data, err := ipmi.ChassisControl{Action: ipmi.PowerCycle}.AppendBinary(nil)
	fmt.Printf("% x %v\n", data, err)
	var q ipmi.ChassisControl
	err = q.UnmarshalBinary(data)
	fmt.Println(q.Action == ipmi.PowerCycle, err, q.Command().Name)
	// Output:
	// 02 <nil>
	// true <nil> Chassis Control
}

func ExampleError() {
	var err error = &ipmi.Error{Command: ipmi.GetDeviceID{}.Command(), Code: ipmi.CodeNodeBusy}
	fmt.Println(err, errors.Is(err, ipmi.CodeNodeBusy))
	// Output: Get Device ID: Node busy true
}
