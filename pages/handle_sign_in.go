package pages

import (
	"context"
	"net/http"
	"strings"
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
	page := SignInPage{Next: r.URL.Query().Get("next")}
	// Somebody whom this platform may not name comes back here again and again, and is told why. Everybody else who is signed in already
	// has been asked to do it again.
	if platformID := platformOf(page.Next); platformID != "" {
		if who := session.Who(r.Context()); who.UserID != "" {
			_, belongs, err := s.Federation.PersonOn(r.Context(), platformID, who.UserID)
			if err != nil {
				s.Fail(w, r, err)
				return
			}
			if !belongs {
				page.Problem = "OTHER_ACCOUNT"
			}
		}
	}
	s.renderSignIn(w, r, http.StatusOK, page)
}

// platformOf returns the platform whose identity provider the person goes on to, or "".
func platformOf(next string) string {
	rest, ours := strings.CutPrefix(local(next, ""), "/saml/idp/")
	if !ours {
		return ""
	}
	platformID, _, _ := strings.Cut(rest, "/")
	if models.CheckPlatformID(platformID, "platformId") != nil {
		return ""
	}
	return platformID
}

func (s *Site) renderSignIn(w http.ResponseWriter, r *http.Request, status int, page SignInPage) {
	if err := s.ensureVisitor(w, r); err != nil {
		s.Fail(w, r, err)
		return
	}
	page.Action, page.Next, page.Common = "/sign-in", local(page.Next, ""), s.common(r)
	if platformID := platformOf(page.Next); platformID != "" {
		name, err := s.platformName(r.Context(), platformID)
		if err != nil {
			s.Fail(w, r, err)
			return
		}
		page.PlatformName, page.Brand = name, s.platformBrand(r, platformID)
	}
	s.Views.Render(w, r, status, SignIn, page)
}

// platformName returns what people call the owner of a platform; empty when there is no such platform.
func (s *Site) platformName(ctx context.Context, platformID string) (string, error) {
	platform, err := s.Exposure.ByPlatform(ctx, platformID)
	if models.CodeOf(err) == models.CodeNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	owner, err := s.Partners.ByIDs(ctx, models.SystemPrincipal("sign-in"), []models.ID{platform.PartnerID})
	return owner[platform.PartnerID].Name, err
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
	if platformID := platformOf(page.Next); platformID != "" && err == nil && problem == "" {
		problem, err = s.checkPlatform(r.Context(), platformID, user)
	}
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

// checkPlatform refuses somebody whom the platform that is gone on to may not name.
func (s *Site) checkPlatform(ctx context.Context, platformID string, user models.User) (problem string, err error) {
	_, belongs, err := s.Federation.PersonOn(ctx, platformID, user.ID)
	if err == nil && !belongs {
		problem = "OTHER_ACCOUNT"
	}
	return problem, err
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
