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

// MaxReference is how long the numbers of invoices and payments are.
const MaxReference = 64

// CheckReference applies the rule for what others call something by, such as the number of an invoice or of a payment: 1 to most printable ASCII
// characters, none of them a space at either end. The error is INVALID.
func CheckReference(text, field string, most int) error {
	printable := !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
	if text == "" || len(text) > most || !printable || strings.TrimSpace(text) != text {
		return Invalid(field, fmt.Sprintf("%s has 1 to %d printable ASCII characters, and no space at its ends.", field, most))
	}
	return nil
}
