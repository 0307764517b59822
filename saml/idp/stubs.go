package idp

import "net/http"

func (h *Handler) metadata(w http.ResponseWriter, r *http.Request, v *visit) error { return nil }
func (h *Handler) sso(w http.ResponseWriter, r *http.Request, v *visit) error      { return nil }
func (h *Handler) proceed(w http.ResponseWriter, r *http.Request, v *visit) error  { return nil }
func (h *Handler) launch(w http.ResponseWriter, r *http.Request, v *visit) error   { return nil }
func (h *Handler) ticket(w http.ResponseWriter, r *http.Request, v *visit) error   { return nil }
func (h *Handler) slo(w http.ResponseWriter, r *http.Request, v *visit) error      { return nil }
func (h *Handler) bind(w http.ResponseWriter, r *http.Request, v *visit) error     { return nil }

// BeginLogout ends the person's session and tells every service provider that knows of it, one after the other; the browser ends on
// Pages.SignedOut.
func (h *Handler) BeginLogout(w http.ResponseWriter, r *http.Request, platformID, sessionID string) error {
	return nil
}
