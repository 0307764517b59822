package federation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

const (
	// ticketLife is how long a ticket can be used: a storefront makes it when it sends the browser on.
	ticketLife = time.Minute
	// ticketsPerWindow bounds the tickets of one key.
	ticketsPerWindow = 300
	ticketWindow     = time.Minute
	// maxRelayState is the most bytes of a RelayState (Bindings 3.4.3).
	maxRelayState = 80
)

// The refusals of tickets.
var (
	// ErrTicketRefused: there is no such ticket on this platform, it expired, was used, or its person may no longer sign in.
	ErrTicketRefused = models.Precondition("TICKET_REFUSED", "This sign-in ticket does not exist, was used or is too old.")
	// ErrNotResale refuses a customer whose money is its own: only it signs its people in here (C01).
	ErrNotResale = models.Precondition("NOT_RESALE", "Only people of resale customers are signed in by their partner's storefront.")
	// ErrNobody refuses a customer that has nobody who may sign in.
	ErrNobody = models.Precondition("NO_PERSON", "This customer has nobody who may sign in. Name the person by externalUserId.")
	// ErrPersonDisabled refuses somebody who may not sign in.
	ErrPersonDisabled = models.Precondition("PERSON_DISABLED", "This person may not sign in.")
	// ErrNotLaunchable refuses a service provider that takes nobody whom it did not send.
	ErrNotLaunchable = models.Precondition("LAUNCH_NOT_ALLOWED", "This service provider is switched off, or neither is idpInitiated nor has a loginUrl.")
)

// CreateSignInTicket says whom to sign in, and where the person goes then. The person is UserID, or the one of CustomerID whom the
// storefront knows as ExternalUserID, who is made when there is none, or else the oldest of CustomerID. Where to: at most one of
// RequestID, ServiceProviderID and Next.
type CreateSignInTicket struct {
	CustomerID        *models.ID
	UserID            *models.ID
	ExternalUserID    *string    // 1 to 128 characters
	RequestID         *string    // the waiting sign-in that the storefront's page was opened with; only its browser can go on
	ServiceProviderID *models.ID // one that may be launched
	RelayState        *string    // for an unsolicited launch, at most 80 bytes
	Next              *string    // a path of this server
}

// CreatedTicket is where to send the browser, until when.
type CreatedTicket struct {
	URL       string
	ExpiresAt time.Time
}

// Trip is where a person goes after a ticket.
type Trip struct {
	RequestID         string    `json:"requestId,omitempty"`
	ServiceProviderID models.ID `json:"serviceProviderId,omitempty"`
	RelayState        string    `json:"relayState,omitempty"`
	Next              string    `json:"next,omitempty"`
}

// CreateSignInTicket makes a ticket, for partners' programs only: people, operators included, sign in as themselves. Errors:
// UNAUTHENTICATED, FORBIDDEN without SIGN_IN_ISSUE or for anybody but a partner's program, INVALID with the field, NOT_FOUND for a
// customer, person, service provider or waiting sign-in that is not the caller's now, RATE_LIMITED, and the sentinels of this file.
func (s *Service) CreateSignInTicket(ctx context.Context, who models.Principal, cmd CreateSignInTicket) (CreatedTicket, error) {
	if err := access.Require(who, models.IssueSignIns); err != nil {
		return CreatedTicket{}, err
	}
	if who.Kind != models.PartnerKey {
		return CreatedTicket{}, models.Forbidden("Sign-in tickets are made by a partner's program, with an API key.")
	}
	if err := cmd.check(); err != nil {
		return CreatedTicket{}, err
	}
	if ok, retryAfter := s.Limits.Allow(ctx, "ticket:"+string(who.KeyID), ticketsPerWindow, ticketWindow); !ok {
		return CreatedTicket{}, models.RateLimited(retryAfter)
	}
	config, err := s.configurationOf(ctx, s.DB, who, who.PartnerID)
	if err != nil {
		return CreatedTicket{}, err
	}
	if config.State != models.ExposureEnabled {
		return CreatedTicket{}, ErrPlatformDisabled
	}
	trip, err := s.trip(ctx, config.PlatformID, cmd)
	if err != nil {
		return CreatedTicket{}, err
	}
	token, err := s.token()
	if err != nil {
		return CreatedTicket{}, err
	}
	now := s.now()
	row := models.SignInTicket{TokenHash: digestOf(token), PlatformID: config.PlatformID, CreatedAt: now, ExpiresAt: now.Add(ticketLife)}
	body, err := json.Marshal(trip)
	if err != nil {
		return CreatedTicket{}, fmt.Errorf("federation: trip: %w", err)
	}
	row.TripSealed = s.Seal.Seal(body, tripContext(row.TokenHash))
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		user, err := s.personFor(ctx, tx, who, cmd)
		if err != nil {
			return err
		}
		row.UserID, row.CustomerID = user.ID, user.CustomerID
		if err := insertRow(ctx, tx, &row); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventSignInTicketCreated, SubjectID: string(user.ID), PartnerID: who.PartnerID, CustomerID: user.CustomerID,
			Data: map[string]any{"platformId": config.PlatformID, "serviceProviderId": trip.ServiceProviderID, "waiting": trip.RequestID != ""},
		})
	})
	if err != nil {
		return CreatedTicket{}, err
	}
	address := s.OwnOrigin + "/saml/idp/" + url.PathEscape(config.PlatformID) + "/ticket?" + url.Values{"ticket": {token}}.Encode()
	return CreatedTicket{URL: address, ExpiresAt: row.ExpiresAt}, nil
}

func (c CreateSignInTicket) check() error {
	if (c.CustomerID == nil) == (c.UserID == nil) {
		return models.Invalid("customerId", "Give either customerId or userId.")
	}
	if c.CustomerID != nil {
		if err := c.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return err
		}
	}
	if c.UserID != nil {
		if err := c.UserID.Require(models.PrefixUser, "userId"); err != nil {
			return err
		}
		if c.ExternalUserID != nil {
			return models.Invalid("externalUserId", "externalUserId goes with customerId.")
		}
	}
	return c.checkTrip()
}

func (c CreateSignInTicket) checkTrip() error {
	targets := 0
	for _, given := range []bool{c.RequestID != nil, c.ServiceProviderID != nil, c.Next != nil} {
		if given {
			targets++
		}
	}
	switch {
	case targets > 1:
		return models.Invalid("next", "Give at most one of requestId, serviceProviderId and next.")
	case c.RelayState != nil && c.ServiceProviderID == nil:
		return models.Invalid("relayState", "relayState goes with serviceProviderId.")
	case c.RelayState != nil && len(*c.RelayState) > maxRelayState:
		return models.Invalid("relayState", fmt.Sprintf("relayState has at most %d bytes.", maxRelayState))
	case c.RelayState != nil && *c.RelayState != "" && !isText(*c.RelayState, maxRelayState):
		return models.Invalid("relayState", "relayState has no control characters.")
	case c.Next != nil && (len(*c.Next) > models.MaxURL || !models.IsLocalPath(*c.Next)):
		return models.Invalid("next", "next is a path of this server, such as /console.")
	case c.RequestID != nil && (len(*c.RequestID) < 22 || len(*c.RequestID) > 128):
		return models.Invalid("requestId", "This is not the id of a waiting sign-in.")
	}
	if c.ServiceProviderID != nil {
		return c.ServiceProviderID.Require(models.PrefixServiceProvider, "serviceProviderId")
	}
	return nil
}

// trip checks that what the person is to go on to is there.
func (s *Service) trip(ctx context.Context, platformID string, cmd CreateSignInTicket) (Trip, error) {
	var trip Trip
	switch {
	case cmd.RequestID != nil:
		trip.RequestID = *cmd.RequestID
		if _, err := s.FindIDPRequest(ctx, platformID, trip.RequestID); err != nil {
			if errors.Is(err, ErrUnknownRequest) {
				err = models.NotFound("waiting sign-in")
			}
			return Trip{}, err
		}
	case cmd.ServiceProviderID != nil:
		trip.ServiceProviderID = *cmd.ServiceProviderID
		provider, err := s.ServiceProviderByID(ctx, platformID, string(trip.ServiceProviderID))
		if err != nil {
			return Trip{}, err
		}
		if provider.State != models.ServiceProviderEnabled || (!provider.IDPInitiated && provider.LoginURL == "") {
			return Trip{}, ErrNotLaunchable
		}
		if cmd.RelayState != nil {
			trip.RelayState = *cmd.RelayState
		}
	case cmd.Next != nil:
		trip.Next = *cmd.Next
	}
	return trip, nil
}

// personFor finds or makes whom the ticket is for. What is not the caller's is NOT_FOUND; a person is named by its customer only.
func (s *Service) personFor(ctx context.Context, tx bun.IDB, who models.Principal, cmd CreateSignInTicket) (models.User, error) {
	var user models.User
	var customerID models.ID
	what := "customer"
	if cmd.UserID != nil {
		var found bool
		var err error
		what = "user"
		if user, found, err = selectUserByID(ctx, tx, *cmd.UserID); err != nil {
			return models.User{}, err
		}
		if !found || user.CustomerID == "" {
			return models.User{}, models.NotFound(what)
		}
		customerID = user.CustomerID
	} else {
		customerID = *cmd.CustomerID
	}
	customer, found, err := lockCustomer(ctx, tx, who, customerID)
	switch {
	case err != nil:
		return models.User{}, err
	case !found:
		return models.User{}, models.NotFound(what)
	case customer.Mode != models.Resale:
		return models.User{}, ErrNotResale
	case cmd.UserID != nil:
	case cmd.ExternalUserID != nil:
		if user, err = s.People.EnsureExternalUserIn(ctx, tx, who, customerID, *cmd.ExternalUserID); err != nil {
			return models.User{}, err
		}
	default:
		if user, found, err = selectFirstUser(ctx, tx, customerID); err != nil || !found {
			return models.User{}, unless(err, ErrNobody)
		}
	}
	if user.State != models.UserActive {
		return models.User{}, ErrPersonDisabled
	}
	return user, nil
}

// RedeemTicket uses a ticket up and returns whose it is. ErrTicketRefused when this platform has no such ticket, when it expired, or
// when its person may no longer be signed in by this platform's partner; a ticket of another platform is left alone.
func (s *Service) RedeemTicket(ctx context.Context, platformID, token string) (models.User, Trip, error) {
	row, found, err := deleteTicket(ctx, s.DB, platformID, digestOf(token))
	switch {
	case err != nil:
		return models.User{}, Trip{}, err
	case !found || !s.now().Before(row.ExpiresAt):
		return models.User{}, Trip{}, ErrTicketRefused
	}
	config, found, err := platformByID(ctx, s.DB, platformID)
	if err != nil || !found || config.State != models.ExposureEnabled {
		return models.User{}, Trip{}, unless(err, ErrTicketRefused)
	}
	// A minute is long enough for an association to end.
	customer, found, err := selectServedCustomer(ctx, s.DB, config.PartnerID, row.CustomerID)
	if err != nil || !found || customer.Mode != models.Resale {
		return models.User{}, Trip{}, unless(err, ErrTicketRefused)
	}
	user, found, err := selectUserByID(ctx, s.DB, row.UserID)
	if err != nil || !found || user.State != models.UserActive || user.CustomerID != customer.ID {
		return models.User{}, Trip{}, unless(err, ErrTicketRefused)
	}
	body, err := s.Seal.Open(row.TripSealed, tripContext(row.TokenHash))
	if err != nil {
		return models.User{}, Trip{}, fmt.Errorf("federation: a ticket of %s does not open: %w", platformID, err)
	}
	var trip Trip
	if err := json.Unmarshal(body, &trip); err != nil {
		return models.User{}, Trip{}, fmt.Errorf("federation: trip: %w", err)
	}
	return user, trip, nil
}

func tripContext(hash []byte) string { return fmt.Sprintf("sign_in_tickets.trip:%x", hash) }
