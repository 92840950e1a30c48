package rmcp_test

import (
	"fmt"

	"lom/ipmi"
	"lom/rmcp"
)

// A Presence Ping of ASF, as a client sends it to find BMCs.
func ExampleParse() {
	p, err := rmcp.Parse(rmcp.AppendPing(nil, 0xff, rmcp.Ping{Tag: 7}))
	fmt.Println(p.Class == rmcp.ClassASF, p.V20(), err)
	// Output: true false <nil>
}

func ExampleAppendMessage() {
	m := rmcp.Message{To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI, NetFn: ipmi.NetFnApp,
		Seq: 1, Cmd: 1}
	fmt.Printf("% x\n", rmcp.AppendMessage(nil, &m))
	// Output: 20 18 c8 81 04 01 7a
}
