package bmc

import (
	"testing"

	"lom/ipmi"
)

func TestPayloads(t *testing.T) {
	b := newTest(t, nil)
	var ended []uint8
	kind := &payloadKind{
		activate: func(_ *Context, _ uint8, _ [4]byte) (ipmi.ActivatedPayload, error) {
			return ipmi.ActivatedPayload{Port: 623, VLAN: 0xffff}, nil
		},
		deactivate: func(instance uint8, _ bool) { ended = append(ended, instance) },
		instances:  make([]*session, 2),
	}
	one, two := &session{id: 1, user: 2}, &session{id: 2, user: 2}
	b.sessions.active = map[uint32]*session{1: one, 2: two}
	in := func(s *session) *Context {
		return &Context{Channel: channelLAN, Privilege: ipmi.PrivilegeAdministrator, User: 2,
			SessionID: s.id, session: s}
	}
	activate := ipmi.ActivatePayload{Payload: ipmi.PayloadSOL, Instance: 1}
	if cc := askAs(t, b, in(one), activate); cc != ipmi.CodePayloadDisabled {
		t.Errorf("without SOL: %v", cc)
	}
	wantCode[ipmi.PayloadActivationStatus](t, "status without SOL",
		ipmi.CodeInvalidDataField)(ask(t, b,
		ipmi.GetPayloadActivationStatus{Payload: ipmi.PayloadSOL}))
	b.payloads[ipmi.PayloadSOL] = kind
	for _, step := range []struct {
		what string
		ctx  *Context
		req  interface {
			Command() ipmi.Command
			AppendBinary([]byte) ([]byte, error)
		}
		want ipmi.CompletionCode
	}{
		{"no instance", in(one), ipmi.ActivatePayload{Payload: ipmi.PayloadSOL, Instance: 3}, ipmi.CodeInvalidDataField},
		{"IPMI", in(one), ipmi.ActivatePayload{Instance: 1}, ipmi.CodeInvalidDataField},
		{"first", in(one), activate, ipmi.CodeOK},
		{"second", in(two), activate, ipmi.CodePayloadActive},
		{"other instance", in(two), ipmi.ActivatePayload{Payload: ipmi.PayloadSOL, Instance: 2}, ipmi.CodeOK},
		{"end it", in(two), ipmi.DeactivatePayload{Payload: ipmi.PayloadSOL, Instance: 2}, ipmi.CodeOK},
		{"end it again", in(two), ipmi.DeactivatePayload{Payload: ipmi.PayloadSOL, Instance: 2}, ipmi.CodePayloadActive},
	} {
		if cc := askAs(t, b, step.ctx, step.req); cc != step.want {
			t.Errorf("%s: %v, want %v", step.what, cc, step.want)
		}
	}
	if st := must(t, b, ipmi.GetPayloadActivationStatus{Payload: ipmi.PayloadSOL}); st.Capacity !=
		2 || st.Active != 1 {
		t.Errorf("status %+v", st)
	}
	if i := must(t, b, ipmi.GetPayloadInstanceInfo{Payload: ipmi.PayloadSOL,
		Instance: 1}); i.SessionID != 1 || i.Info[0] != 1 {
		t.Errorf("instance %+v", i)
	}
	if s := must(t, b, ipmi.GetChannelPayloadSupport{Channel: 0xe}); s.Standard != 3 ||
		s.SessionSetup != 0x3f {
		t.Errorf("support %+v", s)
	}
	b.do(func() { b.sessions.close(one) })
	if len(ended) != 2 || ended[1] != 1 {
		t.Errorf("ended %v", ended)
	}
	must(t, b, ipmi.SetUserPayloadAccess{Channel: 1, User: 2, Disable: true,
		Payloads: ipmi.PayloadSet{Standard: 2}})
	if cc := askAs(t, b, in(two), activate); cc != ipmi.CodeInsufficientPrivilege {
		t.Errorf("a user without SOL: %v", cc)
	}
}
