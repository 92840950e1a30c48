package interop

import "regexp"

// A step is one command that lom and ipmitool are both given.
type step struct {
	line    string // the command behind the options
	changes bool   // changes the BMC: each program has its own, alike, BMC
	after   string // by which ipmitool must see the same on both BMCs afterwards

	// A change takes its time: the power status that both BMCs have to tell before the next step.
	until string
	// Parts of the output that cannot be the same twice, such as times, are cut out.
	but *regexp.Regexp
	// Why lom prints something else on purpose, and what kind of BMC it is true for ("": each).
	differs, differsOn string
}

// The parts of outputs that differ between two runs of the same program.
var (
	clockOnly   = regexp.MustCompile(`(\d\d/\d\d/\d\d |S\+ (\d\d/\d{3} )?)\d\d:\d\d:\d\d( \w+)?`)
	sessionOnly = regexp.MustCompile(`(?m)(session handle +: .*|console port +: .*|slot count +: .*|active sessions +: .*|,\d+,0x[0-9a-f]+)$`)
	sessionCSV  = regexp.MustCompile(`(?m)^\d+,|,\d+$`) // handle and port
	selTimes    = regexp.MustCompile(`\| +Pre-Init +\|\d{10}\||\| [0-9/]{8} \| [0-9:]{8} UTC`)
	countdown   = regexp.MustCompile(`(?m)^Present Countdown:.*$`)
	addTimes    = regexp.MustCompile(`(?m)^(Last Add Time|Last Del Time|Most recent Addition|Most recent Erase) .*$`)
	// ipmitool prints the date twice where lom prints date and time.
	eventTime = regexp.MustCompile(`(?m)^ Timestamp +: .*$`)
	// Each BMC has an Ethernet address and a port of its own.
	ownAddress   = regexp.MustCompile(`(?m)^(MAC Address|Payload Port) .*$`)
	powerOnHours = regexp.MustCompile(`(?m)^POH Counter.*$`)
)

// Reasons for differences that several commands have in common.
const (
	refusedIsSuccess = "ipmitool ends with success although the BMC has refused the command"
	firstTwelve      = "ipmitool shows the first twelve cipher suites only"
)

// commands is every command of lom that ipmitool has too.
var commands = []step{
	// Power and chassis
	{line: "power status"},
	{line: "chassis power status"},
	{line: "chassis status"},
	{line: "chassis power on", changes: true, until: "Chassis Power is on\n"},
	{line: "power status"},
	{line: "power cycle", changes: true, until: "Chassis Power is on\n"},
	{line: "power reset", changes: true, until: "Chassis Power is on\n"},
	{line: "power diag", changes: true},
	{line: "chassis restart_cause"},
	{line: "chassis poh", but: powerOnHours},
	{line: "chassis selftest"},
	{line: "chassis policy list"},
	{line: "chassis policy always-on", changes: true, after: "chassis status"},
	{line: "chassis policy previous", changes: true, after: "chassis status"},
	{line: "chassis policy always-off", changes: true, after: "chassis status"},
	{line: "chassis identify", changes: true},
	{line: "chassis identify 5", changes: true},
	{line: "chassis identify force", changes: true},
	{line: "chassis identify 0", changes: true},
	{line: "chassis bootparam get 0"},
	{line: "chassis bootparam get 1"},
	{line: "chassis bootparam get 2"},
	{line: "chassis bootparam get 3"},
	{line: "chassis bootparam get 4", differs: "ipmi_sim sends no data, and ipmitool shows bytes that an earlier answer left behind", differsOn: "ipmi_sim"},
	{line: "chassis bootparam get 5"},
	{line: "chassis bootparam get 6"},
	{line: "chassis bootparam get 7"},
	{line: "chassis bootdev pxe", changes: true, after: "chassis bootparam get 5"},
	{line: "chassis bootdev disk options=persistent,efiboot", changes: true, after: "chassis bootparam get 5"},
	{line: "chassis bootdev cdrom", changes: true, after: "chassis bootparam get 5"},
	{line: "chassis bootdev bios options=efiboot", changes: true, after: "chassis bootparam get 5"},
	{line: "chassis bootdev safe", changes: true, after: "chassis bootparam get 5", differs: refusedIsSuccess, differsOn: "ipmi_sim"},
	{line: "chassis bootdev diag", changes: true, after: "chassis bootparam get 5", differs: refusedIsSuccess, differsOn: "ipmi_sim"},
	{line: "chassis bootdev floppy", changes: true, after: "chassis bootparam get 5", differs: refusedIsSuccess, differsOn: "ipmi_sim"},
	{line: "chassis bootdev pxe clear-cmos=yes", changes: true, after: "chassis bootparam get 5"},
	{line: "chassis bootdev none", changes: true, after: "chassis bootparam get 5"},
	{line: "chassis bootparam set bootflag force_pxe", changes: true, after: "chassis bootparam get 5"},
	{line: "chassis power soft", changes: true},
	{line: "chassis power off", changes: true, until: "Chassis Power is off\n"},

	// Management controller
	{line: "mc info"},
	{line: "bmc info"},
	{line: "mc guid"},
	{line: "mc selftest"},
	{line: "mc getenables"},
	{line: "mc setenables recv_msg_intr=off", changes: true, after: "mc getenables"},
	{line: "mc setenables system_event_log=on", changes: true, after: "mc getenables"},
	{line: "mc watchdog get", but: countdown},
	{line: "mc watchdog off", changes: true, after: "mc watchdog get"},
	{line: "raw 6 1"},
	{line: "raw 0x06 0x01"},
	{line: "raw 0x06 0x99"},
	{line: "raw 0 1"},

	// Sensors
	{line: "sdr"},
	{line: "sdr list"},
	{line: "sdr list all"},
	{line: "sdr list full"},
	{line: "sdr list compact"},
	{line: "sdr list event"},
	{line: "sdr list mcloc"},
	{line: "sdr list fru"},
	{line: "sdr list generic"},
	{line: "sdr elist"},
	{line: "sdr elist all"},
	{line: "sdr elist full"},
	{line: "-c sdr list"},
	{line: "-c sdr elist"},
	{line: "-c sdr elist all"},
	{line: "-v sdr list"},
	{line: "-v sdr list all"},
	{line: "sdr type list"},
	{line: "sdr type Temperature"},
	{line: "sdr type 0x04"},
	{line: "sdr type Fan"},
	{line: "-c sdr type Fan"},
	{line: "sdr entity 7"},
	{line: "sdr entity 3.1"},
	{line: "sdr entity 'Power Supply'"},
	{line: "sdr get 'CPU1 Temp'"},
	{line: "sdr get 'PSU1 Status'"},
	{line: "-v sdr get 'CPU1 Temp'"},
	{line: "sdr info", but: addTimes},
	{line: "sensor"},
	{line: "sensor list"},
	{line: "-c sensor list"},
	{line: "-v sensor list"},
	{line: "sensor get 'CPU1 Temp'"},
	{line: "sensor get 'PSU1 Status'"},
	{line: "sensor get 'CPU1 Temp' 'CPU2 Temp'"},
	{line: "-c sensor get 'CPU1 Temp'"},
	{line: "sensor get NoSuch"},
	{line: "sensor reading 'CPU1 Temp' 'CPU2 Temp'"},
	{line: "-c sensor reading 'CPU1 Temp'"},
	{line: "sensor thresh 'CPU1 Temp' unc 77", changes: true, after: "sensor get 'CPU1 Temp'"},
	{line: "sensor thresh 'CPU1 Temp' upper 75 85 92", changes: true, after: "sensor get 'CPU1 Temp'"},

	// System event log
	{line: "sel add events", changes: true, but: selTimes},
	{line: "sel", but: addTimes},
	{line: "sel info", but: addTimes},
	{line: "sel list"},
	{line: "sel elist"},
	{line: "sel list first 3"},
	{line: "sel list last 3"},
	{line: "sel list last 100000"},
	{line: "sel elist first 70000"},
	{line: "sel list 4"},
	{line: "-c sel list"},
	{line: "-c sel elist"},
	{line: "-v sel list first 6", but: eventTime},
	{line: "sel get 1", but: eventTime},
	{line: "sel get 2 3", but: eventTime},
	{line: "sel get 0x04", but: eventTime},
	{line: "-c sel get 1", but: eventTime},
	{line: "sel time get", but: clockOnly},
	{line: "sel time set '11/15/23 12:00:00'", changes: true, but: clockOnly},
	{line: "sel delete 3", changes: true, after: "sel info", but: addTimes},
	{line: "sel get 999"},
	{line: "sel save saved.sel"},
	{line: "sel writeraw raw.sel"},
	{line: "sel readraw raw.sel"},
	{line: "sel add saved.sel", changes: true, after: "sel list", but: selTimes},

	// FRU
	{line: "fru"},
	{line: "fru print"},
	{line: "fru print 0"},
	{line: "fru print 1"},
	{line: "fru print 9"},
	{line: "fru list"},
	{line: "-v fru print 0"},
	{line: "-v fru print 1", differs: "ipmitool does not know Extended DC Output records", differsOn: "lom bmc"},
	{line: "-c fru print 0"},
	{line: "fru read 0 fru0.bin"},

	// LAN, channels, users, sessions
	{line: "lan print"},
	{line: "lan print 1"},
	{line: "-v lan print 1"},
	{line: "lan print 7"},
	{line: "lan alert print"},
	{line: "lan alert print 1"},
	{line: "lan alert print 1 1"},
	{line: "lan stats get 1", differs: "ipmitool takes the counters' high byte to come first, against the rule of the specification, and they count each packet", differsOn: "lom bmc"},
	{line: "lan stats clear 1"},
	{line: "lan set 1 auth ADMIN MD5,PASSWORD", changes: true, after: "lan print 1", but: ownAddress, differs: "of several authentication types ipmitool takes the last only", differsOn: "lom bmc"},
	{line: "lan set 1 user", changes: true, after: "lan print 1", but: ownAddress, differs: "ipmitool does not end its line"},
	{line: "lan set 1 auth ADMIN MD5", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 auth USER,OPERATOR PASSWORD", changes: true, after: "lan print 1", but: ownAddress, differs: "of several levels ipmitool takes the last only", differsOn: "lom bmc"},
	{line: "lan set 1 auth USER PASSWORD", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 ipaddr 127.0.0.1", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 netmask 255.255.0.0", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 defgw ipaddr 127.0.0.253", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 defgw macaddr 02:00:00:00:00:fe", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 bakgw ipaddr 127.0.0.252", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 bakgw macaddr 02:00:00:00:00:fd", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 ipsrc static", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 ipsrc nonsense"},
	{line: "lan set 1 vlan priority 3", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 vlan id 5000", changes: true, after: "lan print 1", but: ownAddress, differs: "ipmitool ends with success although it has refused the number"},
	{line: "lan set 1 arp respond off", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 arp generate on", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 arp interval 5", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 bad_pass_thresh 5 1 60 300", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 alert off", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 alert on", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 access on", changes: true, after: "lan print 1", but: ownAddress},
	{line: "lan set 1 ipaddr 10.0.0.300"},
	{line: "lan set 1 nonsense 1"},
	{line: "lan alert set 1 1 ipaddr 10.0.0.9", changes: true, after: "lan alert print 1"},
	{line: "lan alert set 1 1 macaddr 02:00:00:00:00:09", changes: true, after: "lan alert print 1"},
	{line: "lan alert set 1 1 gateway backup", changes: true, after: "lan alert print 1"},
	{line: "lan alert set 1 1 ack on", changes: true, after: "lan alert print 1"},
	{line: "lan alert set 1 1 type oem1", changes: true, after: "lan alert print 1"},
	{line: "lan alert set 1 1 time 5", changes: true, after: "lan alert print 1"},
	{line: "lan alert set 1 1 retry 3", changes: true, after: "lan alert print 1"},
	{line: "lan alert set 1 9 retry 3"},
	{line: "channel info"},
	{line: "channel info 1"},
	{line: "channel info 15"},
	{line: "channel info 9"},
	{line: "channel authcap 1 4"},
	{line: "channel getaccess 1"},
	{line: "channel getaccess 1 2"},
	{line: "channel getciphers ipmi 1", differs: firstTwelve, differsOn: "ipmi_sim"},
	{line: "-c channel getciphers ipmi 1", differs: firstTwelve, differsOn: "ipmi_sim"},
	{line: "user list"},
	{line: "user list 1"},
	{line: "-c user list 1"},
	{line: "user summary 1"},
	{line: "-c user summary 1"},
	{line: "user set name 5 bob", changes: true, after: "user list 1"},
	{line: "user set password 5 s3cret", changes: true},
	{line: "user enable 5", changes: true, after: "user list 1"},
	{line: "user priv 5 3 1", changes: true, after: "user list 1"},
	{line: "user test 5 16 s3cret"},
	{line: "user test 5 16 wrong"},
	{line: "channel setaccess 1 5 callin=on ipmi=on link=on privilege=2", changes: true, after: "user list 1"},
	{line: "user disable 5", changes: true, after: "user list 1"},
	{line: "user set password 5 s3cretlongerthan16x 20", changes: true},
	{line: "session info active", but: sessionOnly},
	{line: "-c session info active", but: sessionCSV},
	{line: "session info all", but: sessionOnly},

	// SOL parameters, PEF, DCMI
	{line: "sol info 1"},
	{line: "sol info"},
	{line: "sol info 2"}, // a channel that is no LAN
	// before encryption and authentication differ: ipmitool prints the first for both
	{line: "-c sol info 1"},
	{line: "sol set enabled true 1", changes: true, after: "sol info 1", but: ownAddress},
	{line: "sol set force-encryption false 1", changes: true, after: "sol info 1", but: ownAddress},
	{line: "sol set privilege-level operator 1", changes: true, after: "sol info 1", but: ownAddress},
	{line: "sol set retry-count 5 1", changes: true, after: "sol info 1", but: ownAddress},
	{line: "sol set retry-interval 10 1", changes: true, after: "sol info 1", but: ownAddress},
	{line: "sol set character-accumulate-level 20 1", changes: true, after: "sol info 1", but: ownAddress},
	{line: "sol set character-send-threshold 50 1", changes: true, after: "sol info 1", but: ownAddress},
	{line: "sol set non-volatile-bit-rate 57.6 1", changes: true, after: "sol info 1", but: ownAddress},
	{line: "sol set volatile-bit-rate 9.6 1", changes: true, after: "sol info 1", but: ownAddress},
	{line: "sol set enabled perhaps 1"},
	{line: "sol set nonsense 1 1"},
	{line: "pef info"},
	{line: "-v pef info"},
	{line: "pef status"},
	{line: "pef filter list"},
	{line: "-v pef filter list"},
	{line: "-c pef filter list"},
	{line: "pef policy list"},
	{line: "-v pef policy list"},
	{line: "pef filter disable 2", changes: true, after: "pef filter list", differs: "ipmitool makes a filter that the maker has configured one that it has not", differsOn: "lom bmc"},
	{line: "pef filter enable 12", changes: true, after: "pef filter list"},
	{line: "pef filter enable 99"},
	{line: "pef policy enable 2", changes: true, after: "pef policy list"},
	{line: "pef policy disable 2", changes: true, after: "pef policy list"},
	{line: "pef policy enable 99"},
	{line: "pef nonsense"},
	{line: "dcmi discover"},
	{line: "dcmi power reading", but: clockOnly, differs: "ipmitool prints an empty line when the command is refused", differsOn: "ipmi_sim"},

	// The end: what takes things away
	{line: "sel clear", changes: true, after: "sel list"},
	{line: "sel list"},
	{line: "mc reset warm", changes: true},
	{line: "mc reset cold", changes: true, differs: refusedIsSuccess, differsOn: "ipmi_sim"},
}
