package render

import "lom/machine"

// Raw prints the bytes of an answer, as raw.
var Raw = View[machine.RawAnswer]{Text: func(p *Printer, v machine.RawAnswer) {
	for i, b := range v.Data {
		if i%16 == 0 && i != 0 {
			p.Println()
		}
		p.Printf(" %02x", b)
	}
	p.Println()
}}
