package funds

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// ErrAgreementUnknown says that there is no such agreement, or none that the caller may see.
var ErrAgreementUnknown = models.NotFound("payer agreement")

// longestAgreement bounds how long somebody else may pay.
const longestAgreement = 10 * 365 * 24 * time.Hour

// CreatePayerAgreement says that somebody else pays for the caller.
type CreatePayerAgreement struct {
	PayerName  string // as the bank writes it, at most 200 characters; personal data
	ValidFrom  time.Time
	ValidUntil time.Time // exclusive; after ValidFrom and now, at most ten years later
}

// VoidPayerAgreement ends an agreement.
type VoidPayerAgreement struct {
	PayerAgreementID models.ID
}

// SavedPayerAgreement is an agreement as it is now.
type SavedPayerAgreement struct {
	PayerAgreement models.PayerAgreement
}

// CreatePayerAgreement records that a third party pays for the caller (代付, M08): until it ends, that payer's remittances
// match the caller's claims. Who may is who may recharge; see StartRecharge for the refusals.
func (s *Service) CreatePayerAgreement(ctx context.Context, who models.Principal, cmd CreatePayerAgreement) (SavedPayerAgreement, error) {
	if err := access.Require(who, models.MoveMoney); err != nil {
		return SavedPayerAgreement{}, err
	}
	now := s.now()
	if err := models.CheckText(cmd.PayerName, "payerName", maxPayerName, false); err != nil {
		return SavedPayerAgreement{}, err
	}
	if !cmd.ValidUntil.After(cmd.ValidFrom) || !cmd.ValidUntil.After(now) || cmd.ValidUntil.Sub(cmd.ValidFrom) > longestAgreement {
		return SavedPayerAgreement{}, models.Invalid("validUntil", "An agreement ends after it begins, in the future, and within ten years.")
	}
	agreement := models.PayerAgreement{
		ID: s.IDs(models.PrefixPayerAgreement), PayerNameBlind: s.blindPayer(cmd.PayerName), ValidFrom: cmd.ValidFrom.UTC().Truncate(time.Microsecond),
		ValidUntil: cmd.ValidUntil.UTC().Truncate(time.Microsecond), State: models.PayerAgreementActive, CreatedAt: now, UpdatedAt: now,
	}
	agreement.PayerNameSealed = s.sealPayer(cmd.PayerName, columnAgreementPayer, agreement.ID)
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		by, err := payerOf(ctx, tx, who)
		if err != nil {
			return err
		}
		agreement.PartnerID, agreement.CustomerID = by.partnerID, by.customerID
		if err := insertAgreement(ctx, tx, &agreement); err != nil {
			return err
		}
		return s.recordAgreement(ctx, tx, who, models.EventPayerAgreementMade, agreement, "")
	})
	if err != nil {
		return SavedPayerAgreement{}, err
	}
	err = s.openAgreement(&agreement)
	return SavedPayerAgreement{agreement}, err
}

// VoidPayerAgreement ends an agreement at once; what was credited under it stays. Its owner and operators may. One that was
// voided before is PRECONDITION_FAILED with the reason AGREEMENT_VOIDED.
func (s *Service) VoidPayerAgreement(ctx context.Context, who models.Principal, cmd VoidPayerAgreement) (SavedPayerAgreement, error) {
	if err := access.Require(who, models.MoveMoney); err != nil {
		return SavedPayerAgreement{}, err
	}
	if err := cmd.PayerAgreementID.Require(models.PrefixPayerAgreement, "payerAgreementId"); err != nil {
		return SavedPayerAgreement{}, err
	}
	var agreement models.PayerAgreement
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		found, ok, err := selectAgreementForUpdate(ctx, tx, who, cmd.PayerAgreementID)
		if err != nil {
			return err
		}
		if !ok {
			return ErrAgreementUnknown
		}
		before := found.State
		if err := found.Void(s.now()); err != nil {
			return err
		}
		agreement = found
		if err := updateAgreement(ctx, tx, &found); err != nil {
			return err
		}
		return s.recordAgreement(ctx, tx, who, models.EventPayerAgreementVoided, found, before)
	})
	if err != nil {
		return SavedPayerAgreement{}, err
	}
	err = s.openAgreement(&agreement)
	return SavedPayerAgreement{agreement}, err
}

// recordAgreement tells the owner, and nobody else. It does not name the payer.
func (s *Service) recordAgreement(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, a models.PayerAgreement, before models.PayerAgreementState) error {
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: a.PartnerID, CustomerID: a.CustomerID, SubjectID: string(a.ID), Fields: []string{"state"},
		Changes: []models.FieldChange{models.Changed("state", before, a.State)}, Data: map[string]any{"state": a.State},
	})
}
