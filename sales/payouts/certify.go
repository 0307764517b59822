package payouts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
)

// What values are sealed under, together with the certification's id.
const (
	columnCard = "commercial_certifications.card:"
	columnTest = "commercial_certifications.test:"
)

// taxDigits is how many fraction digits a tax rate has at most.
const taxDigits = 4

// SubmitCertification is what a partner says of its taxes and its bank account.
type SubmitCertification struct {
	TaxRate      decimal.Decimal // a fraction, 0 to less than 1, at most 4 digits
	Currency     models.Currency // in which money is paid out
	BankCard     funds.BankCard  // the bank account; kept sealed
	BankLetterID models.ID       // an upload for BANK_LETTER: the bank's word that the account is the partner's
}

// CertificationChange is a certification as a command left it.
type CertificationChange struct {
	CommercialCertification models.CommercialCertification
}

// SubmitCertification has a partner's commercial information certified, which it needs before money is paid out (M13). What was certified
// before is REPLACED at once: money does not go where the partner has said that it shall not. It needs INCENTIVES_WRITE and the partner's own
// credential. Errors: INVALID with the field, NOT_FOUND for an upload that is not the partner's to use, and PRECONDITION_FAILED with
// CERTIFICATION_PENDING while another is under way, or CERTIFICATION_LOCKED.
func (s *Service) SubmitCertification(ctx context.Context, who models.Principal, cmd SubmitCertification) (CertificationChange, error) {
	partner, err := mayEarn(who)
	if err != nil {
		return CertificationChange{}, err
	}
	card, err := cmd.check()
	if err != nil {
		return CertificationChange{}, err
	}
	letters, err := s.Files.Find(ctx, who, models.UploadBankLetter, []models.ID{cmd.BankLetterID})
	if err != nil {
		return CertificationChange{}, err
	}
	letter, found := letters[cmd.BankLetterID]
	if !found {
		return CertificationChange{}, files.ErrUploadUnknown
	}
	var done CertificationChange
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		now := s.now()
		happened, err := s.replace(ctx, tx, partner)
		if err != nil {
			return err
		}
		c := models.CommercialCertification{
			ID: s.IDs(models.PrefixCertification), PartnerID: partner, State: models.CertificationReviewing, TaxRate: cmd.TaxRate, Currency: cmd.Currency,
			LetterID: letter.ID, LetterType: letter.ContentType, LetterExtension: letter.Extension, LetterDigest: letter.Digest, CreatedAt: now, UpdatedAt: now,
		}
		if c.CardSealed, err = s.sealCard(c.ID, card); err != nil {
			return err
		}
		c.CardLastFour = card.Number[len(card.Number)-4:]
		if err := s.Files.KeepIn(ctx, tx, who, models.UploadBankLetter, letter.ID); err != nil {
			return err
		}
		if err := insertCertification(ctx, tx, &c); err != nil {
			return err
		}
		event := certificationEvent(models.EventCertificationSubmitted, "", c)
		event.Data["bankLetterId"] = letter.ID
		done.CommercialCertification = c
		return s.Events.Record(ctx, tx, who, append(happened, event)...)
	})
	if store.Conflicts(err, "commercial_certifications") { // another was submitted at the same moment
		err = (&models.CommercialCertification{State: models.CertificationReviewing}).Replace(s.now())
	}
	if err != nil {
		return CertificationChange{}, err
	}
	return done, nil
}

// replace ends the partner's present certification, if it has one.
func (s *Service) replace(ctx context.Context, tx bun.IDB, partner models.ID) ([]models.Event, error) {
	present, found, err := selectLivingForUpdate(ctx, tx, partner)
	if err != nil || !found {
		return nil, err
	}
	before := present.State
	if err := present.Replace(s.now()); err != nil {
		return nil, err
	}
	return []models.Event{certificationEvent(models.EventCertificationReplaced, before, present)}, updateCertification(ctx, tx, &present)
}

func (cmd SubmitCertification) check() (funds.BankCard, error) {
	none := funds.BankCard{}
	switch {
	case cmd.TaxRate.IsNegative() || cmd.TaxRate.GreaterThanOrEqual(decimal.NewFromInt(1)) || cmd.TaxRate.Exponent() > 0 || cmd.TaxRate.Exponent() < -taxDigits:
		return none, models.Invalid("taxRate", "The tax rate is a fraction of 0 to less than 1 with at most 4 digits: 0.06 is 6 per cent.")
	case !cmd.Currency.Valid():
		return none, models.Invalid("currency", "The currency must be CNY or USD.")
	}
	if err := cmd.BankLetterID.Require(models.PrefixUpload, "bankLetterId"); err != nil {
		return none, err
	}
	return cmd.BankCard.Checked()
}

func (s *Service) sealCard(id models.ID, card funds.BankCard) ([]byte, error) {
	plain, err := json.Marshal(card)
	if err != nil {
		return nil, fmt.Errorf("bank account: %w", err)
	}
	return s.Seal.Seal(plain, columnCard+string(id)), nil
}

// BankCardOf returns the whole bank account of a certification that the caller has got from here, for operators with PAYOUTS_WRITE; nil
// for everybody else.
func (s *Service) BankCardOf(who models.Principal, c models.CommercialCertification) (*funds.BankCard, error) {
	if !who.SeesAll() || !who.May(models.WritePayouts) {
		return nil, nil
	}
	plain, err := s.Seal.Open(c.CardSealed, columnCard+string(c.ID))
	if err != nil {
		return nil, err
	}
	var card funds.BankCard
	if err := json.Unmarshal(plain, &card); err != nil {
		return nil, fmt.Errorf("bank account of %s: %w", c.ID, err)
	}
	return &card, nil
}

// ConfirmTestAmount is the amount that has arrived at the partner's bank account.
type ConfirmTestAmount struct {
	CertificationID models.ID
	Amount          decimal.Decimal // in the certification's currency
}

// errWrongAmount is a refusal that has left a trace: the attempt counts.
var errWrongAmount = errors.New("payouts: a wrong amount")

// ConfirmTestAmount certifies when the amount is the one that the operator sent. A wrong one counts: PRECONDITION_FAILED with AMOUNT_WRONG and
// attemptsLeft, and from the third on CERTIFICATION_LOCKED (M13). It needs INCENTIVES_WRITE and the partner's own credential; NOT_FOUND for
// another's, CERTIFICATION_STATE when there is no amount to confirm.
func (s *Service) ConfirmTestAmount(ctx context.Context, who models.Principal, cmd ConfirmTestAmount) (CertificationChange, error) {
	if _, err := mayEarn(who); err != nil {
		return CertificationChange{}, err
	}
	var wrong bool
	done, err := s.certify(ctx, who, cmd.CertificationID, func(c *models.CommercialCertification) (models.EventType, error) {
		money, err := models.ParseMoney(cmd.Amount, c.Currency, "amount")
		if err != nil {
			return "", err
		}
		right, err := s.isTestAmount(*c, money.Minor)
		if err != nil {
			return "", err
		}
		if err := c.Confirm(right, s.now()); err != nil {
			return "", err
		}
		switch wrong = !right; {
		case right:
			return models.EventCertificationCertified, nil
		case c.State == models.CertificationLocked:
			return models.EventCertificationLocked, nil
		}
		return models.EventCertificationWrong, nil
	})
	if err != nil || !wrong {
		return done, err
	}
	return CertificationChange{}, wrongAmount(done.CommercialCertification)
}

func wrongAmount(c models.CommercialCertification) error {
	refused := models.Precondition("AMOUNT_WRONG", "This is not the amount that was sent.")
	if c.State == models.CertificationLocked {
		refused = models.Precondition("CERTIFICATION_LOCKED", "Three wrong amounts have locked the certification until an operator unlocks it (M13).")
	}
	refused.Details["attemptsLeft"] = models.MaxWrongConfirmations - c.WrongConfirmations
	refused.Cause = errWrongAmount
	return refused
}

// isTestAmount compares with what was sent; before anything was, nothing is right.
func (s *Service) isTestAmount(c models.CommercialCertification, minor int64) (bool, error) {
	if c.TestSealed == nil {
		return false, nil
	}
	plain, err := s.Seal.Open(c.TestSealed, columnTest+string(c.ID))
	return string(plain) == strconv.FormatInt(minor, 10), err
}

// certify changes a certification that the caller may see, which is locked meanwhile.
func (s *Service) certify(ctx context.Context, who models.Principal, id models.ID, change func(*models.CommercialCertification) (models.EventType, error)) (CertificationChange, error) {
	if err := id.Require(models.PrefixCertification, "certificationId"); err != nil {
		return CertificationChange{}, err
	}
	var done CertificationChange
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		c, found, err := selectCertificationForUpdate(ctx, tx, who, id)
		switch {
		case err != nil:
			return err
		case !found:
			return ErrCertificationUnknown
		}
		before := c.State
		what, err := change(&c)
		if err != nil {
			return err
		}
		if err := updateCertification(ctx, tx, &c); err != nil {
			return err
		}
		done.CommercialCertification = c
		return s.Events.Record(ctx, tx, who, certificationEvent(what, before, c))
	})
	if err != nil {
		return CertificationChange{}, err
	}
	return done, nil
}

// certificationEvent tells the partner. It carries neither the bank account, nor the amount, nor what an operator wrote.
func certificationEvent(what models.EventType, before models.CertificationState, c models.CommercialCertification) models.Event {
	event := models.Event{
		Type: what, PartnerID: c.PartnerID, SubjectID: string(c.ID), Fields: []string{"state"},
		Changes: []models.FieldChange{models.Changed("state", before, c.State)}, Data: map[string]any{"currency": c.Currency},
	}
	switch what {
	case models.EventCertificationWrong, models.EventCertificationLocked:
		event.Data["wrongConfirmations"] = c.WrongConfirmations
	case models.EventCertificationRejected:
		event.Data["rejectionCode"] = c.RejectionCode
	}
	return event
}
