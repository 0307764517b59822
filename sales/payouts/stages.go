package payouts

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// PayoutCommand names a payout.
type PayoutCommand struct {
	PayoutID models.ID
}

// step takes a payout that the caller may see from one stage to the next. The lock on its row makes two steps take turns.
func (s *Service) step(ctx context.Context, who models.Principal, id models.ID, what models.EventType, run func(ctx context.Context, tx bun.IDB, p *models.PayoutRequest, now time.Time) error) (PayoutChange, error) {
	if err := id.Require(models.PrefixPayout, "payoutId"); err != nil {
		return PayoutChange{}, err
	}
	var done PayoutChange
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		done, err = s.stepIn(ctx, tx, who, id, what, run)
		return err
	})
	if err != nil {
		return PayoutChange{}, err
	}
	return done, nil
}

func (s *Service) stepIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, what models.EventType, run func(ctx context.Context, tx bun.IDB, p *models.PayoutRequest, now time.Time) error) (PayoutChange, error) {
	payout, found, err := selectPayoutForUpdate(ctx, tx, who, id)
	switch {
	case err != nil:
		return PayoutChange{}, err
	case !found:
		return PayoutChange{}, ErrPayoutUnknown
	}
	before := payout.State
	if err := run(ctx, tx, &payout, s.now()); err != nil {
		return PayoutChange{}, err
	}
	if err := updatePayout(ctx, tx, &payout); err != nil {
		return PayoutChange{}, err
	}
	event := payoutEvent(what, before, payout)
	for name, text := range map[string]string{"paymentOrder": payout.PaymentOrder, "reference": payout.Reference} {
		if text != "" {
			event.Data[name] = text
		}
	}
	for name, id := range map[string]models.ID{"transferId": payout.TransferID, "quotaId": payout.QuotaID, "restrictionId": payout.RestrictionID} {
		if id != "" {
			event.Data[name] = id
		}
	}
	return PayoutChange{payout}, s.Events.Record(ctx, tx, who, event)
}

// SubmitPayout hands a payout to the operators: one that was made by the partner's preference before it was certified, one that was sent back,
// or one that was not countersigned and goes there again. It needs INCENTIVES_WRITE and the partner's own credential; NOT_FOUND for another's.
// Reasons of PRECONDITION_FAILED: PAYOUT_STATE, and those of RequestPayout about certification and currency.
func (s *Service) SubmitPayout(ctx context.Context, who models.Principal, cmd PayoutCommand) (PayoutChange, error) {
	if _, err := mayEarn(who); err != nil {
		return PayoutChange{}, err
	}
	return s.step(ctx, who, cmd.PayoutID, models.EventPayoutSubmitted, func(ctx context.Context, tx bun.IDB, p *models.PayoutRequest, now time.Time) error {
		if err := p.Submit(now); err != nil {
			return err
		}
		return s.fitAgain(ctx, tx, p)
	})
}

// fitAgain asks again whether a payout may be paid, because the partner may say something else of itself by now.
func (s *Service) fitAgain(ctx context.Context, tx bun.IDB, p *models.PayoutRequest) error {
	owner, err := selectPartner(ctx, tx, p.PartnerID)
	if err != nil {
		return err
	}
	p.CertificationID, err = s.fit(ctx, tx, owner, p.Method, p.Currency)
	return err
}

// WithdrawPayout takes a payout back; its statements may be asked for again. It needs INCENTIVES_WRITE and the partner's own credential;
// PAYOUT_STATE once the cloud works on it.
func (s *Service) WithdrawPayout(ctx context.Context, who models.Principal, cmd PayoutCommand) (PayoutChange, error) {
	if _, err := mayEarn(who); err != nil {
		return PayoutChange{}, err
	}
	return s.step(ctx, who, cmd.PayoutID, models.EventPayoutWithdrawn, func(ctx context.Context, tx bun.IDB, p *models.PayoutRequest, now time.Time) error {
		if err := p.Become(models.PayoutWithdrawn, now); err != nil {
			return err
		}
		return updatePartsFree(ctx, tx, p.ID)
	})
}

// Invoice is an invoice of the partner's, as it writes it.
type Invoice struct {
	Number   string          // 1 to 64 printable ASCII characters
	IssuedOn models.Date     // not after tomorrow
	Amount   decimal.Decimal // more than zero, in the payout's currency
}

// EnterInvoices are the invoices of a payout, all of them.
type EnterInvoices struct {
	PayoutID models.ID
	Invoices []Invoice // 1 to 50, each number once
}

// EnterInvoices takes the partner's invoices to the cloud, whose sum must be the payout, in place of those before (N04, I05). It needs
// INCENTIVES_WRITE and the partner's own credential. INVALID with the field; reasons of PRECONDITION_FAILED: PAYOUT_STATE, INVOICE_SUM with
// amount and invoiced, INVOICE_TWICE.
func (s *Service) EnterInvoices(ctx context.Context, who models.Principal, cmd EnterInvoices) (PayoutChange, error) {
	if _, err := mayEarn(who); err != nil {
		return PayoutChange{}, err
	}
	if len(cmd.Invoices) == 0 || len(cmd.Invoices) > models.MaxPayoutInvoices {
		return PayoutChange{}, models.Invalid("invoices", "A payout has 1 to 50 invoices.")
	}
	return s.step(ctx, who, cmd.PayoutID, models.EventPayoutInvoiced, func(_ context.Context, _ bun.IDB, p *models.PayoutRequest, now time.Time) error {
		invoices := make([]models.PayoutInvoice, len(cmd.Invoices))
		for i, one := range cmd.Invoices {
			invoice, err := one.checked(p.Currency, now, fmt.Sprintf("invoices[%d]", i))
			if err != nil {
				return err
			}
			invoices[i] = invoice
		}
		return p.Invoice(invoices, now)
	})
}

func (i Invoice) checked(currency models.Currency, now time.Time, at string) (models.PayoutInvoice, error) {
	none := models.PayoutInvoice{}
	if err := models.CheckReference(i.Number, at+".number", models.MaxReference); err != nil {
		return none, err
	}
	// Whatever the time zone: a day that has not begun anywhere is none.
	if i.IssuedOn > models.Date(now.AddDate(0, 0, 1).Format(time.DateOnly)) {
		return none, models.Invalid(at+".issuedOn", "An invoice is not issued in the future.")
	}
	money, err := models.ParseMoney(i.Amount, currency, at+".amount")
	if err == nil && money.Minor <= 0 {
		err = models.Invalid(at+".amount", "The amount of an invoice is more than zero.")
	}
	return models.PayoutInvoice{Number: i.Number, IssuedOn: i.IssuedOn, AmountMinor: money.Minor, Currency: currency}, err
}

// ReviewPayout is what an operator decides about what was submitted, or about its invoices.
type ReviewPayout struct {
	PayoutID      models.ID
	Approve       bool                    // false = reject
	RejectionCode *models.PayoutRejection // required to reject, nil otherwise
	ReasonText    *string                 // for the partner, 1 to 500 characters, no personal data; required to reject, nil otherwise
}

func (cmd ReviewPayout) check() error {
	if cmd.Approve {
		if cmd.RejectionCode != nil || cmd.ReasonText != nil {
			return models.Invalid("rejectionCode", "An approval has no reason.")
		}
		return nil
	}
	switch {
	case cmd.RejectionCode == nil || !cmd.RejectionCode.Valid():
		return models.Invalid("rejectionCode", "Say why, by one of the codes.")
	case cmd.ReasonText == nil:
		return models.Invalid("reasonText", "Say why, in words.")
	}
	return models.CheckText(*cmd.ReasonText, "reasonText", maxText, false)
}

// ReviewPayout lets a payout go on that is PROCESSING or in INVOICE_REVIEW, or sends it back to the partner with a reason. Operators with
// PAYOUTS_WRITE only; PAYOUT_STATE in any other state.
func (s *Service) ReviewPayout(ctx context.Context, who models.Principal, cmd ReviewPayout) (PayoutChange, error) {
	return s.decide(ctx, who, cmd, models.EventPayoutApproved, models.EventPayoutRejected, (*models.PayoutRequest).Review, (*models.PayoutRequest).Reject)
}

// CountersignPayout signs the cloud's part of a payout whose invoices are good, or sends it back. Operators with PAYOUTS_WRITE only;
// PAYOUT_STATE unless it is COUNTERSIGNING.
func (s *Service) CountersignPayout(ctx context.Context, who models.Principal, cmd ReviewPayout) (PayoutChange, error) {
	return s.decide(ctx, who, cmd, models.EventPayoutCountersigned, models.EventPayoutNotCountersigned, (*models.PayoutRequest).Countersign, (*models.PayoutRequest).RefuseCountersign)
}

func (s *Service) decide(ctx context.Context, who models.Principal, cmd ReviewPayout, approved, rejected models.EventType,
	approve func(*models.PayoutRequest, time.Time) error, reject func(*models.PayoutRequest, models.PayoutRejection, string, time.Time) error,
) (PayoutChange, error) {
	if err := mayPay(who); err != nil {
		return PayoutChange{}, err
	}
	if err := cmd.check(); err != nil {
		return PayoutChange{}, err
	}
	what := rejected
	if cmd.Approve {
		what = approved
	}
	return s.step(ctx, who, cmd.PayoutID, what, func(_ context.Context, _ bun.IDB, p *models.PayoutRequest, now time.Time) error {
		if cmd.Approve {
			return approve(p, now)
		}
		return reject(p, *cmd.RejectionCode, *cmd.ReasonText, now)
	})
}

// RequestPayment is the cloud's order to pay a payout.
type RequestPayment struct {
	PayoutID     models.ID
	PaymentOrder string // the cloud's name for it, 1 to 64 printable ASCII characters
}

// RequestPayment notes that the order to pay is made: for the first time, or again after it failed. Operators with PAYOUTS_WRITE only. Reasons
// of PRECONDITION_FAILED: PAYOUT_STATE, and CERTIFICATION_MISSING when the partner says something else of itself by now.
func (s *Service) RequestPayment(ctx context.Context, who models.Principal, cmd RequestPayment) (PayoutChange, error) {
	if err := mayPay(who); err != nil {
		return PayoutChange{}, err
	}
	if err := models.CheckReference(cmd.PaymentOrder, "paymentOrder", models.MaxReference); err != nil {
		return PayoutChange{}, err
	}
	return s.step(ctx, who, cmd.PayoutID, models.EventPayoutPaymentRequested, func(ctx context.Context, tx bun.IDB, p *models.PayoutRequest, now time.Time) error {
		if err := p.RequestPayment(cmd.PaymentOrder, now); err != nil {
			return err
		}
		return s.fitAgain(ctx, tx, p)
	})
}

// FailPayment says that an order to pay failed.
type FailPayment struct {
	PayoutID   models.ID
	ReasonText string // for the partner, 1 to 500 characters, no personal data
}

// FailPayment notes that the order to pay could not be made, or that the bank sent the money back before it was noted as paid. Operators with
// PAYOUTS_WRITE only; PAYOUT_STATE.
func (s *Service) FailPayment(ctx context.Context, who models.Principal, cmd FailPayment) (PayoutChange, error) {
	if err := mayPay(who); err != nil {
		return PayoutChange{}, err
	}
	if err := models.CheckText(cmd.ReasonText, "reasonText", maxText, false); err != nil {
		return PayoutChange{}, err
	}
	return s.step(ctx, who, cmd.PayoutID, models.EventPayoutPaymentFailed, func(_ context.Context, _ bun.IDB, p *models.PayoutRequest, now time.Time) error {
		return p.FailPayment(cmd.ReasonText, now)
	})
}
