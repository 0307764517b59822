package xmlguard

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tokens reads a document that checkBytes let pass without comments: tags and text are all that is left, so that reading them takes a
// fraction of what a parser for all of XML needs. It accepts less than encoding/xml and reads nothing differently: names are ASCII,
// attributes are quoted and stand apart.
type tokens struct {
	rest []byte
	s    *scanner
}

func errWellFormed() error { return refuse(Malformed, "not well-formed") }

func (t *tokens) run() error {
	for len(t.rest) > 0 {
		at := bytes.IndexByte(t.rest, '<')
		if at < 0 {
			at = len(t.rest)
		}
		if at > 0 {
			text, ok := unescaped(t.rest[:at], true)
			if !ok {
				return errWellFormed()
			}
			if err := t.s.text(text); err != nil {
				return err
			}
			t.rest = t.rest[at:]
			continue
		}
		if err := t.tag(); err != nil {
			return err
		}
	}
	return nil
}

// tag reads from "<" to ">".
func (t *tokens) tag() error {
	t.rest = t.rest[1:]
	if t.skip("/") {
		name, ok := t.name()
		if t.blanks(); !ok || !t.skip(">") {
			return errWellFormed()
		}
		return t.s.close(name)
	}
	name, ok := t.name()
	if !ok {
		return errWellFormed()
	}
	element := xml.StartElement{Name: name}
	for {
		apart := t.blanks()
		switch {
		case t.skip("/>"):
			if err := t.s.open(element); err != nil {
				return err
			}
			return t.s.close(name)
		case t.skip(">"):
			return t.s.open(element)
		}
		attr, ok := t.attribute()
		if !ok || !apart {
			return errWellFormed()
		}
		element.Attr = append(element.Attr, attr)
	}
}

func (t *tokens) attribute() (attr xml.Attr, ok bool) {
	if attr.Name, ok = t.name(); !ok {
		return attr, false
	}
	t.blanks()
	if !t.skip("=") {
		return attr, false
	}
	t.blanks()
	if len(t.rest) == 0 || t.rest[0] != '"' && t.rest[0] != '\'' {
		return attr, false
	}
	end := bytes.IndexByte(t.rest[1:], t.rest[0])
	if end < 0 {
		return attr, false
	}
	value := t.rest[1 : end+1]
	t.rest = t.rest[end+2:]
	if bytes.IndexByte(value, '<') >= 0 {
		return attr, false
	}
	attr.Value, ok = unescaped(value, false)
	return attr, ok
}

// name reads a name with at most one prefix.
func (t *tokens) name() (name xml.Name, ok bool) {
	end, colon := 0, -1
	for ; end < len(t.rest); end++ {
		c := t.rest[end]
		if c == ':' && colon < 0 {
			colon = end
			continue
		}
		if !nameByte(c) {
			break
		}
	}
	whole := string(t.rest[:end])
	t.rest = t.rest[end:]
	if colon >= 0 {
		name.Space, name.Local = whole[:colon], whole[colon+1:]
		return name, startsName(name.Space) && startsName(name.Local)
	}
	name.Local = whole
	return name, startsName(whole)
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= '0' && c <= '9' || c == '-' || c == '.'
}

// startsName reports whether a text of name bytes begins as a name does.
func startsName(s string) bool {
	return s != "" && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z' || s[0] == '_')
}

// skip goes on after what comes next, when that is what comes next.
func (t *tokens) skip(next string) bool {
	if !bytes.HasPrefix(t.rest, []byte(next)) {
		return false
	}
	t.rest = t.rest[len(next):]
	return true
}

// blanks goes on after blanks, and reports whether there were any.
func (t *tokens) blanks() bool {
	n := 0
	for n < len(t.rest) && (t.rest[n] == ' ' || t.rest[n] == '\t' || t.rest[n] == '\n' || t.rest[n] == '\r') {
		n++
	}
	t.rest = t.rest[n:]
	return n > 0
}

// unescaped is a text with its references replaced and its line ends made one kind; false when it holds what XML does not allow.
func unescaped(raw []byte, text bool) (string, bool) {
	plain := true
	for i, c := range raw {
		switch {
		case c == '&' || c == '\r' || c >= utf8.RuneSelf:
			plain = false
		case c < ' ' && c != '\t' && c != '\n':
			return "", false
		case c == '>' && text && i >= 2 && raw[i-1] == ']' && raw[i-2] == ']':
			return "", false
		}
	}
	if plain {
		return string(raw), true
	}
	var out strings.Builder
	out.Grow(len(raw))
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '&':
			length := bytes.IndexByte(raw[i:], ';')
			if length < 0 {
				return "", false
			}
			r, ok := referenced(string(raw[i+1 : i+length]))
			if !ok {
				return "", false
			}
			out.WriteRune(r)
			i += length + 1
		case c == '\r':
			out.WriteByte('\n')
			if i++; i < len(raw) && raw[i] == '\n' {
				i++
			}
		case c < utf8.RuneSelf:
			out.WriteByte(c)
			i++
		default:
			r, size := utf8.DecodeRune(raw[i:])
			if !allowed(r) {
				return "", false
			}
			out.Write(raw[i : i+size])
			i += size
		}
	}
	return out.String(), true
}

// referenced returns the character that a reference without its & and ; stands for.
func referenced(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "apos":
		return '\'', true
	case "quot":
		return '"', true
	}
	digits, numeric := strings.CutPrefix(name, "#")
	if !numeric {
		return 0, false
	}
	base := 10
	if hexadecimal, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hexadecimal, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	return rune(n), err == nil && n <= utf8.MaxRune && allowed(rune(n))
}

// allowed reports whether XML 1.0 allows a character.
func allowed(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= utf8.MaxRune
}
