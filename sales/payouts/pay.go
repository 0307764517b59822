package payouts

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// Quotas turns incentives into quotas of vouchers; coupons.Service does.
type Quotas interface {
	// GrantIn gives a partner a quota in the caller's transaction.
	GrantIn(ctx context.Context, tx bun.IDB, who models.Principal, g coupons.Grant) (models.CouponQuota, error)
}

// Debts keeps money from being withdrawn whose invoice is owed; funds.Service does.
type Debts interface {
	// OweIn keeps the amount back in the caller's transaction, before which no account of the partner is locked.
	OweIn(ctx context.Context, tx bun.IDB, who models.Principal, partner models.ID, amount models.Money, note string) (models.WithdrawalRestriction, error)
}

// PayPayout says that a payout is approved and paid.
type PayPayout struct {
	PayoutID       models.ID
	Reference      string // of the payment, 1 to 64 printable ASCII characters
	IdempotencyKey string // 1 to 128 printable ASCII characters, made up once per payment
}

// PayPayout ends a payout that is in PAYMENT_APPROVAL, exactly once per key: it is PAID, and what goes to the account is credited to the bonus
// account, or QUOTA_ISSUED, and the partner has a quota of vouchers for a year. Its statements are DONE with it, in the same transaction. A
// bank transfer has left outside this ledger: the reference says where. Operators with PAYOUTS_WRITE only. Reasons of PRECONDITION_FAILED:
// PAYOUT_STATE, and CERTIFICATION_MISSING when the partner says something else of itself by now.
func (s *Service) PayPayout(ctx context.Context, who models.Principal, cmd PayPayout) (PayoutChange, error) {
	if err := mayPay(who); err != nil {
		return PayoutChange{}, err
	}
	if err := cmd.PayoutID.Require(models.PrefixPayout, "payoutId"); err != nil {
		return PayoutChange{}, err
	}
	if err := models.CheckReference(cmd.Reference, "reference", models.MaxReference); err != nil {
		return PayoutChange{}, err
	}
	asked := struct {
		PayoutID  models.ID
		Reference string
	}{cmd.PayoutID, cmd.Reference}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "payPayout", asked, func(ctx context.Context, tx bun.IDB) (PayoutChange, error) {
		return s.stepIn(ctx, tx, who, cmd.PayoutID, models.EventPayoutPaid, func(ctx context.Context, tx bun.IDB, p *models.PayoutRequest, now time.Time) error {
			if err := p.Pay(cmd.Reference, now); err != nil {
				return err
			}
			if err := s.fitAgain(ctx, tx, p); err != nil {
				return err
			}
			statements, err := selectStatementsOf(ctx, tx, p.ID)
			if err != nil {
				return err
			}
			if err := s.Incentives.SettleIn(ctx, tx, who, statements, cmd.Reference); err != nil {
				return err
			}
			return s.move(ctx, tx, who, p, now)
		})
	})
}

// move moves the value of a payout by its method.
func (s *Service) move(ctx context.Context, tx bun.IDB, who models.Principal, p *models.PayoutRequest, now time.Time) error {
	note := "payout " + string(p.ID)
	if p.Method == models.PayoutQuota {
		quota, err := s.Quotas.GrantIn(ctx, tx, who, coupons.Grant{
			PartnerID: p.PartnerID, Type: models.CouponVoucher, Value: p.Amount().Amount(), ExpiresAt: now.AddDate(models.PayoutQuotaLife, 0, 0), Memo: &note,
			Source: models.QuotaFromIncentive,
		})
		p.QuotaID = quota.ID
		return err
	}
	if p.Method == models.PayoutInvoiceDebt {
		owed, err := s.Debts.OweIn(ctx, tx, who, p.PartnerID, p.Amount(), note)
		if err != nil {
			return err
		}
		p.RestrictionID = owed.ID
	}
	if !p.Method.ToAccount() {
		return nil
	}
	return s.credit(ctx, tx, who, p)
}

// credit puts the amount into the partner's bonus account, from where it is withdrawn as INCENTIVE_REBATE (M10).
func (s *Service) credit(ctx context.Context, tx bun.IDB, who models.Principal, p *models.PayoutRequest) (err error) {
	p.TransferID, err = s.creditIn(ctx, tx, who, p.Cloud, p.PartnerID, p.Amount(), p.ID, "payoutId")
	return err
}

// PayableIn is nil when money that a partner earned outside its statements may be paid to it by a method now: reasons CERTIFICATION_MISSING and
// PAYOUT_CURRENCY. The certification stays as it is until the caller's transaction ends.
func (s *Service) PayableIn(ctx context.Context, tx bun.IDB, partner models.ID, method models.PayoutMethod, currency models.Currency) error {
	owner, err := selectPartner(ctx, tx, partner)
	if err == nil {
		_, err = s.fit(ctx, tx, owner, method, currency)
	}
	return err
}

// CreditIn puts money that a partner earned outside its statements into its bonus account, for what subject names, in the caller's transaction, which
// has decided that it may, and returns the transfer.
func (s *Service) CreditIn(ctx context.Context, tx bun.IDB, who models.Principal, partner, subject models.ID, amount models.Money) (models.ID, error) {
	owner, err := selectPartner(ctx, tx, partner)
	if err != nil {
		return "", err
	}
	return s.creditIn(ctx, tx, who, owner.Cloud, partner, amount, subject, "paymentId")
}

// creditIn credits the bonus account from the outside world, and tells what for under a name.
func (s *Service) creditIn(ctx context.Context, tx bun.IDB, who models.Principal, cloud string, partner models.ID, amount models.Money, subject models.ID, named string) (models.ID, error) {
	floor := int64(0)
	outside, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: models.OwnerCloud, OwnerID: cloud, Kind: models.AccountWorld, Asset: string(amount.Currency),
	})
	if err != nil {
		return "", err
	}
	bonus, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: models.OwnerPartner, OwnerID: string(partner), Kind: models.AccountBonus, Asset: string(amount.Currency), Floor: &floor,
	})
	if err != nil {
		return "", err
	}
	transfer, _, err := s.Ledger.Post(ctx, tx, who, ledger.Posting{
		Kind: models.TransferIncentive, SubjectID: subject, Legs: []ledger.Leg{
			{AccountID: outside.ID, AmountMinor: -amount.Minor}, {AccountID: bonus.ID, AmountMinor: amount.Minor},
		},
	})
	if err != nil {
		return "", err
	}
	accounts, err := s.Ledger.Accounts(ctx, tx, []string{string(partner)}, models.MoneyKinds()...)
	if err != nil {
		return "", err
	}
	return transfer.ID, s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventBalanceChanged, PartnerID: partner, SubjectID: string(partner), Fields: []string{"balance"},
		Data: map[string]any{
			"transferId": transfer.ID, "kind": transfer.Kind, named: subject, "amount": amount.Plain(), "currency": amount.Currency,
			"version": models.BalanceOf(accounts, amount.Currency, s.now()).Version,
		},
	})
}
