package models

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckEmail returns INVALID unless the text looks like one e-mail address of at most 256 characters. Whether it exists, a
// letter tells.
func CheckEmail(email, field string) error {
	local, domain, _ := strings.Cut(email, "@")
	if len(email) > 256 || local == "" || domain == "" || strings.ContainsAny(email, " \t\r\n<>,") ||
		!utf8.ValidString(email) || strings.ContainsFunc(email, unicode.IsControl) {
		return Invalid(field, "This is not an e-mail address of at most 256 characters.")
	}
	return nil
}

// CheckLanguage returns INVALID for a language that no letter is written in; nil is none.
func CheckLanguage(language *Language, field string) error {
	if language != nil && *language != English && *language != Chinese {
		return Invalid(field, "The language is EN or ZH.")
	}
	return nil
}
