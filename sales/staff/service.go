package staff

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// Sealer encrypts personal data at rest and makes it findable. A context names where a sealed value belongs; under another one it does not open.
type Sealer interface {
	Seal(plain []byte, context string) []byte
	Open(sealed []byte, context string) ([]byte, error)
	Blind(value, purpose string) string
}

// Payer pays partners what they earned outside their statements; sales/payouts does.
type Payer interface {
	// PayableIn is nil when money may be paid to the partner by the method now, and keeps that so until the transaction ends.
	PayableIn(ctx context.Context, tx bun.IDB, partner models.ID, method models.PayoutMethod, currency models.Currency) error
	// CreditIn pays the amount into the partner's bonus account, for what subject names.
	CreditIn(ctx context.Context, tx bun.IDB, who models.Principal, partner, subject models.ID, amount models.Money) (models.ID, error)
}

// Jobs keeps what is to be done at a time.
type Jobs interface {
	// ScheduleIn has a job of the kind done about the object when it is due, in the transaction that makes it necessary.
	ScheduleIn(ctx context.Context, tx bun.IDB, kind models.JobKind, object models.ID, due time.Time) error
}

// Service is the room. All fields are required unless they say otherwise and are set once, before use; it is then safe for concurrent use.
type Service struct {
	DB     *store.DB
	Now    func() time.Time
	IDs    models.IDSource
	Events *events.Recorder
	Ledger *ledger.Service // of the keys
	Seal   Sealer
	Payer  Payer
	Files  *files.Service // of the downloads
	Jobs   Jobs           // ends years; nil = nobody does
}

// The refusals that callers may want to tell apart with errors.Is.
var (
	ErrSchemeUnknown  = models.NotFound("staff scheme")
	ErrMemberUnknown  = models.NotFound("staff member")
	ErrMonthUnknown   = models.NotFound("staff month")
	ErrPaymentUnknown = models.NotFound("staff payment")
	errPartner        = models.NotFound("partner")
	errPartnersOnly   = models.Forbidden("Only the partner itself does this, with its own credential.")
	errOperatorsOnly  = models.Forbidden("Only an operator does this.")

	ErrInvitedAlready   = models.Precondition("STAFF_INVITED_ALREADY", "The partner is invited to this scheme for this year.")
	ErrYearOver         = models.Precondition("STAFF_YEAR_OVER", "The year of the scheme is over.")
	ErrAgreementVersion = models.Precondition("STAFF_AGREEMENT_VERSION", "This is not the version of the agreement that the invitation names.")
	// ErrElsewhere says neither in which scheme the person is nor whose that is.
	ErrElsewhere        = models.Precondition("STAFF_ELSEWHERE", "This person is in a scheme; a person may be in one only (N07).")
	ErrHeadCount        = models.Precondition("STAFF_HEAD_COUNT", "The scheme has as many people as it may have.")
	ErrMonthOpen        = models.Precondition("STAFF_MONTH_OPEN", "A month is applied for when it is over.")
	ErrMonthTwice       = models.Precondition("STAFF_MONTH_TWICE", "This month of this person is applied for; it is paid once (N07).")
	ErrMonthPaid        = models.Precondition("STAFF_QUARTER_REQUESTED", "The payment of this quarter was requested; a scheme has one per quarter (N07).")
	ErrQuarterOpen      = models.Precondition("STAFF_QUARTER_OPEN", "A quarter is paid when it is over (N07).")
	ErrMonthsWaiting    = models.Precondition("STAFF_MONTHS_WAITING", "Months of this quarter wait for their confirmation.")
	ErrNothingConfirmed = models.Precondition("STAFF_NOTHING_TO_PAY", "No confirmed month of this quarter is worth anything.")
)

// maxReason bounds what operators write for the partner, in characters.
const maxReason = 256

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// mayApply lets the partner itself through, which signs and answers for what it says; not an operator, and no cloud reseller (P12, P14).
func mayApply(who models.Principal) error {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return err
	}
	if who.SeesAll() || who.CustomerID != "" || who.PartnerID == "" || !who.PartnerKind.EarnsIncentives() {
		return errPartnersOnly
	}
	return nil
}

func mayReview(who models.Principal) error { return operators(who, models.ReviewBenefits) }

func operators(who models.Principal, permission models.Permission) error {
	if err := access.Require(who, permission); err != nil {
		return err
	}
	if !who.SeesAll() {
		return errOperatorsOnly
	}
	return nil
}

// checkReason applies the rule for reasons: a refusal has one, nothing else has.
func checkReason(passed bool, reason *string) (string, error) {
	switch {
	case passed && reason != nil:
		return "", models.Invalid("reason", "Only a refusal has a reason.")
	case passed:
		return "", nil
	case reason == nil:
		return "", models.Invalid("reason", "Say why, for the partner.")
	}
	return *reason, models.CheckText(*reason, "reason", maxReason, false)
}

// The names under which the columns are sealed, and the purposes of their indexes.
const (
	columnSignatory = "staff_schemes.signatory"
	columnName      = "staff_members.name"
	columnEmail     = "staff_members.email"
	columnNational  = "staff_members.national_id"
)

func (s *Service) sealed(text, column string, id models.ID) []byte {
	return s.Seal.Seal([]byte(text), column+":"+string(id))
}

func (s *Service) opened(sealed []byte, column string, id models.ID) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	plain, err := s.Seal.Open(sealed, column+":"+string(id))
	return string(plain), err
}

func (s *Service) openMember(m *models.StaffMember) (err error) {
	if m.Name, err = s.opened(m.NameSealed, columnName, m.ID); err != nil {
		return err
	}
	m.Email, err = s.opened(m.EmailSealed, columnEmail, m.ID)
	return err
}

func blindEmail(seal Sealer, email string) string {
	return seal.Blind(strings.ToLower(email), columnEmail)
}

// under runs a step with the scheme locked that the caller may see.
func (s *Service) under(ctx context.Context, who models.Principal, id models.ID, run func(ctx context.Context, tx bun.IDB, scheme *models.StaffScheme) error) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		scheme, found, err := selectSchemeForUpdate(ctx, tx, who, id)
		switch {
		case err != nil:
			return err
		case !found:
			return ErrSchemeUnknown
		}
		return run(ctx, tx, &scheme)
	})
}

// happened is the event of something under a scheme.
func happened(what models.EventType, scheme models.StaffScheme, subject models.ID, changes []models.FieldChange, data map[string]any) models.Event {
	fields := make([]string, len(changes))
	for i, change := range changes {
		fields[i] = change.Field
	}
	if data == nil {
		data = map[string]any{}
	}
	data["schemeId"] = scheme.ID
	return models.Event{Type: what, PartnerID: scheme.PartnerID, SubjectID: string(subject), Fields: fields, Changes: changes, Data: data}
}
