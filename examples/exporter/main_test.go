package main

import (
	"strings"
	"testing"

	"lom/client"
	"lom/ipmi"
	"lom/ipmitest"
)

func TestCollect(t *testing.T) {
	b := ipmitest.New(t)
	login := client.WithUser(ipmitest.User, ipmi.NewSecret(ipmitest.Password))
	got := collect(t.Context(), []string{b.Addr, "not a host"}, login)
	for _, want := range []string{
		`ipmi_sensor{host="` + b.Addr + `",name="Inlet Temp",unit="degrees C"} 22.5` + "\n",
		`ipmi_up{host="` + b.Addr + `"} 1` + "\n",
		`ipmi_up{host="not a host"} 0` + "\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s, want %s", got, want)
		}
	}
}
