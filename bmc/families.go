package bmc

// families is the state of every family of commands.
type families struct {
	channels channels

	login login

	sessions sessions

	chassis chassis

	controller controller

	watchdog watchdog

	accounts accounts

	eventLog eventLog

	eventReceiver eventReceiver

	inventory inventory

	sensors sensors

	repository repository

	bootOptions bootOptions

	systemInfo systemInfo

	payloads payloads

	messaging messaging

	dcmi dcmi

	powerOn powerOnHours

	lan lan

	solConfig solConfig

	solPayload solPayload

	pef pef

	supermicro supermicro
}

// load reads the state of every family from the state file, in the order in which they need each
// other.
func (b *BMC) load() error {
	for _, load := range []func(*BMC) error{
		b.channels.load,

		b.login.load,

		b.sessions.load,

		b.chassis.load,

		b.controller.load,

		b.watchdog.load,

		b.accounts.load,

		b.eventLog.load,

		b.eventReceiver.load,

		b.inventory.load,

		b.sensors.load,

		b.repository.load,

		b.bootOptions.load,

		b.systemInfo.load,

		b.payloads.load,

		b.messaging.load,

		b.dcmi.load,

		b.powerOn.load,

		b.lan.load,

		b.solConfig.load,

		b.solPayload.load,

		b.pef.load,

		b.supermicro.load,
	} {
		if err := load(b); err != nil {
			return err
		}
	}
	return nil
}

// NewCommands returns the handlers of all commands that a BMC answers.
func NewCommands() *Mux {
	m := NewMux()

	handleChassis(m)

	handleController(m)

	handleSessions(m)

	handleWatchdog(m)

	handleEventLog(m)

	handleEventReceiver(m)

	handleInventory(m)

	handleSupermicro(m)

	handleSensors(m)

	handleRepository(m)

	handleUsers(m)

	handleChannels(m)

	handlePayloads(m)

	handleChassisSettings(m)

	handleBootOptions(m)

	handleSystemInfo(m)

	handleMessaging(m)

	handleCommandDiscovery(m)

	handleDCMI(m)

	handleLAN(m)

	handleSOLConfig(m)

	handlePEF(m)

	return m
}
