package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/partnergraph/partnergraph/models"
)

// strict reads JSON into a value as a careful reader would: a field that the value does not have, a field that comes twice, and a value of
// another type are refused with the line and the path, which encoding/json does not tell. It knows structs, slices, pointers, strings,
// ints and bools.
type strict struct {
	data   []byte
	dec    *json.Decoder
	above  int    // lines of a file that come before the data
	sought string // a path to stop at, for locate
	line   int    // of sought
}

var errFound = errors.New("found")

// decodeStrict fills target, a pointer to a struct. The error is INVALID with the field "content".
func decodeStrict(data []byte, target any) error { return decodeBelow(data, 0, target) }

// decodeBelow is decodeStrict for a part of a file that has lines above it.
func decodeBelow(data []byte, above int, target any) error {
	if !utf8.Valid(data) {
		return models.Invalid("content", "The file is not UTF-8.")
	}
	s := &strict{data: data, above: above}
	return s.decode(target)
}

// locate returns the line on which the value at a path begins, 0 when there is none.
func locate(data []byte, target any, path string) int {
	s := &strict{data: data, sought: path}
	if err := s.decode(target); errors.Is(err, errFound) {
		return s.line
	}
	return 0
}

func (s *strict) decode(target any) error {
	s.dec = json.NewDecoder(bytes.NewReader(s.data))
	s.dec.UseNumber()
	if err := s.value(reflect.ValueOf(target).Elem(), ""); err != nil {
		return err
	}
	if _, err := s.dec.Token(); !errors.Is(err, io.EOF) {
		return s.refuse("", "there is something after the end of the file")
	}
	return nil
}

func (s *strict) value(v reflect.Value, path string) error {
	if s.sought != "" && s.sought == path {
		s.line = s.lineAhead()
		return errFound
	}
	token, err := s.dec.Token()
	if err != nil {
		return s.refuse(path, "this is not JSON: "+syntaxOf(err))
	}
	if v.Kind() == reflect.Pointer {
		if token == nil {
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch v.Kind() { //nolint:exhaustive // the catalogue has no other kinds
	case reflect.Struct:
		return s.object(v, path, token)
	case reflect.Slice:
		return s.array(v, path, token)
	case reflect.String:
		text, ok := token.(string)
		if !ok {
			return s.refuse(path, "a string is wanted here, such as \"12.50\" for a number with a fraction")
		}
		v.SetString(text)
	case reflect.Int:
		number, ok := token.(json.Number)
		n, err := strconv.ParseInt(number.String(), 10, 32)
		if !ok || err != nil {
			return s.refuse(path, "a whole number is wanted here")
		}
		v.SetInt(n)
	case reflect.Bool:
		is, ok := token.(bool)
		if !ok {
			return s.refuse(path, "true or false is wanted here")
		}
		v.SetBool(is)
	}
	return nil
}

func (s *strict) object(v reflect.Value, path string, token json.Token) error {
	if token != json.Delim('{') {
		return s.refuse(path, "an object is wanted here")
	}
	seen := make(map[string]bool, v.NumField())
	for s.dec.More() {
		key, err := s.dec.Token()
		if err != nil {
			return s.refuse(path, "this is not JSON: "+syntaxOf(err))
		}
		name, _ := key.(string)
		at := join(path, clip(name))
		field, known := fieldOf(v, name)
		switch {
		case !known:
			return s.refuse(at, "there is no such field")
		case seen[name]:
			return s.refuse(at, "the field is there twice")
		}
		seen[name] = true
		if err := s.value(field, at); err != nil {
			return err
		}
	}
	return s.end(path)
}

func (s *strict) array(v reflect.Value, path string, token json.Token) error {
	if token != json.Delim('[') {
		return s.refuse(path, "a list is wanted here")
	}
	for i := 0; s.dec.More(); i++ {
		if i >= maxRows {
			return s.refuse(path, fmt.Sprintf("the list has more than %d entries", maxRows))
		}
		one := reflect.New(v.Type().Elem()).Elem()
		if err := s.value(one, path+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
		v.Set(reflect.Append(v, one))
	}
	return s.end(path)
}

func (s *strict) end(path string) error {
	if _, err := s.dec.Token(); err != nil {
		return s.refuse(path, "this is not JSON: "+syntaxOf(err))
	}
	return nil
}

// syntaxOf is what a decoder says, without what it read: a decoder quotes single characters only.
func syntaxOf(err error) string {
	if errors.Is(err, io.EOF) {
		return "it ends too early"
	}
	return err.Error()
}

func fieldOf(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if known, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); known == name {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func (s *strict) refuse(path, what string) error {
	return refusal(s.lineAt(s.dec.InputOffset()), path, what)
}

func (s *strict) lineAt(offset int64) int {
	return s.above + 1 + bytes.Count(s.data[:min(int(offset), len(s.data))], []byte("\n"))
}

// lineAhead is the line of the next token: what separates it from the last one is skipped.
func (s *strict) lineAhead() int {
	rest := s.data[min(int(s.dec.InputOffset()), len(s.data)):]
	skipped := len(rest) - len(bytes.TrimLeft(rest, " \t\r\n,:"))
	return s.lineAt(s.dec.InputOffset() + int64(skipped))
}

// refusal is INVALID with the place in words and in the details.
func refusal(line int, path, what string) error {
	if path == "" {
		path = "(the whole)"
	}
	err := models.Invalid("content", fmt.Sprintf("Line %d, %s: %s.", line, path, what))
	err.Details = map[string]any{"line": line, "path": path}
	return err
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// clip keeps what strangers wrote short and printable in messages.
func clip(text string) string {
	clean := strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
	if runes := []rune(clean); len(runes) > 80 {
		return string(runes[:80]) + "..."
	}
	return clean
}
