package sel_test

import (
	"fmt"

	"lom/ipmi/sel"
)

func ExampleEvent_String() {
	var r sel.Record
	err := r.UnmarshalBinary([]byte{1, 0, 2, 0, 0, 0, 0, 0x20, 0, 4, 1, 3, 0x01, 0x57, 99, 80})
	if err != nil {
		fmt.Println(err)
	}
	e, _ := r.Event()
	fmt.Println(e)
	fmt.Println(e.Direction(), e.Rising())
	// Output:
	// Upper Non-critical going high
	// Asserted true
}
