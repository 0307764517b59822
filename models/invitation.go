package models

import (
	"time"

	"github.com/uptrace/bun"
)

// InvitationChannel is how an invitation reaches a customer (C06).
type InvitationChannel string

// The channels.
const (
	InviteByEmail    InvitationChannel = "EMAIL"    // one person, one use
	InviteByLink     InvitationChannel = "LINK"     // a link or QR code to hand over; any number of uses
	InviteByCampaign InvitationChannel = "CAMPAIGN" // the same with a campaign's name
)

// InvitationState is the state of an invitation.
type InvitationState string

// The states. Only an active one is accepted; a link stays active when it is.
const (
	InvitationActive   InvitationState = "ACTIVE"
	InvitationAccepted InvitationState = "ACCEPTED"
	InvitationRefused  InvitationState = "REFUSED"
	InvitationRevoked  InvitationState = "REVOKED"
	InvitationExpired  InvitationState = "EXPIRED"
)

// MailState says what became of an invitation's e-mail.
type MailState string

// The states of an e-mail.
const (
	MailNone    MailState = "NONE"    // there is none: a link
	MailQueued  MailState = "QUEUED"  // it is about to be sent
	MailSent    MailState = "SENT"    // a mail server has taken it
	MailRefused MailState = "REFUSED" // the mail server refuses it for good
)

// Language is one that letters are written in.
type Language string

// The languages.
const (
	English Language = "EN"
	Chinese Language = "ZH"
)

// Invitation lets a customer agree to become a partner's (C05, C06). Of the token that is in its link only the digest is
// kept; an e-mail that is still to be sent has it sealed until then.
type Invitation struct {
	bun.BaseModel `bun:"table:invitations,alias:inv"`

	ID          ID                `bun:"id,pk"`
	PartnerID   ID                `bun:"partner_id"`
	ReportID    ID                `bun:"report_id,nullzero"`
	Channel     InvitationChannel `bun:"channel"`
	State       InvitationState   `bun:"state"`
	Mode        AssociationMode   `bun:"mode"`
	Tag         string            `bun:"tag,nullzero"`
	Campaign    string            `bun:"campaign,nullzero"`
	Language    Language          `bun:"language"`
	TokenHash   []byte            `bun:"token_hash" json:"-"` // SHA-256 of the token
	TokenSealed []byte            `bun:"token_sealed" json:"-"`
	EmailSealed []byte            `bun:"email_sealed" json:"-"`
	EmailBlind  string            `bun:"email_blind,nullzero" json:"-"`
	MailState   MailState         `bun:"mail_state"`
	MailNumber  int64             `bun:"mail_number"` // how many e-mails were asked for
	MailedAt    *time.Time        `bun:"mailed_at"`   // when the last was asked for
	Uses        int64             `bun:"uses"`
	Failure     string            `bun:"failure,nullzero"`
	ExpiresAt   time.Time         `bun:"expires_at"`
	CreatedAt   time.Time         `bun:"created_at"`
	UpdatedAt   time.Time         `bun:"updated_at"`

	Email *string `bun:"-" json:"-"`
}

// NodeID returns the id to page by.
func (i Invitation) NodeID() ID { return i.ID }

// IsNode marks the type as a GraphQL Node.
func (Invitation) IsNode() {}

// TagOrNil returns Tag, or nil when it is empty.
func (i Invitation) TagOrNil() *string { return orNil(i.Tag) }

// CampaignOrNil returns Campaign, or nil when it is empty.
func (i Invitation) CampaignOrNil() *string { return orNil(i.Campaign) }

// FailureOrNil says why the last attempt to accept has failed, or is nil.
func (i Invitation) FailureOrNil() *InvitationFailure { return FailureOf(i.Failure) }

// TagOrNil returns Tag, or nil when it is empty.
func (a Association) TagOrNil() *string { return orNil(a.Tag) }

// Once reports whether the invitation is good for one use: it is sent to one person, or follows a report of one company.
func (i Invitation) Once() bool { return i.Channel == InviteByEmail || i.ReportID != "" }

// InvitationOffer is what an invitation says to whoever has its link.
type InvitationOffer struct {
	PartnerID   ID
	PartnerName string
	Mode        AssociationMode
	ExpiresAt   time.Time
}

// InvitationPreview is the e-mail of an invitation.
type InvitationPreview struct {
	Subject, Text, HTML string
}

// Open returns nil when the invitation may be accepted or refused at now. The reasons of PRECONDITION_FAILED are
// INVITATION_USED, INVITATION_REFUSED, INVITATION_REVOKED and INVITATION_EXPIRED.
func (i Invitation) Open(now time.Time) error {
	switch {
	case i.State == InvitationAccepted:
		return Precondition("INVITATION_USED", "This invitation has been accepted before; it is good for one use.")
	case i.State == InvitationRefused:
		return Precondition("INVITATION_REFUSED", "This invitation has been refused before; ask the partner for another.")
	case i.State == InvitationRevoked:
		return Precondition("INVITATION_REVOKED", "The partner has revoked this invitation.")
	case i.State != InvitationActive || !now.Before(i.ExpiresAt):
		return Precondition("INVITATION_EXPIRED", "This invitation has expired; ask the partner to send it again.")
	}
	return nil
}

// IsOpen reports whether the invitation may be accepted or refused at now.
func (i Invitation) IsOpen(now time.Time) bool { return i.Open(now) == nil }

// InvitationConnection is a page of invitations.
type InvitationConnection = Connection[Invitation]

// InvitationEdge is one of the invitations and its position.
type InvitationEdge = Edge[Invitation]
