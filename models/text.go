package models

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckText applies the rule for what people write: 1 to most characters, valid UTF-8, no control characters but line breaks in
// texts that may have several lines. The error is INVALID and never repeats the text.
func CheckText(text, field string, most int, lines bool) error {
	bad := func(r rune) bool { return unicode.IsControl(r) && (!lines || r != '\n') }
	if strings.TrimSpace(text) == "" || !utf8.ValidString(text) || utf8.RuneCountInString(text) > most || strings.ContainsFunc(text, bad) {
		return Invalid(field, fmt.Sprintf("%s has 1 to %d characters and no control characters.", field, most))
	}
	return nil
}

// CheckReference applies the rule for the numbers of invoices and payments: 1 to 64 printable ASCII characters. The error is INVALID.
func CheckReference(text, field string) error {
	if text == "" || len(text) > 64 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return Invalid(field, field+" has 1 to 64 printable ASCII characters.")
	}
	return nil
}
