package pages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/session"
)

// Arrival is what a verified assertion says of the person who arrives, as the wiring hands it over from the SAML door.
type Arrival struct {
	PlatformID, XAccountID, XUserID string
	Name, Email, Mobile             string
	NameID, NameIDFormat            string
	NameQualifier, SPNameQualifier  string
	SessionIndex                    string
	SessionNotOnOrAfter             time.Time
	FirstLogin                      bool
	Service                         string
}

func (a Arrival) from() session.Origin {
	return session.Origin{
		PlatformID: a.PlatformID, NameID: a.NameID, NameIDFormat: a.NameIDFormat, NameQualifier: a.NameQualifier, SPNameQualifier: a.SPNameQualifier,
		SessionIndex: a.SessionIndex, NotOnOrAfter: a.SessionNotOnOrAfter,
	}
}

// ErrNotBound refuses a login without isFirstLogin=true of somebody who is not bound (2.7).
var ErrNotBound = models.Precondition("IDENTITY_NOT_BOUND", "This account is not bound to a cloud account yet.")

// ErrPersonRefused refuses somebody whose account here may not sign in.
var ErrPersonRefused = models.Precondition("PERSON_REFUSED", "This account may not sign in.")

// Meet uses up the assertion that speaks of a person, durably, and finds out who the person is; first is false when it was used before.
func (s *Site) Meet(ctx context.Context, a Arrival, assertionID string, until time.Time) (first bool, met federation.Met, err error) {
	return s.Federation.Meet(ctx, a.PlatformID, assertionID, until, a.XAccountID, a.XUserID)
}

// Arrive takes in a person whom the SAML door has verified, and returns where to send the browser. Somebody bound is signed in and
// lands on the service; at a first login the bind notification is repeated on the way (2.5). The first person of an account that the
// platform had created is bound without a page. Somebody unbound gets the
// create-or-bind page at a first login and is refused otherwise.
func (s *Site) Arrive(w http.ResponseWriter, r *http.Request, a Arrival, met federation.Met) (string, error) {
	ctx := r.Context()
	switch {
	case met.Found && met.Person != nil:
		return s.arriveBound(w, r, a, met.Identity, met.User)
	case !met.Found && !a.FirstLogin:
		return "", ErrNotBound
	}
	platform, err := s.Exposure.ByPlatform(ctx, a.PlatformID)
	if err != nil {
		return "", err
	}
	if met.Found {
		first, bound, err := s.Federation.BindFirstPerson(ctx, s.onBehalf(r), a.PlatformID, a.XAccountID, a.XUserID, platform.PartnerID)
		switch {
		case err != nil:
			return "", err
		case bound:
			user, err := s.Identity.UserByID(ctx, first.Person.UserID)
			if err != nil {
				return "", errors.Join(ErrPersonRefused, err)
			}
			return s.arriveBound(w, r, a, first, user)
		case !a.FirstLogin:
			return "", ErrNotBound
		}
	}
	ticket, err := s.Federation.ParkFirstLogin(ctx, a.PlatformID, platform.PartnerID, a)
	if err != nil {
		return "", err
	}
	setFlowCookie(w, ticketCookie, ticket, federation.DefaultFirstLoginLife)
	return "/first-login", nil
}

func (s *Site) arriveBound(w http.ResponseWriter, r *http.Request, a Arrival, known federation.Identity, user models.User) (string, error) {
	if err := s.Identity.CheckActive(user); err != nil {
		return "", errors.Join(ErrPersonRefused, err)
	}
	if _, err := s.Sessions.Issue(r.Context(), w, r, user, a.from()); err != nil {
		return "", err
	}
	// A notification that no browser has carried yet, or that the platform asked to have again, goes along with this login.
	if a.FirstLogin || known.Told != "" && known.Told != models.NotificationSent {
		return s.notify(w, r, a)
	}
	return landing(a.Service), nil
}

func landing(service string) string {
	if service == "" {
		return "/console"
	}
	return service
}

// ticketCookie holds the ticket of a first login. The form carries it as well: the cookie shows that it is the same browser.
const ticketCookie = "__Host-partnergraph-first-login"

func setFlowCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second), Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// ticket reads the parked arrival of this browser.
func (s *Site) ticket(r *http.Request) (string, federation.Arrival, Arrival, error) {
	cookie, err := r.Cookie(ticketCookie)
	if err != nil {
		return "", federation.Arrival{}, Arrival{}, federation.ErrExpired
	}
	parked, err := s.Federation.FirstLogin(r.Context(), cookie.Value)
	if err != nil {
		return "", federation.Arrival{}, Arrival{}, err
	}
	var a Arrival
	if err := json.Unmarshal(parked.Data, &a); err != nil {
		return "", federation.Arrival{}, Arrival{}, fmt.Errorf("parked arrival: %w", err)
	}
	return cookie.Value, parked, a, nil
}

func (s *Site) showFirstLogin(w http.ResponseWriter, r *http.Request) {
	ticket, parked, a, err := s.ticket(r)
	if err != nil {
		s.failFirstLogin(w, r, err)
		return
	}
	if !s.stillEnabled(w, r, a.PlatformID) {
		return
	}
	page := FirstLoginPage{Create: CreateForm{AccountName: a.Name}, Bind: BindForm{}}
	s.renderFirstLogin(w, r, http.StatusOK, ticket, parked, page)
}

// stillEnabled reports whether the platform may sign people in now, and shows the page for it when it may not: half an hour can lie
// between the assertion and the form.
func (s *Site) stillEnabled(w http.ResponseWriter, r *http.Request, platformID string) bool {
	platform, err := s.Exposure.ByPlatform(r.Context(), platformID)
	switch {
	case models.CodeOf(err) == models.CodeNotFound:
		s.ShowError(w, r, http.StatusNotFound, "UNKNOWN_PLATFORM")
	case err != nil:
		s.Fail(w, r, err)
	case platform.State != models.ExposureEnabled:
		s.ShowError(w, r, http.StatusForbidden, "PLATFORM_DISABLED")
	default:
		return true
	}
	return false
}

// failFirstLogin words an expired or used ticket as a login that expired.
func (s *Site) failFirstLogin(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, federation.ErrExpired) {
		s.ShowError(w, r, http.StatusBadRequest, "LOGIN_EXPIRED")
		return
	}
	s.Fail(w, r, err)
}

func (s *Site) renderFirstLogin(w http.ResponseWriter, r *http.Request, status int, ticket string, parked federation.Arrival, page FirstLoginPage) {
	if err := s.ensureVisitor(w, r); err != nil {
		s.Fail(w, r, err)
		return
	}
	partner, err := s.Partners.ByIDs(r.Context(), models.SystemPrincipal("first-login"), []models.ID{parked.PartnerID})
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	page.Action, page.Ticket, page.PlatformName = "/first-login", ticket, partner[parked.PartnerID].Name
	page.Brand = s.platformBrand(r, parked.PlatformID)
	s.Views.Render(w, r, status, FirstLogin, page)
}

// firstLogin creates an account or binds an existing one, signs the person in, and leads on. Whatever is refused leaves
// nothing behind and shows the form again.
func (s *Site) firstLogin(w http.ResponseWriter, r *http.Request) {
	ticket, parked, a, err := s.ticket(r)
	if err != nil {
		s.failFirstLogin(w, r, err)
		return
	}
	if !s.stillEnabled(w, r, a.PlatformID) {
		return
	}
	// The form that was not sent keeps the name that the platform proposed.
	page := FirstLoginPage{Create: CreateForm{AccountName: a.Name}, Bind: BindForm{LoginName: r.PostFormValue(FieldLoginName)}}
	if r.PostFormValue(FieldBranch) != BranchBind {
		page.Create.AccountName = r.PostFormValue(FieldAccountName)
	}
	if !s.Views.CheckForm(r) || r.PostFormValue(FieldTicket) != ticket {
		page.Create.Problem = "FORM_EXPIRED"
		s.renderFirstLogin(w, r, http.StatusForbidden, ticket, parked, page)
		return
	}
	join, problem := s.createAccount, &page.Create.Problem
	if r.PostFormValue(FieldBranch) == BranchBind {
		join, problem = s.bindAccount, &page.Bind.Problem
	}
	user, err := join(r, ticket, a)
	if err != nil {
		if *problem = problemOf(err); *problem == "" {
			s.failFirstLogin(w, r, err)
			return
		}
		s.renderFirstLogin(w, r, http.StatusConflict, ticket, parked, page)
		return
	}
	setFlowCookie(w, ticketCookie, "", -time.Second)
	if _, err := s.Sessions.Issue(r.Context(), w, r, user, a.from()); err != nil {
		s.Fail(w, r, err)
		return
	}
	next, err := s.notify(w, r, a)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// problem is a refusal that the form shows beside its fields.
type problem string

// Error returns the code of the catalogue.
func (p problem) Error() string { return string(p) }

// problemOf finds the words of the catalogue for a refusal, or "" when the form has none for it.
func problemOf(err error) string {
	var shown problem
	if errors.As(err, &shown) {
		return string(shown)
	}
	var ours *models.Error
	if !errors.As(err, &ours) {
		return ""
	}
	switch {
	case ours.Code == models.CodeConflict && (ours.Field == "accountName" || ours.Field == "loginName"):
		return "NAME_TAKEN"
	case ours.Code == models.CodeInvalid && (ours.Field == "accountName" || ours.Field == "loginName"):
		return "NAME_INVALID"
	case ours.Code == models.CodeInvalid && ours.Field == "password":
		return "PASSWORD_WEAK"
	case ours.Reason() == "IDENTITY_ALREADY_BOUND":
		return "ALREADY_BOUND"
	case errors.Is(err, federation.ErrExpired), ours.Reason() == "PLATFORM_DISABLED":
		return ""
	case ours.Code == models.CodePreconditionFailed:
		return "NOT_ELIGIBLE"
	case ours.Code == models.CodeRateLimited:
		return "RATE_LIMITED"
	}
	return ""
}

// createAccount makes customer, association, user and binding in one transaction (2.5).
func (s *Site) createAccount(r *http.Request, ticket string, a Arrival) (models.User, error) {
	if r.PostFormValue(FieldConsent) != "yes" {
		return models.User{}, problem("CONSENT_MISSING")
	}
	if ok, _ := s.Limits.Allow(r.Context(), "register:"+session.Who(r.Context()).RemoteAddr, attemptsPerAddress, attemptWindow); !ok {
		return models.User{}, problem("RATE_LIMITED")
	}
	name, password := r.PostFormValue(FieldAccountName), r.PostFormValue(FieldPassword)
	system := s.onBehalf(r)
	var user models.User
	err := s.DB.InTx(r.Context(), func(ctx context.Context, tx bun.Tx) error {
		parked, err := s.Federation.TakeFirstLoginIn(ctx, tx, ticket)
		if err != nil {
			return err
		}
		customer, err := s.Customers.CreateIn(ctx, tx, system, customers.CreateCustomer{
			Name: name, PartnerID: parked.PartnerID, Mode: models.Resale, Source: models.SourceSSO, Email: a.Email, Phone: a.Mobile,
		})
		if err != nil {
			return err
		}
		account := identity.CreateUser{CustomerID: &customer.ID, LoginName: name}
		if password != "" {
			account.Password = &password
		}
		if user, err = s.Identity.CreateUserIn(ctx, tx, system, account); err != nil {
			return err
		}
		return s.bindIn(ctx, tx, system, a, parked.PartnerID, user)
	})
	s.Wake()
	return user, err
}

// bindAccount signs in to an existing account and binds it; it is associated with the partner if it is eligible.
func (s *Site) bindAccount(r *http.Request, ticket string, a Arrival) (models.User, error) {
	user, refused, err := s.checkPassword(r, r.PostFormValue(FieldLoginName))
	switch {
	case err != nil:
		return models.User{}, err
	case refused != "":
		return models.User{}, problem(refused)
	case user.CustomerID == "":
		return models.User{}, problem("NOT_ELIGIBLE")
	}
	system := s.onBehalf(r)
	err = s.DB.InTx(r.Context(), func(ctx context.Context, tx bun.Tx) error {
		parked, err := s.Federation.TakeFirstLoginIn(ctx, tx, ticket)
		if err != nil {
			return err
		}
		if err := s.associateIn(ctx, tx, system, user.CustomerID, parked.PartnerID); err != nil {
			return err
		}
		return s.bindIn(ctx, tx, system, a, parked.PartnerID, user)
	})
	s.Wake()
	return user, err
}

// associateIn does nothing for a customer that is this partner's already.
func (s *Site) associateIn(ctx context.Context, tx bun.Tx, who models.Principal, customerID, partnerID models.ID) error {
	customer, found, err := s.Customers.ByIDIn(ctx, tx, who, customerID)
	if err != nil || !found {
		return errors.Join(err, models.NotFound("customer"))
	}
	if customer.PartnerID == partnerID {
		return nil
	}
	_, err = s.Customers.AssociateIn(ctx, tx, who, customers.Associate{
		CustomerID: customerID, PartnerID: partnerID, Mode: models.Resale, Source: models.SourceSSO,
	})
	return err
}

// bindIn binds and notes that the platform is to be told, so that what no browser carries is not forgotten.
func (s *Site) bindIn(ctx context.Context, tx bun.Tx, who models.Principal, a Arrival, partnerID models.ID, user models.User) error {
	bound, err := s.Federation.BindIn(ctx, tx, who, federation.Binding{
		PlatformID: a.PlatformID, XAccountID: a.XAccountID, XUserID: a.XUserID, CustomerID: user.CustomerID, UserID: user.ID, PartnerID: partnerID,
	})
	if err != nil {
		return err
	}
	customer, found, err := s.Customers.ByIDIn(ctx, tx, who, user.CustomerID)
	if err != nil || !found {
		return errors.Join(err, models.NotFound("customer"))
	}
	_, err = s.Federation.RecordNotificationIn(ctx, tx, models.BindNotification{
		IdentityID: bound.Person.ID, PartnerID: partnerID, PlatformID: a.PlatformID, XAccountID: a.XAccountID, XUserID: a.XUserID,
		CustomerID: customer.ID, CustomerName: customer.Name, Action: federation.ActionBind,
	})
	return err
}

// onBehalf is the principal under which a first login writes: the visitor is nobody yet, so it is the system, with the
// visitor's request.
func (s *Site) onBehalf(r *http.Request) models.Principal {
	visitor, system := session.Who(r.Context()), models.SystemPrincipal("first-login")
	system.RequestID, system.RemoteAddr = visitor.RequestID, visitor.RemoteAddr
	return system
}

// boundCookie carries what the page of the bind notification shows, from the answer that bound to the page itself.
const boundCookie = "__Host-partnergraph-bound"

// notify leads over the page that posts the bind notification, when the platform wants one, and then to the service.
func (s *Site) notify(w http.ResponseWriter, r *http.Request, a Arrival) (string, error) {
	platform, err := s.Exposure.ByPlatform(r.Context(), a.PlatformID)
	if err != nil || platform.BindNotificationURL == "" {
		return landing(a.Service), err
	}
	told := url.Values{"p": {a.PlatformID}, "a": {a.XAccountID}, "u": {a.XUserID}, "s": {landing(a.Service)}}.Encode()
	setFlowCookie(w, boundCookie, url.QueryEscape(told), 10*time.Minute)
	return "/bound", nil
}

// showNotification shows the page that posts the signed notification. What it says is read from the database for whoever is
// signed in: the cookie only names the account.
func (s *Site) showNotification(w http.ResponseWriter, r *http.Request) {
	who, ok := s.signedIn(w, r)
	if !ok {
		return
	}
	told, err := boundFrom(r)
	if err != nil {
		http.Redirect(w, r, "/console", http.StatusSeeOther)
		return
	}
	page, next, err := s.notification(r.Context(), who, told)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	page.Common, page.Next = s.common(r), next
	s.Views.Render(w, r, http.StatusOK, BindNotification, page)
}

func boundFrom(r *http.Request) (url.Values, error) {
	cookie, err := r.Cookie(boundCookie)
	if err != nil {
		return nil, err
	}
	text, err := url.QueryUnescape(cookie.Value)
	if err != nil {
		return nil, err
	}
	return url.ParseQuery(text)
}

func (s *Site) notification(ctx context.Context, who models.Principal, told url.Values) (BindNotificationPage, string, error) {
	platformID, xAccountID, xUserID := told.Get("p"), told.Get("a"), told.Get("u")
	known, found, err := s.Federation.FindIdentity(ctx, platformID, xAccountID, xUserID)
	if err != nil || !found || known.Person == nil || known.Person.UserID != who.UserID {
		return BindNotificationPage{}, "", errors.Join(err, models.NotFound("binding"))
	}
	platform, err := s.Exposure.ByPlatform(ctx, platformID)
	if err != nil {
		return BindNotificationPage{}, "", err
	}
	next := "/console"
	if allowed, err := s.Exposure.ServiceAllowed(ctx, platformID, told.Get("s")); err == nil && allowed {
		next = told.Get("s")
	}
	customer, _, partner, err := s.customerOf(ctx, who)
	if err != nil {
		return BindNotificationPage{}, "", err
	}
	row, found, err := s.Federation.NotificationFor(ctx, known.Person.ID)
	if err == nil && !found { // bound by a release that noted it later
		err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			row, err = s.Federation.RecordNotificationIn(ctx, tx, models.BindNotification{
				IdentityID: known.Person.ID, PartnerID: platform.PartnerID, PlatformID: platformID, XAccountID: xAccountID, XUserID: xUserID,
				CustomerID: customer.ID, CustomerName: customer.Name, Action: federation.ActionBind,
			})
			return err
		})
	}
	if err != nil {
		return BindNotificationPage{}, "", err
	}
	delivery, err := s.Federation.HandOver(ctx, who, row.ID)
	if err != nil || delivery.URL == nil {
		return BindNotificationPage{}, "", errors.Join(err, models.NotFound("binding"))
	}
	return BindNotificationPage{Target: *delivery.URL, Fields: fieldsOf(delivery.Form), PlatformName: partner.Name}, next, nil
}
