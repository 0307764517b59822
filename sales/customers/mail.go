package customers

import (
	"context"
	"errors"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/identity"
)

// ConsumerMail is told of models.EventInvitationMailed, to send e-mails.
const ConsumerMail = "invitation-mail"

// ConsumerAuthorizationMail is told of models.EventAuthorizationRequested, to tell the customer.
const ConsumerAuthorizationMail = "authorization-mail"

// ErrMailRefused is what a Mailer returns, wrapped or not, for an e-mail that no mail server will ever take; every other
// error is tried again.
var ErrMailRefused = errors.New("customers: the mail server refuses this e-mail")

// Mail is one e-mail.
type Mail struct {
	ID                  string // the same whenever this e-mail is tried again; letters, digits, _ and - only
	To                  string // one address
	Subject, Text, HTML string
}

// Mailer hands e-mails to a mail server. It may be asked to send the same one more than once.
type Mailer interface {
	Send(ctx context.Context, mail Mail) error
}

// PreviewInvitation says which e-mail to show.
type PreviewInvitation struct {
	PartnerID *models.ID              // nil = the caller's own
	Mode      *models.AssociationMode // nil = RESALE
	Language  *models.Language        // nil = EN
}

// Preview returns the e-mail of an invitation as it would be sent now, with a link that leads nowhere. Whoever belongs to no
// partner and names none has no preview. It needs CUSTOMERS_READ; a partner sees its own and its resellers'.
func (s *Service) Preview(ctx context.Context, who models.Principal, cmd PreviewInvitation) (*models.InvitationPreview, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	if err := checkMode(cmd.Mode); err != nil {
		return nil, err
	}
	id := who.PartnerID
	if cmd.PartnerID != nil {
		id = *cmd.PartnerID
	}
	if id == "" {
		return nil, nil
	}
	if err := id.Require(models.PrefixPartner, "partnerId"); err != nil {
		return nil, err
	}
	partner, found, err := selectPartner(ctx, s.DB, who, id)
	if err != nil || !found {
		return nil, orUnknown(err, ErrPartnerUnknown)
	}
	shown := models.Invitation{Mode: models.Resale, Language: models.English, ExpiresAt: s.now().Add(LinkValidity)}
	if cmd.Mode != nil {
		shown.Mode = *cmd.Mode
	}
	if cmd.Language != nil {
		shown.Language = *cmd.Language
	}
	preview, err := writeLetter(shown, partner.Name, s.linkOf("preview"))
	return &preview, err
}

// SendMail sends the e-mail that an event asks for: what the relay hands over for ConsumerMail. One that was sent before, that
// a later one has replaced or whose invitation is no longer open is not sent. An e-mail that was sent and not noted, because
// the server was killed just then, goes out twice, under the same id.
func (s *Service) SendMail(ctx context.Context, event models.Event) error {
	invitation, found, err := selectInvitation(ctx, s.DB, models.ID(event.SubjectID))
	if err != nil || !found || invitation.MailState != models.MailQueued || invitation.TokenSealed == nil || !sameNumber(event, invitation) {
		return err
	}
	if !invitation.IsOpen(s.now()) {
		return nil
	}
	mail, err := s.mailOf(ctx, invitation)
	if err != nil {
		return err
	}
	switch err := s.Mailer.Send(ctx, mail); {
	case err == nil:
		return s.noteMail(ctx, invitation, models.MailSent)
	case errors.Is(err, ErrMailRefused):
		return s.noteMail(ctx, invitation, models.MailRefused)
	default:
		return err
	}
}

// sameNumber reports whether the event asks for the newest e-mail of the invitation. Numbers of JSON are floats.
func sameNumber(event models.Event, invitation models.Invitation) bool {
	switch n := event.Data["mailNumber"].(type) {
	case float64:
		return int64(n) == invitation.MailNumber
	case int64:
		return n == invitation.MailNumber
	}
	return false
}

func (s *Service) mailOf(ctx context.Context, invitation models.Invitation) (Mail, error) {
	to, err := s.openValue(invitation.EmailSealed, columnInvitation, invitation.ID)
	if err != nil {
		return Mail{}, err
	}
	token, err := s.openValue(invitation.TokenSealed, columnToken, invitation.ID)
	if err != nil {
		return Mail{}, err
	}
	partner, found, err := selectPartner(ctx, s.DB, models.SystemPrincipal("mail"), invitation.PartnerID)
	if err != nil || !found {
		return Mail{}, orUnknown(err, ErrPartnerUnknown)
	}
	letter, err := writeLetter(invitation, partner.Name, s.linkOf(*token))
	if err != nil {
		return Mail{}, err
	}
	return Mail{ID: mailID(invitation), To: *to, Subject: letter.Subject, Text: letter.Text, HTML: letter.HTML}, nil
}

// noteMail writes down what became of an e-mail and forgets the token, unless a later e-mail was asked for meanwhile.
func (s *Service) noteMail(ctx context.Context, sent models.Invitation, state models.MailState) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		system := models.SystemPrincipal("mail")
		invitation, found, err := selectInvitationForUpdate(ctx, tx, system, sent.ID)
		if err != nil || !found || invitation.MailNumber != sent.MailNumber {
			return err
		}
		invitation.MailState, invitation.TokenSealed, invitation.UpdatedAt = state, nil, s.now()
		if state == models.MailSent {
			return updateInvitation(ctx, tx, &invitation)
		}
		if !invitation.IsOpen(s.now()) {
			return updateInvitation(ctx, tx, &invitation)
		}
		return s.failInvitation(ctx, tx, system, invitation, models.FailureMail)
	})
}

// MailRequest tells a customer of a request for an authorisation: what the relay hands over for ConsumerAuthorizationMail. One
// that is not open any more, or whose customer has no address, has no letter. It may go out twice, under the same id.
func (s *Service) MailRequest(ctx context.Context, event models.Event) error {
	system := models.SystemPrincipal("mail")
	asked, err := selectAuthorizations(ctx, s.DB, system, []models.ID{models.ID(event.SubjectID)})
	if err != nil || len(asked) == 0 || asked[0].State != models.AuthorizationRequested || !asked[0].IsLive(s.now()) {
		return err
	}
	customer, found, err := s.ByIDIn(ctx, s.DB, system, asked[0].CustomerID)
	if err != nil || !found {
		return orUnknown(err, ErrUnknown)
	}
	to, err := s.openValue(customer.EmailSealed, columnEmail, customer.ID)
	if err != nil || to == nil {
		return err
	}
	partner, found, err := selectPartner(ctx, s.DB, system, asked[0].PartnerID)
	if err != nil || !found {
		return orUnknown(err, ErrPartnerUnknown)
	}
	letter, err := writeRequest(asked[0], partner.Name, customer.Name)
	if err != nil {
		return err
	}
	err = s.Mailer.Send(ctx, Mail{ID: string(asked[0].ID), To: *to, Subject: letter.Subject, Text: letter.Text, HTML: letter.HTML})
	if errors.Is(err, ErrMailRefused) {
		return nil // the customer finds the request when it signs in
	}
	return err
}

// EmailOfIn returns the address of a customer's account, or nil when it has none, for the room that sends codes to it.
func (s *Service) EmailOfIn(ctx context.Context, db bun.IDB, customerID models.ID) (*string, error) {
	customer, found, err := s.ByIDIn(ctx, db, models.SystemPrincipal("codes"), customerID)
	if err != nil || !found {
		return nil, orUnknown(err, ErrUnknown)
	}
	return s.openValue(customer.EmailSealed, columnEmail, customer.ID)
}

var _ identity.Addresses = (*Service)(nil)
