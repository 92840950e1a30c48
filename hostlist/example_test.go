package hostlist_test

import (
	"fmt"

	"lom/hostlist"
)

func ExampleExpand() {
	hosts, err := hostlist.Expand("node[08-10],rack2-[a-b]", nil)
	fmt.Println(hosts, err)
	// Output: [node08 node09 node10 rack2-a rack2-b] <nil>
}

func ExampleFold() {
	fmt.Println(hostlist.Fold([]string{"node1", "node2", "node3", "node7"}))
	// Output: node[1-3,7]
}
