package cli

import "lom/ipmi"

// What ipmitool 1.8.19 prints on stderr, as measured against BMCs that refuse a command or do not
// answer it. In braces stands what [App.fill] puts in.

const (
	lanplusSessionLine = "Error: Unable to establish IPMI v2 / RMCP+ session"
	lanSessionLines    = "Error: Unable to establish LAN session\nError: Unable to establish " +
		"IPMI v1.5 / RMCP session"
)

// statusWords are the words for the status codes of Table 13-15.
var statusWords = [...]string{
	"no errors",
	"insufficient resources for session",
	"invalid session ID",
	"invalid payload type",
	"invalid authentication algorithm",
	"invalid integrity algorithm",
	"no matching authentication algorithm",
	"no matching integrity payload",
	"inactive session ID",
	"invalid role",
	"unauthorized role requested",
	"insufficient resources for role",
	"invalid name length",
	"unauthorized name",
	"unauthorized GUID",
	"invalid integrity check value",
	"invalid confidentiality algorithm",
	"no matching cipher suite",
	"illegal parameter",
}

// commandWords are the lines for commands that failed, the first row that fits counts.
var commandWords = [...]struct {
	command string // of lom
	ipmi    string // the command that the BMC was asked for; "": each
	refused string // "": {what} failed: {words}; "-": none
	silent  string // "": none
}{
	{"power status", "Get Chassis Status", "", "Unable to get Chassis Power Status"},
	{"power", "Chassis Control", "", "{unable}"},
	{"chassis status", "", "Error sending Chassis Status command: {words}", "Error sending Chassis Status command"},
	{"chassis selftest", "", "Error sending Get Self Test command: {words}", "Error sending Get Self Test command"},
	{"chassis policy", "", "", "Error in Power Restore Policy command"},
	{"chassis identify force", "", "{what} failed: {words}\nChassis may not support Force Identify On", "{unable}"},
	{"chassis bootparam get", "", "", "Error Getting Chassis Boot Parameter {last}"},
	{"chassis", "Set System Boot Options", "", "Error setting Chassis Boot Parameter 0"},
	{"chassis", "", "", "{unable}"},

	{"mc info", "", "", "Get Device ID command failed"},
	{"mc selftest", "", "Bad response: ({words})", "No response from devices\n"},
	{"mc guid", "", "IPMI command failed: {words}", "IPMI response is NULL."},
	{"mc getsysinfo", "", "getsysinfo command failed: {words}", "getsysinfo {arg} set 0 command failed"},
	{"mc setsysinfo", "", "setsysinfo command failed: {words}", "setsysinfo {arg} set 0 command failed"},
	{"mc watchdog off", "", "{what} failed! {words}", "{what} failed!"},
	{"mc watchdog reset", "", "", "{what} failed!"},
	{"mc reset", "", "", "{what} failed."},
	{"mc", "", "", "{what} failed"},

	{"sdr info", "", "", "{what} failed"},
	{"sdr get", "", "Error obtaining SDR info: {words}\nUnable to open SDR for reading\nUnable " +
		"to find sensor id '{arg}'",
		"Error obtaining SDR info\nUnable to open SDR for reading\nUnable to find sensor id '{arg}'"},
	{"sensor get", "", "Error obtaining SDR info: {words}\nUnable to open SDR for " +
		"reading\nSensor data record \"{arg}\" not found!",
		"Error obtaining SDR info\nUnable to open SDR for reading\nSensor data record \"{arg}\" " +
			"not found!"},
	{"sensor reading", "", "Error obtaining SDR info: {words}\nUnable to open SDR for " +
		"reading\nSensor \"{arg}\" not found!",
		"Error obtaining SDR info\nUnable to open SDR for reading\nSensor \"{arg}\" not found!"},
	{"sensor thresh", "Set Sensor Thresholds", "Error setting threshold: {words}", "Error setting threshold"},
	{"sensor thresh", "Get Sensor Thresholds", "Sensor data record not found!", "Sensor data record not found!"},
	{"sensor thresh", "", "Error obtaining SDR info: {words}\nUnable to open SDR for " +
		"reading\nSensor data record not found!",
		"Error obtaining SDR info\nUnable to open SDR for reading\nSensor data record not found!"},
	{"sdr", "", "Error obtaining SDR info: {words}\nUnable to open SDR for reading", "Error obtaining SDR info\nUnable to open SDR for reading"},
	{"sensor", "", "Error obtaining SDR info: {words}\nUnable to open SDR for reading", "Error obtaining SDR info\nUnable to open SDR for reading"},
	{"fru read", "Read FRU Data", "FRU Read failed: {words}", "FRU Read failed"},
	{"fru", "Get SDR", "Error obtaining SDR info: {words}", "Error obtaining SDR info"},
	{"fru", "Get SDR Repository Info", "Error obtaining SDR info: {words}", "Error obtaining SDR info"},

	{"sel", "Reserve SEL", "Unable to reserve SEL: {words}", "Unable to reserve SEL"},
	{"sel clear", "", "Unable to clear SEL: {words}", "Unable to clear SEL"},
	{"sel delete", "", "Unable to delete entry {arg}: {words}", "Unable to delete entry {arg}"},
	{"sel get", "", "", "{what} failed"},
	{"sel time get", "", "", "{what} failed: Unknown"},
	{"sel time set", "", "", "{what} failed: Unknown"},
	{"sel add", "", "", "{what} failed"},
	{"sel", "Get SEL Info", "Get SEL Info command failed: {words}", "Get SEL Info command failed"},

	{"lan set", "Set User Access", "IPMI command failed: {words}\nSet User Access for channel {arg} failed", "Set User Access for channel {arg} failed"},
	{"lan set", "Set Channel Access",
		"IPMI command failed: {words}\nUnable to Set Channel Access(non-volatile) for channel {arg}",
		"Unable to Set Channel Access(non-volatile) for channel {arg}"},
	{"lan", "Get Channel Info", "Get Channel Info command failed: {words}", "IPMI response is NULL."},
	{"lan alert print", "Get LAN Configuration Parameters", "Alert {arg2} is not a valid destination", "Alert {arg2} is not a valid destination"},
	{"lan", "Set LAN Configuration Parameters", "", "Set LAN Parameter failed"},

	{"channel info", "", "IPMI command failed: {words}\nUnable to {what}", "IPMI response is NULL.\nUnable to {what}"},
	{"channel getaccess", "", "IPMI command failed: {words}\nUnable to {what}", "IPMI response is NULL.\nUnable to {what}"},
	{"channel setaccess", "", "IPMI command failed: {words}\nUnable to {what}", "IPMI response is NULL.\nUnable to {what}"},
	{"channel", "", "", "Unable to {what}"},
	{"user list", "", "IPMI command failed: {words}", "IPMI response is NULL."},
	{"user summary", "", "IPMI command failed: {words}", "IPMI response is NULL."},
	{"user set name", "", "{head} failed {tail}: {words}", "{head} failed {tail}"},
	{"user test", "", "", ""},
	{"user", "Set User Access", "IPMI command failed: {words}\n{head} failed {tail}", "IPMI response is NULL.\n{head} failed {tail}"},
	{"user set password", "", "IPMI command failed: {words}\n{head} failed {tail}", "IPMI response is NULL.\n{head} failed {tail}"},
	{"user", "", "IPMI command failed: {words}\n{head} failed {tail}", "IPMI command failed: Unspecified error\n{head} failed {tail}"},
	{"session info active", "",
		"{what} failed: {words}\nIt is likely that the channel in use does not support sessions",
		"{what} failed\nIt is likely that the channel in use does not support sessions"},
	{"session info", "", "", "{what} failed"},

	{"sol info", "", "Error requesting SOL parameter 'Set In Progress (0)': {words}", "Error: No response requesting SOL parameter 'Set In Progress (0)'"},
	{"sol set", "Set SOL Configuration Parameters",
		"Error setting SOL parameter 'set-in-progress' to 'set-in-progress': {words}\nError: set " +
			"of parameter \"{arg}\" failed",
		"Error setting SOL parameter 'set-in-progress'\nError: set of parameter \"{arg}\" failed"},
	{"sol set", "", "Error requesting SOL parameter 'Set In Progress (0)': {words}\nError " +
		"fetching SOL parameters for {arg} update",
		"Error: No response requesting SOL parameter 'Set In Progress (0)'\nError fetching SOL " +
			"parameters for {arg} update"},
	{"sol payload status", "",
		"Error getting SOL payload status for user {arg2} on channel {arg}: {words}",
		"Error. No valid response received."},
	{"sol payload enable", "",
		"Error enabling SOL payload for user {arg2} on channel {arg}: {words}",
		"Error enabling SOL payload for user {arg2} on channel {arg}"},
	{"sol payload disable", "",
		"Error disabling SOL payload for user {arg2} on channel {arg}: {words}",
		"Error disabling SOL payload for user {arg2} on channel {arg}"},
	{"sol activate", "", "-", ""}, // says so itself, and so does the next
	{"sol deactivate", "", "-", ""},

	{"pef info", "", "IPMI command failed: {words}\nFailed to get PEF Capabilities.", "IPMI response is NULL.\nFailed to get PEF Capabilities."},
	{"pef status", "", " **Error {code} in 'Last S/W processed ID' command\n **Error retrieving " +
		"Last S/W processed ID",
		" **Error retrieving Last S/W processed ID"},
	{"pef policy enable", "Set PEF Configuration Parameters", "IPMI command failed: {words}\nFailed to enable PEF Policy ID {arg}.", "IPMI response is NULL.\nFailed to enable PEF Policy ID {arg}."},
	{"pef policy disable", "Set PEF Configuration Parameters", "IPMI command failed: {words}\nFailed to disable PEF Policy ID {arg}.", "IPMI response is NULL.\nFailed to disable PEF Policy ID {arg}."},
	{"pef", "", "IPMI command failed: {words}", "IPMI response is NULL."},
	{"dcmi", "", "\n    DCMI request failed because: {words} ({code})", "\n    Unable to get DCMI information"},
	{"event", "", "", "{what} failed"},
	{"raw", "", "", "Unable to {what}"},
}

var dcmiPower = []string{"Get Power Reading", "Get Power Limit", "Set Power Limit",
	"Activate/Deactivate Power Limit", "Get Thermal Limit", "Set Thermal Limit"}

// codeWords are completion codes for which ipmitool has words of the command, where they are not
// those of the specification.
var codeWords = [...]struct {
	code  ipmi.CompletionCode
	ipmi  []string
	words string
}{
	{0x80, []string{"Get System Boot Options", "Set System Boot Options"}, "Unsupported parameter"},
	{0x81, []string{"Set System Boot Options"}, "Attempt to set 'in progress' while not in 'complete' state"},
	{0x82, []string{"Set System Boot Options"}, "Parameter is read-only"},
	{0x80, []string{"Reset Watchdog Timer"}, "Attempt to reset uninitialized watchdog"},
	{0x80, dcmiPower, "Parameter not supported"},
	{0x81, dcmiPower, "Something else has already claimed these parameters"},
	{0x82, dcmiPower, "Not supported or failed to write a read-only parameter"},
	{0x83, dcmiPower, "Access mode is not supported"},
	{0x84, dcmiPower, "Power/Thermal limit out of range"},
}

// unknownWords are the lines for a word that is no command of a group.
var unknownWords = map[string]string{
	"":             "Invalid command: {word}",
	"chassis":      "Invalid chassis command: {word}",
	"power":        "Invalid chassis power command: {word}",
	"mc":           "Invalid mc/bmc command: {word}",
	"mc watchdog":  "Invalid mc/bmc watchdog command: {word}",
	"sdr":          "Invalid SDR command: {word}",
	"sdr fill":     "Invalid SDR fill command: {word}",
	"sensor":       "Invalid sensor command: {word}",
	"sel":          "Invalid SEL command: {word}",
	"fru":          "Invalid FRU command: {word}",
	"lan":          "Invalid LAN command: {word}",
	"channel":      "Invalid CHANNEL command: {word}",
	"user":         "Invalid user command: '{word}'",
	"session":      "Invalid SESSION command: {word}",
	"session info": "Invalid SESSION info parameter: {word}",
	"pef":          "Invalid PEF command: '{word}'",
	"pef policy":   "Invalid PEF Policy command: {word}",
}

// optionWords are the lines for values of options that are refused.
var optionWords = [...]struct {
	option   string
	value    string // a regular expression; "": each
	ipmitool string
	session  bool // ipmitool goes on, and says that it cannot open a session
}{
	{"I", "", "Error loading interface {value}", false},
	{"C", `^(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])$`, "Unsupported cipher suite ID : {value}\n", true},
	{"C", "", "Invalid parameter given or out of range [0-255] for '-C'.", false},
	{"p", `^\d+$`, "Port number {value} is out of range.", false},
	{"U", "", "Username is too long (> 16 bytes)", false},
	{"L", "", "Invalid privilege level {value}", true},
	{"N", "", "Invalid parameter given or out of range for '-N'.", false},
	{"y", `^(..)*.$`, "Number of Kg key characters is not even", false},
	{"y", `[^0-9a-fA-F]`, "Kg key is not hexadecimal number", false},
	{"y", "", "Kg key is too long", false},
	{"o", "", "OEM setup for \"{value}\" failed", false},
}

// sentenceWords are the lines for what lom finds wrong before it asks the BMC, or in its answers.
var sentenceWords = [...]struct {
	command  string // of lom
	lom      string // a regular expression
	ipmitool string // with $1 for what the first group of the expression holds
}{
	{"sensor get", `^there is no sensor "(.*?)"`, `Sensor data record "$1" not found!`},
	{"sensor reading", `^there is no sensor "(.*?)"`, `Sensor "$1" not found!`},
	{"sensor thresh", `^there is no sensor "`, `Sensor data record not found!`},
	{"sdr get", `^there is no sensor "(.*?)"`, `Unable to find sensor id '$1'`},
	{"sdr type", `^there is no sensor type "(.*?)"`, `Sensor Type "$1" not found.`},
	{"sdr entity", `^there is no entity "(.*?)"`, `Invalid entity: $1`},
	{"sdr list", `^"(.*?)" is no kind of record`, `Invalid SDR list command: $1`},
	{"sdr elist", `^"(.*?)" is no kind of record`, `Invalid SDR elist command: $1`},
	{"raw", `^given (netfn|command|data) "(.*?)" is invalid`, `Given $1 "$2" is invalid.`},
	{"raw", `^raw needs`, `Not enough parameters given.`},
	{"chassis policy", `^there is no policy "(.*?)"`, `Invalid chassis policy: $1`},
	{"chassis identify", `^the interval .*it is not "\d+"`, `Given interval is too big.`},
	{"chassis identify", `^the interval `, `Invalid interval given.`},
	{"chassis", `^there is no boot device "(.*?)"`, `Invalid argument: $1`},
	{"chassis bootdev", `^there is no boot option "(.*?)"`, `Invalid option: $1`},
	{"chassis bootparam", `^parameter: "(.*?)" is not a number`, `Invalid parameter '$1' given instead of bootparam.`},
	{"mc reset", `^a reset is warm or cold, not "(.*?)"`, `Invalid mc/bmc reset command: $1`},
	{"mc reset", `^something is missing`, "Not enough parameters given.\nusage: mc reset <warm|cold>"},
	{"mc", `^something is missing`, `Not enough parameters given.`},
	{"sensor get", `^something is missing`, `Not enough parameters given.`},
	{"sdr get", `^something is missing`, `No Sensor ID supplied`},
	{"sdr", `^something is missing`, `Not enough parameters given.`},
	{"fru", `^something is missing`, `Not enough parameters given.`},
	{"channel getaccess", `^something is missing`, `Not enough parameters given.`},
	{"channel setaccess", `^something is missing`, `Not enough parameters given.`},
	{"channel setaccess", `^(\w+): "(.*?)" is neither on nor off`, `Invalid option: $1=$2`},
	{"sel get", `^something is missing`, `usage: sel get <entry>`},
	{"sel delete", `^something is missing`, `usage: sel delete <id>...<id>`},
	{"sel save", `^something is missing`, `usage: sel save <filename>`},
	{"sel add", `^something is missing`, `usage: sel add <filename>`},
	{"session info", `^"(id|handle)" is not active, all`, `Missing $1 argument`},
	{"mc getsysinfo", `^the BMC does not keep (\S+)`, `getsysinfo $1 parameter not supported`},
	{"mc setsysinfo", `^the BMC does not keep (\S+)`, `setsysinfo $1 parameter not supported`},
	{"mc watchdog reset", `^the watchdog timer was never set`,
		`Reset Watchdog Timer command failed: Attempt to reset uninitialized watchdog`},
	{"sel get", `^given SEL ID "(.*?)" is not`, `Given SEL ID '$1' is invalid.`},
	{"sel list", `^"(.*?)" is not a number`, `Numeric argument required; got '$1'`},
	{"sel elist", `^"(.*?)" is not a number`, `Numeric argument required; got '$1'`},
	{"sel time set", `is no time:`, `Specified time could not be parsed`},
	{"fru", `^FRU ID "(.*?)" is not a number`, `FRU ID '$1' is either invalid or out of range.`},
	{"fru write", `^(.*): no such file or directory$`, `Error opening file $1`},
	{"lan set", `^channel (\d+) of the BMC is not a LAN`, `Channel $1 is not a LAN channel!`},
	{"lan alert", `^channel (\d+) of the BMC is not a LAN`, `Channel $1 is not a LAN channel`},
	{"lan", `^channel (\d+) of the BMC is not a LAN`, `Invalid channel: $1`},
	{"lan", `^channel: "(.*?)" is not a number`, `Invalid channel: $1`},
	{"lan set", `^"(.*?)" is no IPv4 address`, `Invalid IP address: $1`},
	{"lan set", `^VLAN ID: `, `VLAN ID must be between 1 and 4094.`},
	{"pef", `^"(.*?)" is not a number`, `Invalid PEF Event Filter ID given: $1`},
	{"sol set", `^there is no SOL parameter "(.*?)"`, `Error: invalid SOL parameter $1`},
	{"sol set", `^"(.*?)" is neither true nor false`, "Invalid value $1 for parameter {arg}\nValid values are true and false"},
	{"sol deactivate", `^instance: "\d+" is not`, `Error: Instance must range from 1 to 15`},
	{"sol deactivate", `^instance: "(.*?)" is not`, `Given instance '$1' is invalid.`},
	{"user set name", `^a user name has`, `Username is too long (> 16 bytes)`},
	{"user", `^the password is too long \(more than (\d+) bytes`, `Password is too long (> $1 bytes)`},
	{"user", `^"(.*?)" is no privilege level`, "Given Privilege Limit '$1' is invalid.\nPrivilege Limit is limited to <0x1..0x5> and <0xF>."},
	{"user test", `^the size of a password .* not "(.*?)"`, "Given password length '$1' is invalid.\nExpected value is either 16 or 20."},
	{"session info", `^"(.*?)" is not active, all`, `Invalid SESSION info parameter: $1`},
	{"", `^user ID: "(.*?)" is not`, "Given User ID '$1' is either invalid or out of range.\nUser ID is limited to range <1..63>."},
	{"", `^channel: "(.*?)" is not`,
		"Given Channel number '$1' is either invalid or out of range.\nChannel number must be " +
			"from ranges: <0x0..0xB>, <0xE..0xF>"},
	{"", `^(.*): no such file or directory$`, `File $1 does not exist`},
}
