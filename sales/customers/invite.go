package customers

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// InvitationPath is where the page of invitations is, followed by the token.
const InvitationPath = "/invitation/"

// How long links are good, and how often e-mails are sent. The 7 days are the vendor's (C06); the bounds are ours.
const (
	LinkValidity     = 7 * 24 * time.Hour
	LongestLink      = 90 * 24 * time.Hour
	ResendInterval   = 10 * time.Minute
	MaxMailsPerDay   = 200 // of one partner
	tokenLength      = 43  // 256 bits in base64
	columnInvitation = "invitations.email"
	columnToken      = "invitations.token"
)

// The refusals of invitations; models.Invitation has those of its state.
var (
	ErrInvitationUnknown = models.NotFound("invitation")
	ErrMailNotSetUp      = models.Precondition("MAIL_NOT_SET_UP", "This server sends no e-mail; hand a link over instead.")
	ErrNotByEmail        = models.Precondition("NOT_BY_EMAIL", "This invitation is a link, which is handed over and not sent.")
)

// CreateInvitation invites a customer, or whoever gets the link.
type CreateInvitation struct {
	PartnerID *models.ID // nil = that of the report, else the caller's own
	ReportID  *models.ID // the report that it follows; then it is good for one use in any channel
	Channel   models.InvitationChannel
	Mode      models.AssociationMode
	Tag       *string          // at most 64 characters; stays on the association (C06)
	Campaign  *string          // 1 to 64 characters, for CAMPAIGN only
	Email     *string          // for EMAIL without a report; with one it is the report's
	Language  *models.Language // of the e-mail; nil = EN
	ExpiresAt *time.Time       // of a link or campaign, at most 90 days ahead; nil = in 7 days
}

// ResendInvitation sends an e-mail again.
type ResendInvitation struct {
	InvitationID models.ID
}

// RevokeInvitation makes an invitation void.
type RevokeInvitation struct {
	InvitationID models.ID
}

// Invited is an invitation as it is after the operation.
type Invited struct {
	Invitation models.Invitation
	Link       *string // of a link or campaign, this once; the link of an e-mail is in the e-mail alone
}

// Invite invites a customer (C05, C06): by an e-mail that is sent after the commit, or by a link to hand over, plain, tagged
// or for a campaign. It needs CUSTOMERS_WRITE; a partner invites for itself and its resellers. The reasons of
// PRECONDITION_FAILED are PARTNER_RESTRICTED, REPORT_CLOSED, REPORT_EXPIRED and MAIL_NOT_SET_UP; more than MaxMailsPerDay e-mails
// of one partner in a day are RATE_LIMITED.
func (s *Service) Invite(ctx context.Context, who models.Principal, cmd CreateInvitation) (Invited, error) {
	if err := access.Require(who, models.WriteCustomers); err != nil {
		return Invited{}, err
	}
	now := s.now()
	if err := cmd.check(now); err != nil {
		return Invited{}, err
	}
	token, err := s.newToken()
	if err != nil {
		return Invited{}, err
	}
	var done Invited
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		made := cmd.invitation(s.IDs(models.PrefixInvitation), now)
		if err := s.follow(ctx, tx, who, cmd, &made); err != nil {
			return err
		}
		if made.Channel == models.InviteByEmail {
			err = s.queueMail(ctx, tx, &made, token)
		} else {
			link := s.linkOf(token)
			made.TokenHash, done.Link = digestOf(token), &link
		}
		if err != nil {
			return err
		}
		if err := insertRow(ctx, tx, &made); err != nil {
			return err
		}
		done.Invitation = made
		return s.recordInvited(ctx, tx, who, made)
	})
	if err != nil {
		return Invited{}, err
	}
	err = s.openInvitation(&done.Invitation)
	return done, err
}

// follow ties the invitation to its partner and its report.
func (s *Service) follow(ctx context.Context, tx bun.IDB, who models.Principal, cmd CreateInvitation, made *models.Invitation) error {
	named, email := cmd.PartnerID, cmd.Email
	if cmd.ReportID != nil {
		report, found, err := selectReportForUpdate(ctx, tx, who, *cmd.ReportID)
		if err != nil {
			return err
		}
		if !found || named != nil && *named != report.PartnerID {
			return ErrReportUnknown
		}
		if err := report.Become(models.ReportInvited, made.CreatedAt); err != nil {
			return err
		}
		if err := updateReport(ctx, tx, &report); err != nil {
			return err
		}
		if err := s.openReport(&report); err != nil {
			return err
		}
		named, email, made.ReportID = &report.PartnerID, report.Email, report.ID
		if report.ExpiresAt.Before(made.ExpiresAt) {
			made.ExpiresAt = report.ExpiresAt
		}
	}
	partner, err := s.winner(ctx, tx, who, named)
	if err != nil {
		return err
	}
	made.PartnerID = partner.ID
	if made.Channel == models.InviteByEmail {
		made.EmailSealed, made.EmailBlind = s.sealValue(*email, columnInvitation, made.ID), s.blindEmail(*email)
	}
	return nil
}

// ResendInvitation sends the e-mail of an invitation again, with a new link that is good for 7 days; the old one is void. It
// may have expired meanwhile. Sooner than ResendInterval after the last is RATE_LIMITED.
func (s *Service) ResendInvitation(ctx context.Context, who models.Principal, cmd ResendInvitation) (Invited, error) {
	token, err := s.newToken()
	if err != nil {
		return Invited{}, err
	}
	return s.changeInvitation(ctx, who, cmd.InvitationID, func(ctx context.Context, tx bun.IDB, invitation *models.Invitation) error {
		now := s.now()
		if invitation.Channel != models.InviteByEmail {
			return ErrNotByEmail
		}
		if err := invitation.Open(now); err != nil && models.ReasonOf(err) != "INVITATION_EXPIRED" {
			return err
		}
		if wait := invitation.MailedAt.Add(ResendInterval).Sub(now); wait > 0 {
			return models.RateLimited(wait)
		}
		if _, err := s.winner(ctx, tx, who, &invitation.PartnerID); err != nil {
			return err
		}
		invitation.State, invitation.Failure, invitation.ExpiresAt = models.InvitationActive, "", now.Add(LinkValidity)
		if invitation.ReportID != "" {
			report, _, err := selectReportForUpdate(ctx, tx, models.SystemPrincipal("invitation"), invitation.ReportID)
			if err != nil {
				return err
			}
			if err := report.Become(models.ReportInvited, now); err != nil {
				return err
			}
			if err := updateReport(ctx, tx, &report); err != nil {
				return err
			}
			if report.ExpiresAt.Before(invitation.ExpiresAt) {
				invitation.ExpiresAt = report.ExpiresAt
			}
		}
		if err := s.queueMail(ctx, tx, invitation, token); err != nil {
			return err
		}
		invitation.UpdatedAt = now
		if err := updateInvitation(ctx, tx, invitation); err != nil {
			return err
		}
		return s.recordInvitation(ctx, tx, who, models.EventInvitationMailed, *invitation, invitation.State)
	})
}

// RevokeInvitation makes an open invitation void.
func (s *Service) RevokeInvitation(ctx context.Context, who models.Principal, cmd RevokeInvitation) (Invited, error) {
	return s.changeInvitation(ctx, who, cmd.InvitationID, func(ctx context.Context, tx bun.IDB, invitation *models.Invitation) error {
		if err := invitation.Open(s.now()); err != nil {
			return err
		}
		return s.endInvitation(ctx, tx, who, invitation, models.InvitationRevoked, models.EventInvitationRevoked)
	})
}

// changeInvitation runs a change of an invitation that the caller may see and write.
func (s *Service) changeInvitation(ctx context.Context, who models.Principal, id models.ID, change func(context.Context, bun.IDB, *models.Invitation) error) (Invited, error) {
	if err := access.Require(who, models.WriteCustomers); err != nil {
		return Invited{}, err
	}
	if err := id.Require(models.PrefixInvitation, "invitationId"); err != nil {
		return Invited{}, err
	}
	var done Invited
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		invitation, found, err := selectInvitationForUpdate(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if !found {
			return ErrInvitationUnknown
		}
		if err := change(ctx, tx, &invitation); err != nil {
			return err
		}
		done.Invitation = invitation
		return nil
	})
	if err != nil {
		return Invited{}, err
	}
	err = s.openInvitation(&done.Invitation)
	return done, err
}

// endInvitation moves an invitation to a final state; an e-mail that is still to be sent is not.
func (s *Service) endInvitation(ctx context.Context, tx bun.IDB, who models.Principal, invitation *models.Invitation, state models.InvitationState, what models.EventType) error {
	before := invitation.State
	invitation.State, invitation.TokenSealed, invitation.UpdatedAt = state, nil, s.now()
	if err := updateInvitation(ctx, tx, invitation); err != nil {
		return err
	}
	return s.recordInvitation(ctx, tx, who, what, *invitation, before)
}

// queueMail gives the invitation a new link, and leaves it to the relay to send it.
func (s *Service) queueMail(ctx context.Context, tx bun.IDB, invitation *models.Invitation, token string) error {
	if s.Mailer == nil {
		return ErrMailNotSetUp
	}
	now := s.now()
	sent, err := countMailed(ctx, tx, invitation.PartnerID, now.Add(-24*time.Hour))
	if err != nil {
		return err
	}
	if sent >= MaxMailsPerDay {
		return models.RateLimited(24 * time.Hour)
	}
	invitation.TokenHash, invitation.TokenSealed = digestOf(token), s.sealValue(token, columnToken, invitation.ID)
	invitation.MailState, invitation.MailedAt, invitation.MailNumber = models.MailQueued, &now, invitation.MailNumber+1
	return nil
}

func (cmd CreateInvitation) check(now time.Time) error {
	if cmd.PartnerID != nil {
		if err := cmd.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return err
		}
	}
	if cmd.ReportID != nil {
		if err := cmd.ReportID.Require(models.PrefixCustomerReport, "reportId"); err != nil {
			return err
		}
	}
	if err := checkMode(&cmd.Mode); err != nil {
		return err
	}
	if cmd.Tag != nil {
		if err := checkText(*cmd.Tag, 64, "tag"); err != nil {
			return err
		}
	}
	if err := models.CheckLanguage(cmd.Language, "language"); err != nil {
		return err
	}
	return cmd.checkChannel(now)
}

func (cmd CreateInvitation) checkChannel(now time.Time) error {
	named := cmd.Campaign != nil && *cmd.Campaign != ""
	switch cmd.Channel {
	case models.InviteByEmail:
		if cmd.ExpiresAt != nil {
			return models.Invalid("expiresAt", "An e-mail's link is good for 7 days.")
		}
		if (cmd.Email == nil) == (cmd.ReportID == nil) {
			return models.Invalid("email", "An e-mail goes to the report's address, or without a report to the one that is given.")
		}
		if cmd.Email != nil {
			if err := models.CheckEmail(*cmd.Email, "email"); err != nil {
				return err
			}
		}
	case models.InviteByLink, models.InviteByCampaign:
		if cmd.Email != nil {
			return models.Invalid("email", "A link is handed over, and goes to no address.")
		}
		if cmd.ExpiresAt != nil && (!cmd.ExpiresAt.After(now) || cmd.ExpiresAt.Sub(now) > LongestLink) {
			return models.Invalid("expiresAt", "A link ends in the future, within 90 days.")
		}
	default:
		return models.Invalid("channel", "The channel is EMAIL, LINK or CAMPAIGN.")
	}
	if named != (cmd.Channel == models.InviteByCampaign) {
		return models.Invalid("campaign", "A campaign has a name, and nothing else has one.")
	}
	if named {
		return checkText(*cmd.Campaign, 64, "campaign")
	}
	return nil
}

// invitation is what the command says, before anything is looked up.
func (cmd CreateInvitation) invitation(id models.ID, now time.Time) models.Invitation {
	made := models.Invitation{
		ID: id, Channel: cmd.Channel, State: models.InvitationActive, Mode: cmd.Mode, Language: models.English, MailState: models.MailNone,
		ExpiresAt: now.Add(LinkValidity), CreatedAt: now, UpdatedAt: now,
	}
	if cmd.Tag != nil {
		made.Tag = *cmd.Tag
	}
	if cmd.Campaign != nil {
		made.Campaign = *cmd.Campaign
	}
	if cmd.Language != nil {
		made.Language = *cmd.Language
	}
	if cmd.ExpiresAt != nil {
		made.ExpiresAt = cmd.ExpiresAt.UTC().Truncate(time.Microsecond)
	}
	return made
}

func (s *Service) newToken() (string, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return "", fmt.Errorf("customers: randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

func (s *Service) linkOf(token string) string { return s.Origin + InvitationPath + token }

func digestOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// recordInvited records a new invitation, and asks for its e-mail.
func (s *Service) recordInvited(ctx context.Context, tx bun.IDB, who models.Principal, made models.Invitation) error {
	if err := s.recordInvitation(ctx, tx, who, models.EventInvitationMade, made, ""); err != nil || made.Channel != models.InviteByEmail {
		return err
	}
	return s.recordInvitation(ctx, tx, who, models.EventInvitationMailed, made, made.State)
}

// recordInvitation tells the partner, and nobody else. It names neither the address nor the token. before is the state that it had.
func (s *Service) recordInvitation(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, i models.Invitation, before models.InvitationState) error {
	data := map[string]any{"channel": i.Channel, "state": i.State, "mode": i.Mode}
	if what == models.EventInvitationMailed {
		data["mailNumber"] = i.MailNumber
	}
	if i.Failure != "" {
		data["failure"] = i.Failure
	}
	if i.ReportID != "" {
		data["reportId"] = i.ReportID
	}
	event := models.Event{Type: what, PartnerID: i.PartnerID, SubjectID: string(i.ID), Data: data}
	if before != i.State { // a link for many stays what it is
		event.Fields, event.Changes = []string{"state"}, []models.FieldChange{models.Changed("state", before, i.State)}
	}
	return s.Events.Record(ctx, tx, who, event)
}

func (s *Service) openInvitation(i *models.Invitation) (err error) {
	i.Email, err = s.openValue(i.EmailSealed, columnInvitation, i.ID)
	return err
}
