package render

import "lom/machine"

// ThresholdsSet prints which thresholds of a sensor were set to what, as sensor thresh.
func ThresholdsSet(p *Printer, name string, set []machine.NewThreshold) {
	for _, n := range set {
		p.Printf("Setting sensor \"%s\" %s threshold to %s\n", name, thresholdTitles[n.Threshold],
			cFloat(n.Value, 3))
	}
}
