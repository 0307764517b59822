package models

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// InterfaceContact is whom to reach about a platform's interface (A02). It is personal data.
type InterfaceContact struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"` // countrycode-number
}

// IsZero reports whether nobody is named.
func (c InterfaceContact) IsZero() bool { return c == InterfaceContact{} }

// NameOrNil is nil when nobody is named.
func (c InterfaceContact) NameOrNil() *string { return orNil(c.Name) }

// EmailOrNil is nil when no address is known.
func (c InterfaceContact) EmailOrNil() *string { return orNil(c.Email) }

// PhoneOrNil is nil when no number is known.
func (c InterfaceContact) PhoneOrNil() *string { return orNil(c.Phone) }

// Check applies the limits: a name of at most 64 characters, an e-mail address of at most 256, a phone number of at most 32. Somebody who
// is named must be reachable. Errors are INVALID with the field below the given one.
func (c InterfaceContact) Check(field string) error {
	for _, part := range []struct {
		name, value string
		limit       int
	}{{"name", c.Name, 64}, {"email", c.Email, 256}, {"phone", c.Phone, 32}} {
		if utf8.RuneCountInString(part.value) > part.limit || !utf8.ValidString(part.value) || strings.ContainsFunc(part.value, unicode.IsControl) {
			return Invalid(field+"."+part.name, "The contact's "+part.name+" is too long or holds control characters.")
		}
	}
	local, domain, _ := strings.Cut(c.Email, "@")
	switch {
	case c.Email != "" && (local == "" || domain == "" || strings.ContainsAny(c.Email, " <>,")):
		return Invalid(field+".email", "This is not an e-mail address.")
	case strings.Trim(c.Phone, "0123456789-") != "":
		return Invalid(field+".phone", "A phone number has digits and -, such as 0086-13012345678.")
	case !c.IsZero() && (c.Name == "" || c.Email == "" && c.Phone == ""):
		return Invalid(field, "A contact has a name and an e-mail address or a phone number; leave all out to clear it.")
	}
	return nil
}
