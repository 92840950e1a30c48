// Package fru reads and writes FRU information: the inventory data that boards, chassis, power
// supplies and other replaceable units carry in their memories (Platform Management FRU
// Information Storage Definition v1.0, revision 1.3).
//
// [Parse] reads as much of an image as can be read and tells in its error what could not;
// [Image.Bytes] writes it back.
package fru

//go:generate go run lom/internal/wiregen
