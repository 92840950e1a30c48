package fru

import "fmt"

// A Language is the language code of an area (Table 15-1).
type Language uint8

// English is the usual language code; 0 means English too.
const English Language = 25

// English reports whether 8-bit text is Latin-1 in this language, and not Unicode.
func (l Language) English() bool { return l == 0 || l == English }

// languages has the two letters of each language, by its code, as the table spells them.
const languages = "en aa ab af am ar as ay az ba be bg bh bi bn bo br ca co cs cy da de dz el en " +
	"eo es et eu fa fi fj " +
	"fo fr fy ga gd gl gn gu ha hi hr hu hy ia ie ik in is it iw ja ji jw ka kk kl km kn ko ks " +
	"ku ky la " +
	"ln lo lt lv mg mi mk ml mn mo mr ms mt my na ne nl no oc om or pa pl ps pt qu rm rn ro ru " +
	"rw sa sd " +
	"sg sh si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw uk ur " +
	"uz vi vo " +
	"wo xh yo zh zu"

// String returns the language's two letters: "en".
func (l Language) String() string {
	if i := 3 * int(l); i+2 <= len(languages) {
		return languages[i : i+2]
	}
	return fmt.Sprintf("language %d", uint8(l))
}
