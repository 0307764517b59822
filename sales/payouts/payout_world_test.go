package payouts_test

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/sales/payouts"
)

// earned gives a partner a statement whose month is closed, in a state.
func (w *world) earned(p models.Partner, period models.BillingCycle, minor int64, status models.StatementStatus) models.IncentiveStatement {
	w.t.Helper()
	return w.earnedIn(p, period, models.CNY, minor, status)
}

func (w *world) earnedIn(p models.Partner, period models.BillingCycle, currency models.Currency, minor int64, status models.StatementStatus) (written models.IncentiveStatement) {
	w.t.Helper()
	w.must(w.DB.InTx(w.t.Context(), func(ctx context.Context, tx bun.Tx) (err error) {
		written, _, err = w.Incentives.Put(ctx, tx, models.IncentiveStatement{
			PartnerID: p.ID, Period: period, Status: status, Currency: currency, PerformanceMinor: minor, TotalMinor: minor,
		}, []models.IncentiveLine{{ServiceType: "ecs", Currency: currency, PerformanceMinor: minor, Rate: decimal.NewFromInt(1), AmountMinor: minor}})
		return err
	}))
	return written
}

// confirmed is earned, and confirmed by the partner.
func (w *world) confirmed(p models.Partner, period models.BillingCycle, minor int64) models.IncentiveStatement {
	w.t.Helper()
	statement := w.earned(p, period, minor, models.StatementToConfirm)
	done, err := w.Incentives.Confirm(w.t.Context(), as(p), incentives.ConfirmStatement{StatementID: statement.ID})
	w.must(err)
	return done.IncentiveStatement
}

func (w *world) key() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serial++
	return fmt.Sprint("key-", w.serial)
}

func (w *world) request(p models.Partner, method models.PayoutMethod, statements ...models.ID) (models.PayoutRequest, error) {
	done, err := w.RequestPayout(w.t.Context(), as(p), payouts.RequestPayout{Method: method, StatementIDs: statements, IdempotencyKey: w.key()})
	return done.PayoutRequest, err
}

// steps are all that can happen to a payout once it was asked for, by name.
func (w *world) steps() map[string]func(who models.Principal, p models.PayoutRequest) error {
	ctx := w.t.Context()
	just := func(_ payouts.PayoutChange, err error) error { return err }
	refusal := func(p models.PayoutRequest) payouts.ReviewPayout {
		return payouts.ReviewPayout{PayoutID: p.ID, RejectionCode: ptr(models.PayoutRejectedInvoice), ReasonText: ptr("The stamp is missing.")}
	}
	return map[string]func(models.Principal, models.PayoutRequest) error{
		"submit": func(who models.Principal, p models.PayoutRequest) error {
			return just(w.SubmitPayout(ctx, who, payouts.PayoutCommand{PayoutID: p.ID}))
		},
		"withdraw": func(who models.Principal, p models.PayoutRequest) error {
			return just(w.WithdrawPayout(ctx, who, payouts.PayoutCommand{PayoutID: p.ID}))
		},
		"invoice": func(who models.Principal, p models.PayoutRequest) error {
			invoices := []payouts.Invoice{{Number: "INV-1", IssuedOn: "2026-11-19", Amount: amount("0.01")}}
			if rest := p.AmountMinor - 1; rest > 0 {
				invoices = append(invoices, payouts.Invoice{Number: "INV-2", IssuedOn: "2026-11-20", Amount: models.NewMoney(rest, p.Currency).Amount()})
			}
			return just(w.EnterInvoices(ctx, who, payouts.EnterInvoices{PayoutID: p.ID, Invoices: invoices}))
		},
		"approve": func(who models.Principal, p models.PayoutRequest) error {
			return just(w.ReviewPayout(ctx, who, payouts.ReviewPayout{PayoutID: p.ID, Approve: true}))
		},
		"reject": func(who models.Principal, p models.PayoutRequest) error {
			return just(w.ReviewPayout(ctx, who, refusal(p)))
		},
		"sign": func(who models.Principal, p models.PayoutRequest) error {
			return just(w.CountersignPayout(ctx, who, payouts.ReviewPayout{PayoutID: p.ID, Approve: true}))
		},
		"refuse": func(who models.Principal, p models.PayoutRequest) error {
			return just(w.CountersignPayout(ctx, who, refusal(p)))
		},
		"order": func(who models.Principal, p models.PayoutRequest) error {
			return just(w.RequestPayment(ctx, who, payouts.RequestPayment{PayoutID: p.ID, PaymentOrder: "PO-1"}))
		},
		"fail": func(who models.Principal, p models.PayoutRequest) error {
			return just(w.FailPayment(ctx, who, payouts.FailPayment{PayoutID: p.ID, ReasonText: "The account is closed."}))
		},
		"pay": func(who models.Principal, p models.PayoutRequest) error {
			return just(w.PayPayout(ctx, who, payouts.PayPayout{PayoutID: p.ID, Reference: "R-1", IdempotencyKey: w.key()}))
		},
	}
}

// ofPartners are the steps that the partner takes; operators take the others.
func ofPartners(step string) bool { return step == "submit" || step == "withdraw" || step == "invoice" }

// take takes steps in order, each as whoever may, and returns the payout as it is then.
func (w *world) take(p models.Partner, payout models.PayoutRequest, names ...string) models.PayoutRequest {
	w.t.Helper()
	for _, name := range names {
		who := operator()
		if ofPartners(name) {
			who = as(p)
		}
		if err := w.steps()[name](who, payout); err != nil {
			w.t.Fatalf("%s: %v", name, err)
		}
	}
	return w.payout(payout.ID)
}

func (w *world) payout(id models.ID) models.PayoutRequest {
	w.t.Helper()
	found, err := w.PayoutsByIDs(w.t.Context(), operator(), []models.ID{id})
	w.must(err)
	return found[id]
}

func (w *world) statement(id models.ID) models.IncentiveStatement {
	w.t.Helper()
	found, err := w.Incentives.StatementsByIDs(w.t.Context(), operator(), []models.ID{id})
	w.must(err)
	return found[id]
}

// bonus is what is in a partner's bonus account.
func (w *world) bonus(p models.Partner) (minor int64) {
	w.t.Helper()
	accounts, err := w.Ledger.Accounts(w.t.Context(), w.DB, []string{string(p.ID)}, models.AccountBonus)
	w.must(err)
	for _, account := range accounts {
		minor += account.BalanceMinor
	}
	return minor
}

// sound fails the test when the ledger breaks an invariant.
func (w *world) sound() {
	w.t.Helper()
	report, err := w.Ledger.Audit(w.t.Context())
	w.must(err)
	if report.Breaches() != 0 {
		w.t.Errorf("%+v", report)
	}
}

// told are the types of the events about something, in order.
func (w *world) told(subject models.ID) (types []models.EventType) {
	w.t.Helper()
	w.must(w.DB.NewSelect().Model((*models.Event)(nil)).Column("ev.type").Where("ev.subject_id = ?", subject).Order("ev.id").Scan(w.t.Context(), &types))
	return types
}
