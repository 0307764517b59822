package pages

import (
	"net/http"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/session"
)

// How often one address may try a password or register (2.5 names the latter's error).
const (
	attemptsPerAddress = 30
	attemptWindow      = 10 * time.Minute
)

func (s *Site) showSignIn(w http.ResponseWriter, r *http.Request) {
	s.renderSignIn(w, r, http.StatusOK, SignInPage{Next: r.URL.Query().Get("next")})
}

func (s *Site) renderSignIn(w http.ResponseWriter, r *http.Request, status int, page SignInPage) {
	if err := s.ensureVisitor(w, r); err != nil {
		s.Fail(w, r, err)
		return
	}
	page.Action, page.Next = "/sign-in", local(page.Next, "")
	s.Views.Render(w, r, status, SignIn, page)
}

// signIn checks the password and starts a session. Wrong names and wrong passwords look the same.
func (s *Site) signIn(w http.ResponseWriter, r *http.Request) {
	page := SignInPage{Next: r.PostFormValue(FieldNext), LoginName: r.PostFormValue(FieldLoginName)}
	if !s.Views.CheckForm(r) {
		page.Problem = "FORM_EXPIRED"
		s.renderSignIn(w, r, http.StatusForbidden, page)
		return
	}
	user, problem, err := s.checkPassword(r, page.LoginName)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	if problem != "" {
		page.Problem = problem
		s.renderSignIn(w, r, http.StatusUnauthorized, page)
		return
	}
	if _, err := s.Sessions.Issue(r.Context(), w, r, user, session.Origin{}); err != nil {
		s.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, local(page.Next, "/console"), http.StatusSeeOther)
}

// checkPassword returns the person, or the problem to show beside the form.
func (s *Site) checkPassword(r *http.Request, name string) (models.User, string, error) {
	addr := session.Who(r.Context()).RemoteAddr
	if ok, _ := s.Limits.Allow(r.Context(), "sign-in:"+addr, attemptsPerAddress, attemptWindow); !ok {
		return models.User{}, "LOCKED", nil
	}
	user, err := s.Identity.VerifyPassword(r.Context(), name, r.PostFormValue(FieldPassword), addr)
	switch models.CodeOf(err) {
	case "":
		return user, "", nil
	case models.CodeUnauthenticated, models.CodeInvalid:
		return models.User{}, "WRONG_CREDENTIALS", nil
	case models.CodeRateLimited:
		return models.User{}, "LOCKED", nil
	}
	return models.User{}, "", err
}
