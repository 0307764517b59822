package idp

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/bind"
)

const (
	// maxNotification bounds the form of a bind notification.
	maxNotification = 64 << 10
	// notificationAge is how long ago, or how far in the future, a notification that says when may have been issued.
	notificationAge = 15 * time.Minute
)

// bind takes a cloud's word that an account was bound or released (domain 2.6). It comes through the browser, perhaps in a hidden frame,
// so nothing depends on cookies and the page says nothing about the message. A notification without issuedAt, as the vendor documents
// it, is taken too; Bindings makes repeats harmless.
func (h *Handler) bind(w http.ResponseWriter, r *http.Request, v *visit) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return refuse(saml.MethodNotAllowed, "")
	}
	platform, err := h.enabled(r, v)
	if err != nil {
		return err
	}
	form, err := readNotification(w, r)
	if err != nil {
		return err
	}
	providers, err := h.cfg.Platforms.Providers(r.Context(), platform.PlatformID)
	if err != nil {
		return fmt.Errorf("idp: service providers: %w", err)
	}
	provider, n, ok := h.sender(form, providers, platform.PlatformID)
	if !ok {
		return refuse(saml.NotificationForged, "")
	}
	v.providerID = provider.ID
	if n.XAccountType != "" && n.XAccountType != platform.PlatformID {
		return refuse(saml.NotificationForged, "another platform")
	}
	if n.IssuedAt != 0 && h.cfg.Now().Sub(time.Unix(n.IssuedAt, 0)).Abs() > notificationAge {
		return refuse(saml.NotificationStale, "")
	}
	if n.XUserID == "" && n.XAccountID == "" || n.DomainID == "" {
		return refuse(saml.NotificationInvalid, "who")
	}
	if err := h.cfg.Bindings.Record(r.Context(), provider, n); err != nil {
		return fmt.Errorf("idp: record notification: %w", err)
	}
	v.done = saml.NotificationTaken
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'")
	_, err = io.WriteString(w, "<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>OK</title></head><body></body></html>\n")
	return err
}

// readNotification reads a form with exactly the three fields.
func readNotification(w http.ResponseWriter, r *http.Request) (bind.Form, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return bind.Form{}, refuse(saml.NotificationInvalid, "content type")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxNotification)
	if err := r.ParseForm(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return bind.Form{}, refuse(saml.ResponseTooLarge, "form")
		}
		return bind.Form{}, refuse(saml.NotificationInvalid, "form")
	}
	f := r.PostForm
	for _, name := range []string{"bindRequest", "SigAlg", "Signature"} {
		if len(f[name]) != 1 || f.Get(name) == "" {
			return bind.Form{}, refuse(saml.NotificationInvalid, "fields")
		}
	}
	return bind.Form{BindRequest: f.Get("bindRequest"), SigAlg: f.Get("SigAlg"), Signature: f.Get("Signature")}, nil
}

// sender finds the enabled service provider whose key signed the form. A key that several registrations share is theirs alike; the first
// one is named.
func (h *Handler) sender(form bind.Form, providers []ServiceProvider, platformID string) (ServiceProvider, bind.Notification, bool) {
	tried := map[string]bool{}
	for _, p := range providers {
		if p.Disabled || p.PlatformID != platformID {
			continue
		}
		var certs []*x509.Certificate
		for _, c := range p.Metadata.SigningCerts {
			if key := string(c.RawSubjectPublicKeyInfo); !tried[key] {
				tried[key] = true
				certs = append(certs, c)
			}
		}
		if len(certs) == 0 {
			continue
		}
		if n, err := bind.Verify(form, certs, h.cfg.Now(), 0); err == nil {
			return p, n, true
		}
	}
	return ServiceProvider{}, bind.Notification{}, false
}
