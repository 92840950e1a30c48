package bmc

import "lom/ipmi"

// payloads is the standard payloads that sessions can activate besides IPMI messages (§24), by
// type. Who implements one enters it in its load.
type payloads map[ipmi.PayloadType]*payloadKind

// A payloadKind is one payload type.
type payloadKind struct {
	// activate begins an instance in the session of ctx; if the session has it already, it begins
	// again. Its answer goes out as it is.
	activate func(ctx *Context, instance uint8, auxiliary [4]byte) (ipmi.ActivatedPayload, error)
	// deactivate ends it, while its session is still entered. Tell says that the session has to be
	// told.
	deactivate func(instance uint8, tell bool)
	// encrypt changes the encryption of what an instance of the session of ctx sends.
	encrypt   func(ctx *Context, op ipmi.PayloadEncryption) error
	privilege func() ipmi.Privilege // that a session needs for it; nil: any
	// nil where none is active; the length is the capacity, up to 16
	instances []*session
}

// payloadVersion is the version of the standard payloads: 1.0.
var payloadVersion = ipmi.ChannelPayloadVersion{Major: 1}

func (p *payloads) load(b *BMC) error {
	*p = payloads{}
	b.sessions.onClose = append(b.sessions.onClose, func(s *session) {
		for _, k := range *p {
			for i, holder := range k.instances {
				if holder == s {
					k.end(uint8(i+1), !s.leaving)
				}
			}
		}
	})
	return nil
}

func handlePayloads(m *Mux) {
	Handle(m, activatePayload)
	Handle(m, deactivatePayload)
	Handle(m, suspendResumePayloadEncryption)
	Handle(m, getPayloadActivationStatus)
	Handle(m, getPayloadInstanceInfo)
	Handle(m, getChannelPayloadSupport)
	Handle(m, getChannelPayloadVersion)
}

// end ends an instance.
func (k *payloadKind) end(instance uint8, tell bool) {
	k.deactivate(instance, tell)
	k.instances[instance-1] = nil
}

// check ends the payloads that their sessions cannot have any more.
func (p payloads) check(b *BMC) {
	for t, k := range p {
		for i, s := range k.instances {
			if s == nil {
				continue
			}
			off := b.accounts.user[s.user].Access.PayloadsOff>>t&1 != 0
			if off || k.privilege != nil && b.privilege(s) < k.privilege() {
				k.end(uint8(i+1), true)
			}
		}
	}
}

// has reports whether there can be an instance with the number.
func (k *payloadKind) has(instance uint8) bool {
	return instance >= 1 && int(instance) <= len(k.instances)
}

func activatePayload(ctx *Context, req ipmi.ActivatePayload) (r ipmi.ActivatedPayload, err error) {
	b := ctx.BMC
	k := b.payloads[req.Payload]
	switch {
	case req.Payload == ipmi.PayloadIPMI || ctx.session == nil || ctx.session.v15 != nil:
		return r, ipmi.CodeInvalidDataField
	case k == nil:
		return r, ipmi.CodePayloadDisabled
	case !k.has(req.Instance):
		return r, ipmi.CodeInvalidDataField
	case b.accounts.user[ctx.User].Access.PayloadsOff>>req.Payload&1 != 0:
		return r, ipmi.CodeInsufficientPrivilege
	}
	// A session that has the instance may have missed the answer.
	if holder := k.instances[req.Instance-1]; holder != nil && holder != ctx.session {
		return r, ipmi.CodePayloadActive
	}
	if r, err = k.activate(ctx, req.Instance, req.Auxiliary); err == nil {
		k.instances[req.Instance-1] = ctx.session
	}
	return r, err
}

// deactivatePayload also ends what another session of the user activated, so that a console that
// was left alone can be taken over, and for an administrator anybody's (§24.2, note 2 of Table
// 15-2).
func deactivatePayload(ctx *Context, req ipmi.DeactivatePayload) (r ipmi.NoData, err error) {
	k := ctx.BMC.payloads[req.Payload]
	switch {
	case req.Payload == ipmi.PayloadIPMI:
		return r, ipmi.CodeInvalidDataField
	case k == nil:
		return r, ipmi.CodePayloadDisabled
	case !k.has(req.Instance):
		return r, ipmi.CodeInvalidDataField
	}
	holder := k.instances[req.Instance-1]
	switch {
	case holder == nil:
		return r, ipmi.CodePayloadActive // as an answer to this command: it is not active
	case holder != ctx.session && holder.user != ctx.User &&
		ctx.Privilege < ipmi.PrivilegeAdministrator:
		return r, ipmi.CodeInsufficientPrivilege
	}
	k.end(req.Instance, holder != ctx.session)
	return r, nil
}

// Completion codes of Suspend/Resume Payload Encryption (Table 24-5).
const (
	codePayloadNotEncryptable   ipmi.CompletionCode = 0x80
	codePayloadEncryptionFixed  ipmi.CompletionCode = 0x81
	codeNoPayloadEncryption     ipmi.CompletionCode = 0x82
	codePayloadInstanceInactive ipmi.CompletionCode = 0x83
)

// suspendResumePayloadEncryption obeys the session that has the payload only: another could make it
// legible.
func suspendResumePayloadEncryption(ctx *Context,
	req ipmi.SuspendResumePayloadEncryption) (r ipmi.NoData, err error) {
	k := ctx.BMC.payloads[req.Payload]
	switch {
	case k == nil:
		return r, codePayloadNotEncryptable
	case !k.has(req.Instance) || k.instances[req.Instance-1] == nil:
		return r, codePayloadInstanceInactive
	case k.instances[req.Instance-1] != ctx.session:
		return r, ipmi.CodeInsufficientPrivilege
	}
	return r, k.encrypt(ctx, req.Operation)
}

func getPayloadActivationStatus(ctx *Context,
	req ipmi.GetPayloadActivationStatus) (r ipmi.PayloadActivationStatus, err error) {
	k := ctx.BMC.payloads[req.Payload]
	if k == nil {
		return r, ipmi.CodeInvalidDataField
	}
	r.Capacity = uint8(min(len(k.instances), 15))
	for i, s := range k.instances {
		if s != nil {
			r.Active |= 1 << i
		}
	}
	return r, nil
}

func getPayloadInstanceInfo(ctx *Context,
	req ipmi.GetPayloadInstanceInfo) (r ipmi.PayloadInstanceInfo, err error) {
	k := ctx.BMC.payloads[req.Payload]
	if k == nil || !k.has(req.Instance) {
		return r, ipmi.CodeInvalidDataField
	}
	if s := k.instances[req.Instance-1]; s != nil {
		r.SessionID = s.id
	}
	if req.Payload == ipmi.PayloadSOL {
		r.Info[0] = req.Instance // the serial port
	}
	return r, nil
}

func getChannelPayloadSupport(ctx *Context,
	req ipmi.GetChannelPayloadSupport) (r ipmi.ChannelPayloadSupport, err error) {
	if !ctx.isLAN(req.Channel) {
		return r, ipmi.CodeInvalidDataField
	}
	for t := ipmi.PayloadOpenSession; t <= ipmi.PayloadRAKP4; t++ {
		r.SessionSetup |= 1 << (t - ipmi.PayloadOpenSession)
	}
	r.Standard = 1 << ipmi.PayloadIPMI
	for t := range ctx.BMC.payloads {
		r.Standard |= 1 << t
	}
	return r, nil
}

func getChannelPayloadVersion(ctx *Context,
	req ipmi.GetChannelPayloadVersion) (r ipmi.ChannelPayloadVersion, err error) {
	t := req.Payload
	switch {
	case !ctx.isLAN(req.Channel):
		return r, ipmi.CodeInvalidDataField
	case t == ipmi.PayloadIPMI, t >= ipmi.PayloadOpenSession && t <= ipmi.PayloadRAKP4,
		ctx.BMC.payloads[t] != nil:
		return payloadVersion, nil
	}
	return r, ipmi.CodePayloadNotAvailable
}
