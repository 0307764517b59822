package models

import (
	"strings"
	"unicode/utf8"
)

// SheetText keeps a text that people wrote from being a formula to a spreadsheet: one that begins like a formula, or with a blank
// that hides such a beginning, gets an apostrophe. Amounts are figures of ours and keep their sign.
func SheetText(text string) string {
	begin := strings.TrimLeft(text, " \u00a0\u3000\ufeff")
	if first, size := utf8.DecodeRuneInString(begin); size > 0 && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + text
	}
	return text
}
