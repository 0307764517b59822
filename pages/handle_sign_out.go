package pages

import (
	"log/slog"
	"net/http"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/session"
)

// Departures asks the platform that a session came from to sign the person out as well.
type Departures interface {
	// Depart answers the browser and returns true, or does neither when the platform cannot be asked.
	Depart(w http.ResponseWriter, r *http.Request, ended models.Session) (bool, error)
}

// signOut ends the session here, always and first; only then are others told (SDP-SP24): the services that the session signed in to, or
// else the platform that it came from.
func (s *Site) signOut(w http.ResponseWriter, r *http.Request) {
	if !s.Views.CheckForm(r) {
		s.ShowError(w, r, http.StatusForbidden, "FORM_EXPIRED")
		return
	}
	// Whoever has no live session, because it ran out for example, has nothing to end elsewhere either (SDP-SP36).
	current, found, err := s.Sessions.Current(r.Context(), r)
	if err != nil {
		s.warn(r, "the session that ends was not read", err)
	}
	told, err := s.Federation.ParticipantsOf(r.Context(), current.ID)
	if err != nil {
		s.warn(r, "the services that a session signed in to were not read", err)
	}
	if found && len(told) > 0 {
		// It ends the session, and ends on a page of its own.
		err := s.Logout.BeginLogout(w, r, told[0].PlatformID, string(current.ID))
		if err == nil {
			return
		}
		s.warn(r, "services were not told of a sign-out", err)
	}
	if err := s.Sessions.End(r.Context(), w, r); err != nil {
		s.Fail(w, r, err)
		return
	}
	switch {
	case found && len(told) > 0:
		s.ShowSignedOut(w, r, false)
		return
	case found && current.PlatformID != "" && s.Departures != nil:
		gone, err := s.Departures.Depart(w, r, current)
		if err != nil {
			s.warn(r, "the platform was not told of a logout", err)
			s.ShowSignedOut(w, r, false)
			return
		}
		if gone {
			return
		}
	}
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

func (s *Site) warn(r *http.Request, what string, err error) {
	s.Log.WarnContext(r.Context(), what, slog.String("request_id", session.Who(r.Context()).RequestID), slog.Any("error", err))
}

// Leave shows that the person is signed out here, and moves on to the platform.
func (s *Site) Leave(w http.ResponseWriter, r *http.Request, target string) {
	w.Header().Set("Refresh", "0;url="+target)
	s.Views.Render(w, r, http.StatusOK, SignedOut, SignedOutPage{Continue: target})
}

// ShowSignedOut says that the person is signed out, here or everywhere.
func (s *Site) ShowSignedOut(w http.ResponseWriter, r *http.Request, everywhere bool) {
	s.Views.Render(w, r, http.StatusOK, SignedOut, SignedOutPage{Common: Common{Brand: s.brandOf(r)}, Everywhere: everywhere})
}
