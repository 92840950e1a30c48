package bmc

import "lom/ipmi"

// The names and numbers of these sensors are made up after what servers of the makes have.

// States that several profiles use.
var (
	processorStates = states(0, 1, 2, 3, 4, 5, 7, 8, 10)
	supplyStates    = states(0, 1, 2, 3, 5, 6)
	memoryStates    = states(0, 1, 5, 6, 7)
	driveStates     = states(0, 1, 2, 3, 5, 6, 7)
	redundancy      = states(0, 1, 2, 3, 5)
	intrusion       = states(0, 4)
)

// plainSensors are those of a server of no make.
func plainSensors() *SensorSet {
	m := newSet()
	m.controller("BMC")
	m.analog(celsiusHalf, "Inlet Temp", entityAirInlet, 1, span{21, 24}, 21,
		limits{lnr: -10, lcr: 0, lnc: 5, unc: 35, ucr: 40, unr: 45})
	m.analog(celsiusSign, "Outside Temp", 0x27, 1, span{-4, 3}, -4,
		limits{lcr: -40, lnc: -30, unc: 40, ucr: 50})
	m.analog(celsius, "Exhaust Temp", entityChassis, 1, span{29, 41}, roomTemperature,
		limits{unc: 65, ucr: 70, unr: 75})
	each(2, "CPU%d Temp", func(i int, name string) {
		m.analog(celsius, name, entityProcessor, ipmi.EntityInstance(i), span{38, 71},
			roomTemperature, limits{unc: 88, ucr: 93, unr: 98})
	})
	each(2, "CPU%d Margin", func(i int, name string) {
		m.analog(celsiusSign, name, entityProcessor, ipmi.EntityInstance(i), span{-57, -24}, -70,
			limits{ucr: -2, unc: -6})
	})
	each(4, "DIMM %d Temp", func(i int, name string) {
		m.analog(celsius, name, entityDIMM, ipmi.EntityInstance(i), span{33, 52}, roomTemperature,
			limits{unc: 80, ucr: 85, unr: 95})
	})
	m.analog(celsius, "VRM Temp", entityPowerModule, 1, span{36, 58}, roomTemperature,
		limits{unc: 95, ucr: 105})
	each(6, "Fan %d", func(i int, name string) {
		m.analog(fan120, name, entityFan, ipmi.EntityInstance(i), span{4200, 9800}, 0,
			limits{lnr: 600, lcr: 840, lnc: 1200})
	})
	m.analog(volts12, "12V", entityBoard, 1, at(12.1), 0, within(12, 5, 10))
	m.analog(volts5, "5V", entityBoard, 1, at(5.05), 0, within(5, 5, 10))
	m.analog(volts3, "3.3V", entityBoard, 1, at(3.31), 0, within(3.3, 5, 10))
	m.analog(volts3.standby(), "3.3V Standby", entityBoard, 2, at(3.3), 3.32, within(3.3, 5, 10))
	each(2, "CPU%d VCore", func(i int, name string) {
		m.analog(voltsCore, name, entityProcessor, ipmi.EntityInstance(i), span{1.79, 1.83}, 0,
			limits{lcr: 1.5, lnc: 1.6, unc: 1.95, ucr: 2.0})
	})
	m.analog(volts3.standby(), "Battery", entityBattery, 1, at(3.05), 3.05,
		limits{lcr: 2.4, lnc: 2.6})
	each(2, "PSU%d Input", func(i int, name string) {
		m.analog(voltsInput, name, entitySupply, ipmi.EntityInstance(i), at(230), 230,
			limits{lcr: 180, lnc: 190, unc: 254, ucr: 264})
	})
	each(2, "PSU%d Current", func(i int, name string) {
		m.analog(amps, name, entitySupply, ipmi.EntityInstance(i), span{0.42, 1.1}, 0.04,
			limits{unc: 4.2, ucr: 4.8})
	})
	each(2, "PSU%d Power", func(i int, name string) {
		m.analog(watts, name, entitySupply, ipmi.EntityInstance(i), span{96, 250}, 8,
			limits{unc: 760, ucr: 800})
	})
	m.analog(wattsOther, "System Power", entityPowerUnit, 1, span{192, 500}, 16, nil)
	m.analog(load, "CPU Load", entityProcessor, 1, span{4, 82}, 0, nil)
	m.analog(airflow, "Airflow", entityCoolingUnit, 1, span{34, 88}, 0, limits{lcr: 8, lnc: 14})
	each(2, "CPU%d Status", func(i int, name string) {
		m.specific(ipmi.SensorProcessor, name, entityProcessor, ipmi.EntityInstance(i),
			processorStates, states(7))
	})
	each(4, "DIMM %d", func(i int, name string) {
		m.specific(ipmi.SensorMemory, name, entityDIMM, ipmi.EntityInstance(i), memoryStates,
			states(6))
	})
	each(2, "PSU%d Status", func(i int, name string) {
		m.specific(ipmi.SensorPowerSupply, name, entitySupply, ipmi.EntityInstance(i), supplyStates,
			states(0))
	})
	m.discrete(ipmi.SensorPowerSupply, ipmi.EventRedundancy, "PSU Redundancy", entityPowerUnit, 1,
		redundancy, states(0), states(0))
	m.discrete(ipmi.SensorFan, ipmi.EventRedundancy, "Fan Redundancy", entityCoolingUnit, 1,
		redundancy, states(0), states(0))
	each(4, "Drive %d", func(i int, name string) {
		m.specific(ipmi.SensorDriveSlot, name, entityDisk, ipmi.EntityInstance(i), driveStates,
			states(0))
	})
	m.specific(ipmi.SensorPhysicalSecurity, "Intrusion", entityChassis, 1, intrusion, 0)
	m.discrete(ipmi.SensorProcessor, ipmi.EventDigital, "CPU Prochot", entityProcessor, 3,
		states(0, 1), states(0), states(0))
	m.power("Power Unit", "ACPI State")
	m.ownEvents("Watchdog", "Session Audit")
	m.fru(1, "PSU1 FRU", entitySupply, 1)
	m.fru(2, "PSU2 FRU", entitySupply, 2)
	m.contains(entityPowerUnit, entitySupply, 1, 2)
	m.contains(entityCoolingUnit, entityFan, 1, 6)
	return m.done()
}

// denseSensors are the sixty of a server of no make in a data centre, four in five of them with a
// reading.
func denseSensors() *SensorSet {
	m := newSet()
	m.controller("BMC")
	m.analog(celsiusHalf, "Inlet Temp", entityAirInlet, 1, span{21, 24}, 21,
		limits{lcr: 0, lnc: 5, unc: 40, ucr: 45})
	m.analog(celsius, "Exhaust Temp", entityChassis, 1, span{31, 46}, roomTemperature,
		limits{unc: 70, ucr: 75})
	each(2, "CPU%d Temp", func(i int, name string) {
		m.analog(celsius, name, entityProcessor, ipmi.EntityInstance(i), span{41, 76},
			roomTemperature, limits{unc: 92, ucr: 97, unr: 102})
	})
	each(2, "CPU%d Margin", func(i int, name string) {
		m.analog(celsiusSign, name, entityProcessor, ipmi.EntityInstance(i), span{-55, -21}, -70,
			limits{ucr: -2, unc: -6})
	})
	each(16, "DIMM%d Temp", func(i int, name string) {
		m.analog(celsius, name, entityDIMM, ipmi.EntityInstance(i), span{34, 54}, roomTemperature,
			limits{unc: 83, ucr: 88})
	})
	each(4, "VRM%d Temp", func(i int, name string) {
		m.analog(celsius, name, entityPowerModule, ipmi.EntityInstance(i), span{38, 61},
			roomTemperature, limits{unc: 95, ucr: 105})
	})
	each(8, "Fan%d", func(i int, name string) {
		m.analog(fan120, name, entityFan, ipmi.EntityInstance(i), span{5400, 14400}, 0,
			limits{lcr: 840, lnc: 1200})
	})
	m.analog(volts12, "12V", entityBoard, 1, at(12.1), 0, within(12, 5, 10))
	m.analog(volts5, "5V", entityBoard, 1, at(5.05), 0, within(5, 5, 10))
	m.analog(volts3, "3.3V", entityBoard, 1, at(3.31), 0, within(3.3, 5, 10))
	m.analog(volts3.standby(), "3.3V Standby", entityBoard, 2, at(3.3), 3.32, within(3.3, 5, 10))
	each(2, "CPU%d VCore", func(i int, name string) {
		m.analog(voltsCore, name, entityProcessor, ipmi.EntityInstance(i), span{1.79, 1.83}, 0,
			limits{lcr: 1.5, lnc: 1.6, unc: 1.95, ucr: 2.0})
	})
	each(2, "PSU%d Input", func(i int, name string) {
		m.analog(voltsInput, name, entitySupply, ipmi.EntityInstance(i), at(230), 230,
			limits{lcr: 180, lnc: 190, unc: 254, ucr: 264})
	})
	each(2, "PSU%d Current", func(i int, name string) {
		m.analog(amps, name, entitySupply, ipmi.EntityInstance(i), span{0.6, 1.9}, 0.04,
			limits{unc: 4.2, ucr: 4.8})
	})
	each(2, "PSU%d Power", func(i int, name string) {
		m.analog(watts, name, entitySupply, ipmi.EntityInstance(i), span{140, 430}, 8,
			limits{unc: 900, ucr: 980})
	})
	m.analog(wattsOther, "System Power", entityPowerUnit, 1, span{280, 860}, 16, nil)
	m.analog(load, "CPU Load", entityProcessor, 1, span{4, 82}, 0, nil)
	each(2, "CPU%d Status", func(i int, name string) {
		m.specific(ipmi.SensorProcessor, name, entityProcessor, ipmi.EntityInstance(i),
			processorStates, states(7))
	})
	each(2, "PSU%d Status", func(i int, name string) {
		m.specific(ipmi.SensorPowerSupply, name, entitySupply, ipmi.EntityInstance(i), supplyStates,
			states(0))
	})
	m.discrete(ipmi.SensorPowerSupply, ipmi.EventRedundancy, "PSU Redundancy", entityPowerUnit, 1,
		redundancy, states(0), states(0))
	each(4, "Drive%d", func(i int, name string) {
		m.specific(ipmi.SensorDriveSlot, name, entityDisk, ipmi.EntityInstance(i), driveStates,
			states(0))
	})
	m.specific(ipmi.SensorPhysicalSecurity, "Intrusion", entityChassis, 1, intrusion, 0)
	m.power("Power Unit", "ACPI State")
	m.ownEvents("Watchdog", "Session Audit")
	m.fru(1, "PSU1 FRU", entitySupply, 1)
	m.fru(2, "PSU2 FRU", entitySupply, 2)
	m.contains(entityPowerUnit, entitySupply, 1, 2)
	m.contains(entityCoolingUnit, entityFan, 1, 8)
	return m.done()
}

func dellSensors() *SensorSet {
	m := newSet()
	m.controller("iDRAC")
	each(6, "Fan%d RPM", func(i int, name string) {
		m.analog(fan120, name, entityFan, ipmi.EntityInstance(i), span{5040, 10800}, 0,
			limits{lcr: 480, lnc: 720})
	})
	m.analog(celsiusSign, "Inlet Temp", entityAirInlet, 1, span{21, 24}, 21,
		limits{lcr: -7, lnc: 3, unc: 43, ucr: 47})
	m.analog(celsiusSign, "Exhaust Temp", entityBoard, 1, span{30, 42}, roomTemperature,
		limits{lcr: 3, lnc: 8, unc: 75, ucr: 80})
	each(2, "CPU%d Temp", func(i int, name string) {
		m.analog(celsiusSign, name, entityProcessor, ipmi.EntityInstance(i), span{42, 74},
			roomTemperature, limits{lcr: 3, lnc: 8, unc: 90, ucr: 95})
	})
	each(2, "Current %d", func(i int, name string) {
		m.analog(amps, name, entitySupply, ipmi.EntityInstance(i), span{0.4, 1.2}, 0.04, nil)
	})
	each(2, "Voltage %d", func(i int, name string) {
		m.analog(voltsInput, name, entitySupply, ipmi.EntityInstance(i), at(232), 232, nil)
	})
	m.analog(watts, "Pwr Consumption", entityBoard, 1, span{168, 520}, 16,
		limits{unc: 896, ucr: 980})
	m.analog(load, "CPU Usage", entityBoard, 1, span{3, 78}, 0, limits{unc: 101})
	m.analog(load, "IO Usage", entityBoard, 1, span{0, 22}, 0, limits{unc: 101})
	m.analog(load, "MEM Usage", entityBoard, 1, span{1, 30}, 0, limits{unc: 101})
	m.analog(load, "SYS Usage", entityBoard, 1, span{4, 80}, 0, limits{unc: 101})
	m.analog(volts3.standby(), "CMOS Batt Volt", entityBattery, 1, at(3.04), 3.04, limits{lcr: 2.4})
	each(2, "CPU%d Status", func(i int, name string) {
		m.specific(ipmi.SensorProcessor, name, entityProcessor, ipmi.EntityInstance(i),
			processorStates, states(7))
	})
	each(2, "PS%d Status", func(i int, name string) {
		m.specific(ipmi.SensorPowerSupply, name, entitySupply, ipmi.EntityInstance(i), supplyStates,
			states(0))
	})
	m.discrete(ipmi.SensorPowerSupply, ipmi.EventRedundancy, "PS Redundancy", entityBoard, 1,
		redundancy, states(0), states(0))
	m.discrete(ipmi.SensorFan, ipmi.EventRedundancy, "Fan Redundancy", entityBoard, 1, redundancy,
		states(0), states(0))
	m.specific(ipmi.SensorPhysicalSecurity, "Intrusion", entityBoard, 1, intrusion, 0)
	m.specific(ipmi.SensorBattery, "CMOS Battery", entityBoard, 1, states(0, 1, 2), 0)
	m.specific(ipmi.SensorBattery, "ROMB Battery", entityCard, 3, states(0, 1, 2), 0)
	for _, name := range []string{"1.8V SW PG", "2.5V SW PG", "5V SW PG", "3.3V B PG", "BP0 PG",
		"MEM012 VDDQ PG", "MEM345 VDDQ PG", "VCORE PG", "VCCIO PG", "PCIe 12V PG"} {
		m.discrete(ipmi.SensorVoltage, ipmi.EventDigital, name, entityBoard, 1, states(0, 1),
			states(0), states(0))
	}
	each(8, "DIMM A%d", func(i int, name string) {
		m.specific(ipmi.SensorMemory, name, entityDIMM, ipmi.EntityInstance(i), memoryStates,
			states(6))
	})
	each(8, "Drive %d", func(i int, name string) {
		m.specific(ipmi.SensorDriveSlot, name, entityDisk, ipmi.EntityInstance(i), driveStates,
			states(0))
	})
	m.discrete(ipmi.SensorCoolingDevice, ipmi.EventPresence, "Riser 1 Presence", entityCard, 1,
		states(0, 1), states(1), states(1))
	m.power("Power Unit", "ACPI Pwr State")
	m.ownEvents("OS Watchdog", "Session Audit")
	m.eventOnly(0xe0, ipmi.SensorMemory, "ECC Corr Err", 0x22)
	m.eventOnly(0xe1, ipmi.SensorCriticalInterrupt, "PCI Parity Err", 0x22)
	m.fru(1, "PS1", entitySupply, 1)
	m.fru(2, "PS2", entitySupply, 2)
	m.contains(entityPowerUnit, entitySupply, 1, 2)
	return m.done()
}

func hpeSensors() *SensorSet {
	m := newSet()
	m.controller("iLO")
	m.analog(celsius, "01-Inlet Ambient", entityAirInlet, 1, span{21, 24}, 21,
		limits{ucr: 42, unr: 47})
	each(2, "0%d-CPU", func(i int, name string) {
		m.analog(celsius, name, entityProcessor, ipmi.EntityInstance(i), span{40, 68},
			roomTemperature, limits{ucr: 90, unr: 95})
	})
	for i, name := range []string{"04-P1 DIMM 1-6", "05-P1 DIMM 7-12", "06-P2 DIMM 1-6",
		"07-P2 DIMM 7-12"} {
		m.analog(celsius, name, entityDIMM, ipmi.EntityInstance(i+1), span{34, 49}, roomTemperature,
			limits{ucr: 89, unr: 94})
	}
	for i, name := range []string{"08-HD Max", "10-Chipset", "11-PS 1 Inlet", "12-PS 2 Inlet",
		"13-VR P1", "14-VR P2", "15-VR P1 Mem", "17-LOM", "20-BMC Zone", "21-Sys Exhaust"} {
		m.analog(celsius, name, entityBoard, ipmi.EntityInstance(i+1), span{32, 51},
			roomTemperature, limits{ucr: 90, unr: 105})
	}
	m.analog(celsiusHalf, "22-Front Panel", entityFrontPanel, 1, span{22, 26}, 21, limits{ucr: 60})
	each(6, "Fan %d DutyCycle", func(i int, name string) {
		m.analog(fanPercent, name, entityFan, ipmi.EntityInstance(i), span{12, 46}, 0, nil)
	})
	each(6, "Fan %d", func(i int, name string) {
		m.discrete(ipmi.SensorFan, ipmi.EventAvailability, name, entityFan, ipmi.EntityInstance(i),
			states(0, 1, 2, 3, 4, 6), states(0), states(0))
	})
	each(2, "PS %d Input", func(i int, name string) {
		m.analog(wattsSupply, name, entitySupply, ipmi.EntityInstance(i), span{90, 260}, 10, nil)
	})
	each(2, "PS %d Output", func(i int, name string) {
		m.analog(wattsSupply, name, entitySupply, ipmi.EntityInstance(i), span{80, 240}, 5, nil)
	})
	m.analog(wattsOther, "Power Meter", entityPowerUnit, 1, span{176, 508}, 16, nil)
	m.analog(load, "CPU Utilization", entityBoard, 1, span{3, 80}, 0, nil)
	m.analog(volts3.standby(), "CMOS Battery", entityBattery, 1, at(3.06), 3.06, limits{lcr: 2.4})
	each(2, "Power Supply %d", func(i int, name string) {
		m.specific(ipmi.SensorPowerSupply, name, entitySupply, ipmi.EntityInstance(i), supplyStates,
			states(0))
	})
	m.discrete(ipmi.SensorPowerSupply, ipmi.EventRedundancy, "Power Supplies", entityPowerUnit, 1,
		redundancy, states(0), states(0))
	m.discrete(ipmi.SensorFan, ipmi.EventRedundancy, "Fans", entityCoolingUnit, 1, redundancy,
		states(0), states(0))
	m.specific(ipmi.SensorMemory, "Memory Status", entityDIMM, 1, memoryStates, states(6))
	each(2, "CPU %d Stat", func(i int, name string) {
		m.specific(ipmi.SensorProcessor, name, entityProcessor, ipmi.EntityInstance(i),
			processorStates, states(7))
	})
	each(8, "Bay %d", func(i int, name string) {
		m.specific(ipmi.SensorDriveSlot, name, entityDisk, ipmi.EntityInstance(i), driveStates,
			states(0))
	})
	m.specific(ipmi.SensorPhysicalSecurity, "Intrusion", entityChassis, 1, intrusion, 0)
	m.discrete(ipmi.SensorButton, ipmi.EventDigital, "UID", entityBoard, 1, states(0, 1), states(0),
		states(0))
	m.power("Sys Power", "ACPI State")
	m.ownEvents("Watchdog", "Session Audit")
	m.fru(1, "PS 1 FRU", entitySupply, 1)
	m.fru(2, "PS 2 FRU", entitySupply, 2)
	m.contains(entityPowerUnit, entitySupply, 1, 2)
	m.contains(entityCoolingUnit, entityFan, 1, 6)
	return m.done()
}

func lenovoSensors() *SensorSet {
	m := newSet()
	m.controller("XCC")
	m.analog(celsius, "Ambient Temp", entityAirInlet, 1, span{21, 24}, 21,
		limits{unc: 43, ucr: 46, unr: 50})
	m.analog(celsius, "Exhaust Temp", entityBoard, 1, span{29, 42}, roomTemperature,
		limits{unc: 70, ucr: 80})
	each(2, "CPU %d Temp", func(i int, name string) {
		m.analog(celsius, name, entityProcessor, ipmi.EntityInstance(i), span{39, 70},
			roomTemperature, limits{unc: 92, ucr: 97, unr: 102})
	})
	each(2, "CPU %d DTS", func(i int, name string) {
		m.analog(celsiusSign, name, entityProcessor, ipmi.EntityInstance(i), span{-55, -25}, -70,
			limits{ucr: -1})
	})
	each(12, "DIMM %d Temp", func(i int, name string) {
		m.analog(celsius, name, entityDIMM, ipmi.EntityInstance(i), span{32, 47}, roomTemperature,
			limits{unc: 83, ucr: 88})
	})
	m.analog(celsius, "PCH Temp", entityBoard, 2, span{38, 52}, roomTemperature,
		limits{unc: 90, ucr: 98})
	each(6, "Fan %d Tach", func(i int, name string) {
		m.analog(fan100, name, entityFan, ipmi.EntityInstance(i), span{5200, 11800}, 0,
			limits{lcr: 1000})
	})
	m.analog(volts12, "SysBrd 12V", entityBoard, 1, at(12.2), 0, limits{lcr: 10.8, ucr: 13.2})
	m.analog(volts5, "SysBrd 5V", entityBoard, 1, at(5.08), 0, limits{lcr: 4.5, ucr: 5.5})
	m.analog(volts3, "SysBrd 3.3V", entityBoard, 1, at(3.33), 0, limits{lcr: 2.97, ucr: 3.63})
	m.analog(volts3.standby(), "CMOS Battery", entityBattery, 1, at(3.03), 3.03,
		limits{lnc: 2.6, lcr: 2.3})
	m.analog(watts, "Sys Power", entityPowerUnit, 1, span{180, 520}, 12, nil)
	each(2, "PSU %d AC In Pwr", func(i int, name string) {
		m.analog(wattsSupply, name, entitySupply, ipmi.EntityInstance(i), span{90, 260}, 10, nil)
	})
	m.analog(load, "CPU Util", entityBoard, 1, span{3, 80}, 0, nil)
	m.analog(load, "Mem Util", entityBoard, 1, span{2, 35}, 0, nil)
	each(2, "CPU %d Status", func(i int, name string) {
		m.specific(ipmi.SensorProcessor, name, entityProcessor, ipmi.EntityInstance(i),
			processorStates, states(7))
	})
	m.specific(ipmi.SensorMemory, "All DIMMS", entityDIMM, 1, memoryStates, 0)
	each(2, "PSU %d", func(i int, name string) {
		m.specific(ipmi.SensorPowerSupply, name, entitySupply, ipmi.EntityInstance(i), supplyStates,
			states(0))
	})
	m.discrete(ipmi.SensorPowerUnit, ipmi.EventRedundancy, "Power Redundancy", entityPowerUnit, 1,
		redundancy, states(0), states(0))
	m.discrete(ipmi.SensorCoolingDevice, ipmi.EventRedundancy, "Cooling Zone 1", entityCoolingUnit,
		1, redundancy, states(0), states(0))
	each(8, "Drive %d", func(i int, name string) {
		m.specific(ipmi.SensorDriveSlot, name, entityDisk, ipmi.EntityInstance(i), driveStates,
			states(0))
	})
	m.specific(ipmi.SensorPhysicalSecurity, "Intrusion", entityChassis, 1, intrusion, 0)
	m.discrete(ipmi.SensorEventLoggingDisabled, ipmi.EventSensorSpecific, "SEL Fullness",
		entityManagement, 1, states(2, 4, 5), 0, 0)
	m.discrete(ipmi.SensorVoltage, ipmi.EventDigital, "Planar Fault", entityBoard, 1, states(0, 1),
		states(0), states(0))
	m.power("Host Power", "ACPI Power State")
	m.ownEvents("Watchdog", "Session Audit")
	m.eventOnly(0xe0, ipmi.SensorBootError, "No Boot Device", entityOS)
	m.fru(1, "PSU 1", entitySupply, 1)
	m.fru(2, "PSU 2", entitySupply, 2)
	m.contains(entityPowerUnit, entitySupply, 1, 2)
	m.contains(entityCoolingUnit, entityFan, 1, 6)
	return m.done()
}

func supermicroSensors() *SensorSet {
	m := newSet()
	m.controller("BMC")
	each(2, "CPU%d Temp", func(i int, name string) {
		m.analog(celsius, name, entityProcessor, ipmi.EntityInstance(i), span{37, 72},
			roomTemperature, limits{lnr: 0, lcr: 0, lnc: 0, unc: 90, ucr: 95, unr: 95})
	})
	m.analog(celsius, "PCH Temp", entityBoard, 1, span{40, 55}, roomTemperature,
		limits{lnr: 0, lcr: 5, lnc: 10, unc: 85, ucr: 90, unr: 105})
	m.analog(celsius, "System Temp", entityBoard, 2, span{26, 34}, roomTemperature,
		limits{lnr: 0, lcr: 5, lnc: 10, unc: 80, ucr: 85, unr: 90})
	m.analog(celsius, "Peripheral Temp", entityBoard, 3, span{30, 42}, roomTemperature,
		limits{lnr: 0, lcr: 5, lnc: 10, unc: 80, ucr: 85, unr: 90})
	m.analog(celsiusHalf, "Inlet Temp", entityAirInlet, 1, span{21, 24}, 21,
		limits{lcr: 0, lnc: 5, unc: 40, ucr: 45})
	for i, name := range []string{"VRMCpu1 Temp", "VRMCpu2 Temp", "VRMP1ABC Temp",
		"VRMP1DEF Temp"} {
		m.analog(celsius, name, entityPowerModule, ipmi.EntityInstance(i+1), span{34, 56},
			roomTemperature, limits{lnr: 0, lcr: 5, lnc: 10, unc: 95, ucr: 100, unr: 105})
	}
	for i, name := range []string{"P1-DIMMA1 Temp", "P1-DIMMB1 Temp", "P2-DIMMA1 Temp",
		"P2-DIMMB1 Temp"} {
		m.analog(celsius, name, entityDIMM, ipmi.EntityInstance(i+1), span{32, 50}, roomTemperature,
			limits{lnr: 0, lcr: 5, lnc: 10, unc: 80, ucr: 85, unr: 90})
	}
	each(8, "FAN%d", func(i int, name string) {
		m.analog(fan100, name, entityFan, ipmi.EntityInstance(i), span{3600, 9600}, 0,
			limits{lnr: 300, lcr: 500, lnc: 700, unc: 25300, ucr: 25400, unr: 25500})
	})
	m.analog(volts12, "12V", entityBoard, 1, at(12.06), 0,
		limits{lnr: 10.13, lcr: 10.74, lnc: 10.95, unc: 13.2, ucr: 13.41, unr: 14})
	m.analog(volts5, "5VCC", entityBoard, 1, at(5.03), 0,
		limits{lnr: 4.25, lcr: 4.48, lnc: 4.53, unc: 5.49, ucr: 5.54, unr: 5.77})
	m.analog(volts3, "3.3VCC", entityBoard, 1, at(3.33), 0,
		limits{lnr: 2.8, lcr: 2.97, lnc: 3.0, unc: 3.61, ucr: 3.65, unr: 3.8})
	m.analog(volts5.standby(), "5VSB", entityBoard, 1, at(5.01), 5.04,
		limits{lnr: 4.25, lcr: 4.48, lnc: 4.53, unc: 5.49, ucr: 5.54, unr: 5.77})
	m.analog(volts3.standby(), "3.3VSB", entityBoard, 2, at(3.28), 3.3,
		limits{lnr: 2.8, lcr: 2.97, lnc: 3.0, unc: 3.61, ucr: 3.65, unr: 3.8})
	m.analog(volts3.standby(), "VBAT", entityBattery, 1, at(3.02), 3.02, limits{lcr: 2.4, lnc: 2.5})
	each(2, "Vcpu%d", func(i int, name string) {
		m.analog(voltsCore, name, entityProcessor, ipmi.EntityInstance(i), span{1.78, 1.82}, 0,
			limits{lnr: 1.21, lcr: 1.26, lnc: 1.4, unc: 1.95, ucr: 1.99, unr: 2.03})
	})
	each(2, "VDimmP%d", func(i int, name string) {
		m.analog(voltsCore, name, entityDIMM, ipmi.EntityInstance(i), at(1.2), 0,
			limits{lnr: 0.9, lcr: 0.95, lnc: 1.0, unc: 1.34, ucr: 1.38, unr: 1.42})
	})
	m.analog(watts, "System Power", entityPowerUnit, 1, span{176, 500}, 16, nil)
	each(2, "PS%d Status", func(i int, name string) {
		m.specific(ipmi.SensorPowerSupply, name, entitySupply, ipmi.EntityInstance(i), supplyStates,
			states(0))
	})
	m.specific(ipmi.SensorPhysicalSecurity, "Chassis Intru", entityChassis, 1, intrusion, 0)
	each(2, "CPU%d Status", func(i int, name string) {
		m.specific(ipmi.SensorProcessor, name, entityProcessor, ipmi.EntityInstance(i),
			processorStates, states(7))
	})
	each(8, "HDD %d", func(i int, name string) {
		m.specific(ipmi.SensorDriveSlot, name, entityDrivePlane, ipmi.EntityInstance(i),
			driveStates, states(0))
	})
	m.specific(ipmi.SensorMemory, "Memory", entityDIMM, 1, memoryStates, states(6))
	m.power("Power Unit", "ACPI State")
	m.ownEvents("Watchdog", "Session Audit")
	m.fru(1, "PS1 FRU", entitySupply, 1)
	m.fru(2, "PS2 FRU", entitySupply, 2)
	m.contains(entityPowerUnit, entitySupply, 1, 2)
	return m.done()
}
