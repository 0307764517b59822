package models

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// MaxURL is the most characters of an address that somebody configures.
const MaxURL = 2048

// CheckWebURL accepts an absolute https URL of at most MaxURL characters without user info, fragment and dot segments; with dev
// also http to this machine. The error is INVALID and names the field.
func CheckWebURL(raw, field string, dev bool) error {
	bad := strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == '\\' })
	u, err := url.Parse(raw)
	switch {
	case len(raw) > MaxURL:
		return Invalid(field, fmt.Sprintf("%s is longer than %d characters.", field, MaxURL))
	case bad || err != nil || u.Hostname() == "" || u.Opaque != "" || strings.HasSuffix(u.Host, ":"):
		return Invalid(field, field+" must be an absolute URL.")
	case u.Scheme != "https" && (!dev || u.Scheme != "http" || !IsLoopbackHost(u.Hostname())):
		return Invalid(field, field+" must be an https URL.")
	case u.User != nil || u.Fragment != "" || strings.Contains(raw, "#"):
		return Invalid(field, field+" has neither user information nor a fragment.")
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(part string) bool { return part == "." || part == ".." }):
		return Invalid(field, field+" has no dot segments.")
	}
	return nil
}

// IsLoopbackHost reports whether a host name or address is this machine by definition.
func IsLoopbackHost(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// IsLocalPath reports whether next is a path of this server, with or without a query: nothing that a browser could read as an
// address elsewhere.
func IsLocalPath(next string) bool {
	u, err := url.Parse(next)
	return err == nil && !u.IsAbs() && u.Host == "" && strings.HasPrefix(u.Path, "/") && !strings.HasPrefix(next, "//") &&
		!strings.ContainsAny(next, "\\\r\n\t")
}
