package exposure

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/partnergraph/partnergraph/models"
)

// Limits of what a platform may configure.
const (
	maxURL     = 2048
	maxEntries = 50
)

// checkURL accepts an absolute https URL without user info and fragment; with Dev also http to this machine.
func (s *Service) checkURL(raw, field string) error {
	bad := strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == '\\' })
	u, err := url.Parse(raw)
	switch {
	case len(raw) > maxURL:
		return models.Invalid(field, fmt.Sprintf("%s is longer than %d characters.", field, maxURL))
	case bad || err != nil || u.Hostname() == "" || u.Opaque != "" || strings.HasSuffix(u.Host, ":"):
		return models.Invalid(field, field+" must be an absolute URL.")
	case !s.secure(u):
		return models.Invalid(field, field+" must be an https URL.")
	case u.User != nil || u.Fragment != "" || strings.Contains(raw, "#"):
		return models.Invalid(field, field+" has neither user information nor a fragment.")
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(part string) bool { return part == "." || part == ".." }):
		return models.Invalid(field, field+" has no dot segments.")
	}
	return nil
}

func (s *Service) secure(u *url.URL) bool {
	return u.Scheme == "https" || (s.Dev && u.Scheme == "http" && isLoopback(u.Hostname()))
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// checkReturnURL also refuses the names that the signature adds, which a storefront could not tell apart.
func (s *Service) checkReturnURL(raw, field string) error {
	if err := s.checkURL(raw, field); err != nil {
		return err
	}
	if models.HasReturnParameter(raw) {
		return models.Invalid(field, field+" must not contain the parameters that the signature adds.")
	}
	return nil
}

// checkOrigin accepts exactly scheme://host[:port] as browsers send it: lower case, no path, no default port.
func (s *Service) checkOrigin(raw, field string) error {
	if err := s.checkURL(raw, field); err != nil {
		return err
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme+"://"+strings.ToLower(u.Host) != raw || strings.ContainsAny(raw, `"*`) {
		return models.Invalid(field, "An origin is scheme://host[:port] in lower case, nothing more.")
	}
	if (u.Scheme == "https" && u.Port() == "443") || (u.Scheme == "http" && u.Port() == "80") {
		return models.Invalid(field, "An origin leaves out its scheme's default port.")
	}
	return nil
}

// checkEach checks a list's length and entries and returns it without duplicates, never nil.
func checkEach(list []string, field string, check func(entry, field string) error) ([]string, error) {
	if len(list) > maxEntries {
		return nil, models.Invalid(field, fmt.Sprintf("%s has at most %d entries.", field, maxEntries))
	}
	kept := make([]string, 0, len(list))
	for _, entry := range list {
		if err := check(entry, field); err != nil {
			return nil, err
		}
		if !slices.Contains(kept, entry) {
			kept = append(kept, entry)
		}
	}
	return kept, nil
}

// checkService accepts the beginning of the addresses that a login may land on: no query, which a prefix cannot have.
func (s *Service) checkService(raw, field string) error {
	if err := s.checkURL(raw, field); err != nil {
		return err
	}
	if strings.Contains(raw, "?") {
		return models.Invalid(field, "An allowed service has no query.")
	}
	return nil
}
