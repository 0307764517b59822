package funds

import (
	"context"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// The refusals of remittances that callers may want to tell apart with errors.Is.
var (
	ErrRemittanceUnknown  = models.NotFound("remittance")
	ErrBankReferenceTaken = &models.Error{Code: models.CodeConflict, Field: "bankReference", Message: "A remittance with this bank reference was recorded before."}
)

// RecordRemittance says what arrived at the bank account of a signing entity.
type RecordRemittance struct {
	SigningEntity  string
	BankReference  string // 1 to 128 printable ASCII characters, unique per signing entity
	PayerName      string // as the bank writes it, at most 200 characters; personal data
	Amount         decimal.Decimal
	Currency       models.Currency
	ReceivedOn     models.Date // not after tomorrow
	IdempotencyKey string
}

// RecordedRemittance is a remittance that waits to be claimed.
type RecordedRemittance struct {
	Remittance models.Remittance
}

// RecordRemittance records money that arrived, to be claimed by whoever sent it. Operators only. A bank reference that was
// recorded before is CONFLICT. It moves nothing yet.
func (s *Service) RecordRemittance(ctx context.Context, who models.Principal, cmd RecordRemittance) (RecordedRemittance, error) {
	if err := requireOperator(who); err != nil {
		return RecordedRemittance{}, err
	}
	money, entity, err := s.checkRemittance(cmd)
	if err != nil {
		return RecordedRemittance{}, err
	}
	asked := struct {
		SigningEntity, BankReference, Payer, Amount string
		ReceivedOn                                  models.Date
	}{cmd.SigningEntity, cmd.BankReference, s.blindPayer(cmd.PayerName), money.String(), cmd.ReceivedOn}
	done, err := ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "recordRemittance", asked, func(ctx context.Context, tx bun.IDB) (RecordedRemittance, error) {
		remittance := s.newRemittance(entity, cmd.BankReference, money, cmd.ReceivedOn)
		remittance.PayerNameSealed = s.sealPayer(cmd.PayerName, columnRemittancePayer, remittance.ID)
		remittance.PayerNameBlind = s.blindPayer(cmd.PayerName)
		if err := insertRemittance(ctx, tx, &remittance); err != nil {
			return RecordedRemittance{}, bankReferenceTaken(err)
		}
		return RecordedRemittance{remittance}, s.recordRemittance(ctx, tx, who, models.EventRemittanceRecorded, remittance)
	})
	if err != nil {
		return RecordedRemittance{}, err
	}
	// The remembered answer carries no personal data; whoever repeats the key has sent the name again.
	name := cmd.PayerName
	done.Remittance.PayerName = &name
	return done, nil
}

func (s *Service) checkRemittance(cmd RecordRemittance) (models.Money, SigningEntity, error) {
	fail := func(err error) (models.Money, SigningEntity, error) { return models.Money{}, SigningEntity{}, err }
	if err := models.CheckReference(cmd.BankReference, "bankReference", maxReference); err != nil {
		return fail(err)
	}
	if err := models.CheckText(cmd.PayerName, "payerName", maxPayerName, false); err != nil {
		return fail(err)
	}
	if err := checkAmount(cmd.Amount); err != nil {
		return fail(err)
	}
	money, err := models.ParseMoney(cmd.Amount, cmd.Currency, "amount")
	if err != nil {
		return fail(err)
	}
	entity, found := s.SigningEntities.ofPartner(cmd.SigningEntity, cmd.Currency)
	if !found || entity.BankTransfer == nil {
		return fail(models.Invalid("signingEntity", "No signing entity of this name takes bank transfers in this currency."))
	}
	if err := s.checkDay(cmd.ReceivedOn, "receivedOn"); err != nil {
		return fail(err)
	}
	return money, entity, ledger.CheckKey(cmd.IdempotencyKey)
}

// checkDay refuses what is no day, or one that has not begun anywhere on earth.
func (s *Service) checkDay(day models.Date, field string) error {
	if _, err := models.ParseDate(string(day), field); err != nil {
		return err
	}
	if day > models.DateOf(s.now().AddDate(0, 0, 1)) {
		return models.Invalid(field, "This day is in the future.")
	}
	return nil
}

func (s *Service) newRemittance(entity SigningEntity, reference string, money models.Money, on models.Date) models.Remittance {
	now := s.now()
	return models.Remittance{
		ID: s.IDs(models.PrefixRemittance), Cloud: entity.Cloud, SigningEntity: entity.Name, BankReference: reference,
		Currency: money.Currency, AmountMinor: money.Minor, ReceivedOn: on, State: models.RemittanceUnclaimed, CreatedAt: now, UpdatedAt: now,
	}
}

// confirmTransfer credits a bank transfer that an operator saw arrive. The bank reference is a remittance's, recorded before
// or now, so that the same money is never credited to a claim as well.
func (s *Service) confirmTransfer(ctx context.Context, tx bun.IDB, who models.Principal, recharge models.Recharge, received models.Money, reference string) (ConfirmedRecharge, error) {
	remittance, recorded, err := selectReferredRemittanceForUpdate(ctx, tx, recharge.SigningEntity, reference)
	switch {
	case err != nil:
		return ConfirmedRecharge{}, err
	case !recorded:
		entity := SigningEntity{Name: recharge.SigningEntity, Cloud: recharge.Cloud}
		remittance = s.newRemittance(entity, reference, received, models.DateOf(s.now()))
	case remittance.Amount() != received:
		return ConfirmedRecharge{}, models.Invalid("receivedAmount", "The remittance with this reference is of "+remittance.Amount().String()+".")
	}
	if err := remittance.Credit("", recharge.ID, s.now()); err != nil {
		return ConfirmedRecharge{}, err
	}
	done, err := s.settle(ctx, tx, who, recharge, received, reference)
	if err != nil {
		return ConfirmedRecharge{}, err
	}
	remittance.TransferID = done.Recharge.TransferID
	if recorded {
		return done, updateRemittance(ctx, tx, &remittance)
	}
	return done, bankReferenceTaken(insertRemittance(ctx, tx, &remittance))
}

func bankReferenceTaken(err error) error {
	if store.Conflicts(err, "remittances", "bank_reference") {
		return ErrBankReferenceTaken
	}
	return err
}

// recordRemittance leaves a trace for operators; partners and customers do not see it.
func (s *Service) recordRemittance(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, r models.Remittance) error {
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, SubjectID: string(r.ID), Fields: []string{"state"}, Changes: []models.FieldChange{models.Changed("state", "", r.State)}, Data: map[string]any{
			"state": r.State, "amount": r.Amount().Plain(), "currency": r.Currency, "signingEntity": r.SigningEntity,
		},
	})
}
