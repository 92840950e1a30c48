package render

import (
	"reflect"

	"lom/machine"
)

// An Either is the result of a command that shows one of two things, as its words say. Exactly one
// of them is set.
type Either[A, B any] struct {
	A *A
	B *B
}

// MarshalJSON returns what is set.
func (e Either[A, B]) MarshalJSON() ([]byte, error) { return marshal(e.value(), "") }

func (e Either[A, B]) value() any {
	if e.A != nil {
		return *e.A
	}
	return *e.B
}

// variants are the types of its JSON, for the schema.
func (e Either[A, B]) variants() []reflect.Type {
	return []reflect.Type{reflect.TypeFor[A](), reflect.TypeFor[B]()}
}

// SensorTypes prints the sensor types that have a name, as sdr type list.
var SensorTypes = View[[]machine.SensorType]{Text: func(p *Printer, list []machine.SensorType) {
	p.Println("Sensor Types:")
	for i := 0; i+1 < len(list); i += 2 {
		a, b := list[i], list[i+1]
		p.Printf("\t%-25s (0x%02x)   %-25s (0x%02x)\n", a.Name, a.Type, b.Name, b.Type)
	}
}}

// EntityIDs prints the entities that have a name, as sdr entity list.
var EntityIDs = View[[]machine.EntityID]{Text: func(p *Printer, list []machine.EntityID) {
	p.Printf("\nEntity IDs:\n\n")
	for i := 0; i < len(list); i += 2 {
		p.Printf("  %4d  %-32s", list[i].ID, list[i].Name)
		if i+1 < len(list) {
			p.Printf("    %4d  %-32s", list[i+1].ID, list[i+1].Name)
		}
		p.Println()
	}
	p.Println()
}}

// SensorsOr shows sensors as sdr elist, or what else a command lists.
func SensorsOr[T any](view View[[]T]) View[Either[[]T, []machine.Sensor]] {
	return View[Either[[]T, []machine.Sensor]]{Columns: nil,
		Text: func(p *Printer, e Either[[]T, []machine.Sensor]) {
			if e.A != nil {
				view.print(p, *e.A)
				return
			}
			for _, s := range *e.B {
				SDRExtended.print(p, s)
			}
		}}
}
