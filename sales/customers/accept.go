package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// The refusals of accepting.
var (
	ErrCustomerAccepts = models.Forbidden("Only a customer accepts or refuses an invitation.")
	ErrForAnother      = models.Precondition("INVITATION_FOR_ANOTHER", "This invitation was sent to somebody else; sign in with the account that it is for.")
)

// AcceptInvitation agrees to belong to a partner.
type AcceptInvitation struct {
	Token string // the end of the invitation's link
}

// RefuseInvitation says no.
type RefuseInvitation struct {
	Token string
}

// AcceptedInvitation is the association that was made.
type AcceptedInvitation struct {
	Association models.Association
}

// RefusedInvitation is what was refused.
type RefusedInvitation struct {
	Offer models.InvitationOffer
}

// Offer says what whoever has the link is invited to; nothing without a token. It needs CUSTOMERS_READ and a customer, whom
// the invitation is for; the refusals are those of Accept, without what stands in the way of the association.
func (s *Service) Offer(ctx context.Context, who models.Principal, token *string) (*models.InvitationOffer, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil || token == nil {
		return nil, err
	}
	if who.CustomerID == "" {
		return nil, ErrCustomerAccepts
	}
	customer, found, err := s.ByIDIn(ctx, s.DB, who, who.CustomerID)
	if err != nil || !found {
		return nil, orUnknown(err, ErrUnknown)
	}
	invitation, _, err := s.opened(ctx, s.DB, *token, customer, false)
	if err != nil {
		return nil, err
	}
	offer, err := s.offerOf(ctx, s.DB, invitation)
	return &offer, err
}

// Accept makes the caller's customer the partner's, in the mode and with the tag of the invitation (C05, C06). It needs
// RELATIONS_CHANGE. An unknown token is NOT_FOUND. The reasons of PRECONDITION_FAILED are INVITATION_USED, INVITATION_REFUSED,
// INVITATION_REVOKED, INVITATION_EXPIRED and INVITATION_FOR_ANOTHER, and then what models.RelationFacts finds in the way, which the
// partner learns as the failure of the invitation and its report (C16); the customer may try again while the link is good.
func (s *Service) Accept(ctx context.Context, who models.Principal, cmd AcceptInvitation) (AcceptedInvitation, error) {
	if err := mayAccept(who); err != nil {
		return AcceptedInvitation{}, err
	}
	var done AcceptedInvitation
	var refused error
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		refused = nil // of an attempt that collided
		// The customer's row first: of several invitations that it accepts at once, one comes after the other.
		customer, found, err := selectCustomerForUpdate(ctx, tx, who.CustomerID)
		if err != nil || !found {
			return orUnknown(err, ErrUnknown)
		}
		invitation, report, err := s.opened(ctx, tx, cmd.Token, customer, true)
		if err != nil {
			return err
		}
		wish := Associate{CustomerID: customer.ID, PartnerID: invitation.PartnerID, Mode: invitation.Mode, Source: models.SourceInvite, Tag: invitation.Tag}
		if report != nil && report.Live(s.now()) {
			wish.Source, wish.report = models.SourceReport, report.ID
		}
		blockers, err := s.blockers(ctx, tx, who, customer, wish)
		if err != nil {
			return err
		}
		if refused = models.RefusalOf(blockers); refused != nil {
			return s.failInvitation(ctx, tx, who, invitation, string(blockers[0].Code))
		}
		if done.Association, err = s.link(ctx, tx, who, &customer, wish); err != nil {
			return err
		}
		return s.used(ctx, tx, who, invitation)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return AcceptedInvitation{}, err
	}
	hideTag(who, &done.Association)
	return done, nil
}

// Refuse says no. The partner learns it as the failure of an invitation to one; a link for many stays as it is. Who may, and
// what is refused, is as with Accept.
func (s *Service) Refuse(ctx context.Context, who models.Principal, cmd RefuseInvitation) (RefusedInvitation, error) {
	if err := mayAccept(who); err != nil {
		return RefusedInvitation{}, err
	}
	var done RefusedInvitation
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		customer, found, err := selectCustomerForUpdate(ctx, tx, who.CustomerID)
		if err != nil || !found {
			return orUnknown(err, ErrUnknown)
		}
		invitation, _, err := s.opened(ctx, tx, cmd.Token, customer, true)
		if err != nil {
			return err
		}
		if done.Offer, err = s.offerOf(ctx, tx, invitation); err != nil || !invitation.Once() {
			return err
		}
		invitation.Failure = models.FailureRefused
		if err := s.endInvitation(ctx, tx, who, &invitation, models.InvitationRefused, models.EventInvitationRefused); err != nil {
			return err
		}
		return s.failReport(ctx, tx, who, invitation.ReportID, models.FailureRefused)
	})
	return done, err
}

func mayAccept(who models.Principal) error {
	if err := access.Require(who, models.ChangeRelations); err != nil {
		return err
	}
	if who.CustomerID == "" {
		return ErrCustomerAccepts
	}
	return nil
}

// opened is the invitation with this token, and its report if it has one, provided that it is open to the customer.
func (s *Service) opened(ctx context.Context, db bun.IDB, token string, customer models.Customer, lock bool) (models.Invitation, *models.CustomerReport, error) {
	if len(token) != tokenLength {
		return models.Invitation{}, nil, ErrInvitationUnknown
	}
	invitation, found, err := selectInvitationByToken(ctx, db, digestOf(token), lock)
	if err != nil || !found {
		return models.Invitation{}, nil, orUnknown(err, ErrInvitationUnknown)
	}
	if err := invitation.Open(s.now()); err != nil {
		return models.Invitation{}, nil, err
	}
	// An account without an address has none to compare: who has the link has read the e-mail.
	if invitation.EmailBlind != "" && customer.EmailBlind != "" && invitation.EmailBlind != customer.EmailBlind {
		return models.Invitation{}, nil, ErrForAnother
	}
	if invitation.ReportID == "" {
		return invitation, nil, nil
	}
	report, found, err := selectReport(ctx, db, invitation.ReportID)
	if err != nil || !found {
		return models.Invitation{}, nil, orUnknown(err, ErrReportUnknown)
	}
	if report.AccountName != "" && report.AccountName != customer.Name {
		return models.Invitation{}, nil, ErrForAnother
	}
	return invitation, &report, nil
}

// used counts a use, which is the last of an invitation to one.
func (s *Service) used(ctx context.Context, tx bun.IDB, who models.Principal, invitation models.Invitation) error {
	invitation.Uses++
	invitation.Failure = ""
	state := models.InvitationActive
	if invitation.Once() {
		state = models.InvitationAccepted
	}
	return s.endInvitation(ctx, tx, who, &invitation, state, models.EventInvitationAccepted)
}

// failInvitation tells the partner why the one whom it has invited cannot become its customer. What keeps those from it who
// have got hold of a link for many is no business of its.
func (s *Service) failInvitation(ctx context.Context, tx bun.IDB, who models.Principal, invitation models.Invitation, code string) error {
	if !invitation.Once() {
		return nil
	}
	invitation.Failure, invitation.UpdatedAt = code, s.now()
	if err := updateInvitation(ctx, tx, &invitation); err != nil {
		return err
	}
	if err := s.recordInvitation(ctx, tx, who, models.EventInvitationFailed, invitation, invitation.State); err != nil {
		return err
	}
	return s.failReport(ctx, tx, who, invitation.ReportID, code)
}

func (s *Service) offerOf(ctx context.Context, db bun.IDB, invitation models.Invitation) (models.InvitationOffer, error) {
	partner, found, err := selectPartner(ctx, db, models.SystemPrincipal("invitation"), invitation.PartnerID)
	if err != nil || !found {
		return models.InvitationOffer{}, orUnknown(err, ErrPartnerUnknown)
	}
	return models.InvitationOffer{PartnerID: partner.ID, PartnerName: partner.Name, Mode: invitation.Mode, ExpiresAt: invitation.ExpiresAt}, nil
}

// orUnknown is the error, or when there is none what was not found.
func orUnknown(err error, unknown *models.Error) error {
	if err != nil {
		return err
	}
	return unknown
}
