// Command exporter serves the sensors of the hosts that its arguments name as Prometheus reads
// them. IPMI_USER and IPMI_PASSWORD are those of all hosts.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"

	"lom/client"
	"lom/ipmi"
	"lom/machine"
)

func main() {
	login := client.WithUser(os.Getenv("IPMI_USER"), ipmi.NewSecret(os.Getenv("IPMI_PASSWORD")))
	http.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, collect(r.Context(), os.Args[1:], login))
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:9290", nil))
}

// collect reads the sensors of all hosts at the same time.
func collect(ctx context.Context, hosts []string, opts ...client.Option) string {
	texts := make([]string, len(hosts))
	var all sync.WaitGroup
	for i, host := range hosts {
		all.Go(func() {
			text, err := sensors(ctx, host, opts...)
			up := 1
			if err != nil {
				log.Printf("%s: %v", host, err)
				up = 0
			}
			texts[i] = fmt.Sprintf("%sipmi_up{host=%q} %d\n", text, host, up)
		})
	}
	all.Wait()
	return strings.Join(texts, "")
}

func sensors(ctx context.Context, host string, opts ...client.Option) (text string, err error) {
	s, err := client.Dial(ctx, host, opts...)
	if err != nil {
		return "", err
	}
	defer s.Close()
	for v, e := range machine.New(s).Sensors(ctx) {
		if err = e; e == nil && v.Value != nil {
			text += fmt.Sprintf("ipmi_sensor{host=%q,name=%q,unit=%q} %g\n", host, v.Name, v.Units,
				*v.Value)
		}
	}
	return text, err
}
