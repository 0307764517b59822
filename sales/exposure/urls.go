package exposure

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/partnergraph/partnergraph/models"
)

// maxEntries bounds the lists that a platform may configure.
const maxEntries = 50

// checkURL accepts an absolute https URL without user info and fragment; with Dev also http to this machine.
func (s *Service) checkURL(raw, field string) error { return models.CheckWebURL(raw, field, s.Dev) }

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

// checkSignInURL also refuses the name that a sign-in adds.
func (s *Service) checkSignInURL(raw, field string) error {
	if err := s.checkURL(raw, field); err != nil {
		return err
	}
	u, err := url.Parse(raw)
	if err != nil || u.Query().Has(models.SignInRequestParameter) {
		return models.Invalid(field, field+" must not contain the parameter "+models.SignInRequestParameter+", which a sign-in adds.")
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
func checkEach(list []string, field string, limit int, check func(entry, field string) error) ([]string, error) {
	if len(list) > limit {
		return nil, models.Invalid(field, fmt.Sprintf("%s has at most %d entries.", field, limit))
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

// lower writes a list in lower case; nil stays nil.
func lower(list []string) []string {
	if list == nil {
		return nil
	}
	small := make([]string, len(list))
	for i, entry := range list {
		small[i] = strings.ToLower(entry)
	}
	return small
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

// IDPMetadataURL returns where this server publishes its metadata as the platform's identity provider.
func (s *Service) IDPMetadataURL(config models.AccessConfiguration) string {
	return s.OwnOrigin + "/saml/idp/" + url.PathEscape(config.PlatformID) + "/metadata"
}

// SPMetadataURL returns where this server publishes its metadata as the platform's service provider.
func (s *Service) SPMetadataURL(config models.AccessConfiguration) string {
	return s.OwnOrigin + "/saml/sp/" + url.PathEscape(config.PlatformID) + "/metadata"
}

// LoginURL returns the platform's login link (2.2), to which the caller adds isFirstLogin and service.
func (s *Service) LoginURL(config models.AccessConfiguration) string {
	return s.OwnOrigin + "/saml/login?" + url.Values{"xAccountType": {config.PlatformID}}.Encode()
}
