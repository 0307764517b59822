package sp

import (
	"context"
	"net/url"
	"path"
	"strings"

	"github.com/partnergraph/partnergraph/saml"
)

// checkService judges the landing address of a login link: empty, on our own origin, or allowed by the platform's list.
func (h *Handler) checkService(ctx context.Context, platformID, service string) error {
	if service == "" {
		return nil
	}
	if !landable(service, h.cfg.Dev) {
		return refuse(saml.ServiceNotAllowed, "not an absolute https address")
	}
	if ServiceInList(service, []string{h.cfg.BaseURL}) || h.cfg.Services.ServiceAllowed(ctx, platformID, service) {
		return nil
	}
	return refuse(saml.ServiceNotAllowed, "not on the list")
}

// landable is UsableURL with a fragment permitted, as consoles with client-side routes need one.
func landable(service string, dev bool) bool {
	address, _, _ := strings.Cut(service, "#")
	return len(service) <= 2048 && !strings.ContainsFunc(service, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '\\' }) &&
		saml.UsableURL(address, dev)
}

// ServiceInList reports whether an absolute address lies under one of the entries: same scheme and host (port included), and a path
// that is the entry's or below it, compared by whole segments. So https://a.example/app covers /app and /app/x, but neither
// /application nor https://a.example.evil.test; dot segments, also encoded ones, match nothing.
func ServiceInList(service string, entries []string) bool {
	s, err := url.Parse(service)
	if err != nil || s.Host == "" || s.User != nil || s.Opaque != "" {
		return false
	}
	if s.Path != "" && path.Clean(s.Path) != strings.TrimSuffix(s.Path, "/") && s.Path != "/" || strings.Contains(s.Path, "\\") {
		return false
	}
	for _, entry := range entries {
		e, err := url.Parse(entry)
		if err != nil || e.Host == "" || e.Scheme != s.Scheme || !strings.EqualFold(e.Host, s.Host) {
			continue
		}
		base := strings.TrimSuffix(e.Path, "/")
		if s.Path == base || strings.HasPrefix(s.Path, base+"/") {
			return true
		}
	}
	return false
}
