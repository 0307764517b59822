package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"maps"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/payouts"
)

// payouts gives the partner a certification, and a payout of statements of its own: a provider's became a quota.
func (w *World) payouts(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	w.paidOut++
	certified := w.Certified(t, o)
	w.text(certified.CardLastFour, certified.ID)
	// Of their own: taking part in next would move every amount after them.
	w.Earned(t, o, "2026-08", 1_100_000+70_001*w.paidOut*w.paidOut, models.StatementIssuing)
	w.Earned(t, o, "2026-09", 2_300_000+100_003*w.paidOut*w.paidOut, models.StatementIssuing)
	method := models.PayoutBank
	if o.Partner.Kind == models.SolutionProvider {
		method = models.PayoutQuota
	}
	asked, err := w.Payouts.RequestPayout(ctx, selfOf(o), payouts.RequestPayout{Method: method, IdempotencyKey: "payout"})
	must(t, err)
	if method == models.PayoutQuota {
		_, err = w.Payouts.ReviewPayout(ctx, w.who, payouts.ReviewPayout{PayoutID: asked.PayoutRequest.ID, Approve: true})
		must(t, err)
		_, err = w.Payouts.PayPayout(ctx, w.who, payouts.PayPayout{PayoutID: asked.PayoutRequest.ID, Reference: o.Tag + "-paid", IdempotencyKey: o.Tag + "-paid"})
		must(t, err)
		w.text(o.Tag+"-paid", asked.PayoutRequest.ID)
	}
}

// Earned gives a partner a statement of a month that is closed.
func (w *World) Earned(t *testing.T, o *Org, period models.BillingCycle, minor int64, status models.StatementStatus) (written models.IncentiveStatement) {
	t.Helper()
	must(t, w.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) (err error) {
		written, _, err = w.Incentives.Put(ctx, tx, models.IncentiveStatement{
			PartnerID: o.Partner.ID, Period: period, Status: status, Currency: models.CNY, PerformanceMinor: minor, TotalMinor: minor,
		}, []models.IncentiveLine{{
			ServiceType: "hws.service.type.ec2", Currency: models.CNY, PerformanceMinor: minor, Rate: decimal.NewFromInt(1), AmountMinor: minor,
		}})
		return err
	}))
	return written
}

// Certified gives a partner a certification, as a row: to bring a letter for every partner of every world would take long.
func (w *World) Certified(t *testing.T, o *Org) models.CommercialCertification {
	t.Helper()
	now := w.Now()
	row := models.CommercialCertification{
		ID: w.Rooms.IDs(models.PrefixCertification), PartnerID: o.Partner.ID, State: models.CertificationCertified, TaxRate: decimal.New(6, -2), Currency: models.CNY,
		CardLastFour: fmt.Sprintf("PY%02d", w.paidOut), LetterID: "upl_01h455vb4pex5vsknk084sn02q", LetterType: "image/png", LetterExtension: "png",
		LetterDigest: "none", CreatedAt: now, ApprovedAt: &now, CertifiedAt: &now, UpdatedAt: now,
	}
	plain, err := json.Marshal(funds.BankCard{Holder: o.Tag + " holder", Number: "622202000000" + row.CardLastFour, Bank: o.Tag + " bank"})
	must(t, err)
	row.CardSealed = w.Payouts.Seal.Seal(plain, "commercial_certifications.card:"+string(row.ID))
	_, err = w.DB.NewInsert().Model(&row).Exec(t.Context())
	must(t, err)
	return row
}

// indexPayouts learns whose certifications and payouts there are. What is paid out its statements tell.
func (w *World) indexPayouts(ctx context.Context, t *testing.T, orgs map[models.ID]*Org) {
	t.Helper()
	var certifications []models.CommercialCertification
	var requests []models.PayoutRequest
	for _, rows := range []any{&certifications, &requests} {
		must(t, w.DB.NewSelect().Model(rows).Scan(ctx))
	}
	for _, row := range certifications {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
	for _, row := range requests {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
}

// letter brings a bank letter for the partner.
func (w *World) letter(t *testing.T, o *Org) models.ID {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 12, 12))))
	return w.Upload(t, selfOf(o), models.UploadBankLetter, "letter.png", "image/png", b.Bytes())
}

// certifying makes a partner whose certification has come so far: REVIEWING, CONFIRMING or LOCKED.
func (w *World) certifying(t *testing.T, state models.CertificationState) (*Org, models.ID) {
	t.Helper()
	ctx, o := t.Context(), w.rich(t, models.SolutionProvider, nil)
	made, err := w.Payouts.SubmitCertification(ctx, selfOf(o), payouts.SubmitCertification{
		TaxRate: decimal.New(6, -2), Currency: models.CNY, BankLetterID: w.letter(t, o),
		BankCard: funds.BankCard{Holder: "Holder", Number: "6222021234567890", Bank: "Bank"},
	})
	must(t, err)
	id := made.CommercialCertification.ID
	if state == models.CertificationReviewing {
		return o, id
	}
	sent := decimal.New(37, -2)
	_, err = w.Payouts.ReviewCertification(ctx, w.who, payouts.ReviewCertification{CertificationID: id, Approve: true, TestAmount: &sent})
	must(t, err)
	for range models.MaxWrongConfirmations {
		if state == models.CertificationLocked {
			_, err = w.Payouts.ConfirmTestAmount(ctx, selfOf(o), payouts.ConfirmTestAmount{CertificationID: id, Amount: decimal.New(1, -2)})
			if err == nil {
				t.Fatal("apitest: a wrong amount is right")
			}
		}
	}
	return o, id
}

// paying makes a partner with a payout of 2,000.00 by a method that has come so far.
func (w *World) paying(t *testing.T, method models.PayoutMethod, state models.PayoutState) (*Org, models.PayoutRequest) {
	t.Helper()
	ctx, o := t.Context(), w.rich(t, models.SolutionProvider, nil)
	w.Certified(t, o)
	w.Earned(t, o, "2026-09", 200_000, models.StatementIssuing)
	done, err := w.Payouts.RequestPayout(ctx, selfOf(o), payouts.RequestPayout{Method: method, IdempotencyKey: "payout"})
	must(t, err)
	id := done.PayoutRequest.ID
	approve := payouts.ReviewPayout{PayoutID: id, Approve: true}
	for done.PayoutRequest.State != state {
		switch done.PayoutRequest.State {
		case models.PayoutProcessing:
			if state == models.PayoutToSubmit {
				code, text := models.PayoutRejectedOther, "test"
				done, err = w.Payouts.ReviewPayout(ctx, w.who, payouts.ReviewPayout{PayoutID: id, RejectionCode: &code, ReasonText: &text})
				break
			}
			done, err = w.Payouts.ReviewPayout(ctx, w.who, approve)
		case models.PayoutInvoicing:
			done, err = w.Payouts.EnterInvoices(ctx, selfOf(o), payouts.EnterInvoices{
				PayoutID: id, Invoices: []payouts.Invoice{{Number: "1", IssuedOn: "2026-10-20", Amount: decimal.NewFromInt(2000)}},
			})
		case models.PayoutInvoiceReview:
			done, err = w.Payouts.ReviewPayout(ctx, w.who, approve)
		case models.PayoutCountersigning:
			done, err = w.Payouts.CountersignPayout(ctx, w.who, approve)
		case models.PayoutAwaitingRequest:
			done, err = w.Payouts.RequestPayment(ctx, w.who, payouts.RequestPayment{PayoutID: id, PaymentOrder: "PO-1"})
		default:
			t.Fatalf("apitest: a payout does not become %s on its way", state)
		}
		must(t, err)
	}
	return o, done.PayoutRequest
}

// payoutMutations are those of payouts that take a key.
func payoutMutations() map[string]MoneyMutation {
	return map[string]MoneyMutation{
		"requestPayout": {
			Selection: "{payoutRequest{id state method amount{amount}}}", Event: models.EventPayoutRequested, NoDebit: "it moves nothing: payPayout does",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				o := w.rich(t, models.SolutionProvider, nil)
				w.Earned(t, o, "2026-09", 100, models.StatementIssuing)
				return always(o.Key, map[string]any{"method": models.PayoutQuota}, "currency", models.CNY)
			},
		},
		"payPayout": {
			Selection: "{payoutRequest{id state amount{amount} reference}}", NoDebit: "its value comes from outside",
			Prepare: func(t *testing.T, w *World, calls int) MoneyCalls {
				return over(w.OperatorKey, "payoutId", several(calls+1, func() models.ID {
					_, made := w.paying(t, models.PayoutInvoiceDebt, models.PayoutPaymentApproval)
					return made.ID
				}), map[string]any{"reference": "R-1"})
			},
		},
	}
}

// payoutCalls are those of payouts and certifications that move no value.
func payoutCalls() calls {
	certification := func(state models.CertificationState, own bool, more map[string]any) func(*testing.T, *Server, *World) Call {
		return func(t *testing.T, _ *Server, w *World) Call {
			o, id := w.certifying(t, state)
			input := map[string]any{"certificationId": id}
			maps.Copy(input, more)
			if own {
				return Call{o.Key, input}
			}
			return Call{w.OperatorKey, input}
		}
	}
	payout := func(state models.PayoutState, own bool, more map[string]any) func(*testing.T, *Server, *World) Call {
		return func(t *testing.T, _ *Server, w *World) Call {
			o, made := w.paying(t, models.PayoutBank, state)
			input := map[string]any{"payoutId": made.ID}
			maps.Copy(input, more)
			if own {
				return Call{o.Key, input}
			}
			return Call{w.OperatorKey, input}
		}
	}
	yes := map[string]any{"approve": true}
	return calls{
		"submitCommercialCertification": func(t *testing.T, _ *Server, w *World) Call {
			o := w.rich(t, models.SolutionProvider, nil)
			w.Certified(t, o)
			return Call{o.Key, map[string]any{
				"taxRate": "0.06", "currency": "CNY", "bankLetterId": w.letter(t, o), "bankCard": map[string]any{"holder": "Holder", "number": "6222021234567890", "bank": "Bank"},
			}}
		},
		"confirmCertificationAmount":    certification(models.CertificationConfirming, true, map[string]any{"amount": "0.37"}),
		"reviewCommercialCertification": certification(models.CertificationReviewing, false, map[string]any{"approve": true, "testAmount": "0.37"}),
		"unlockCommercialCertification": certification(models.CertificationLocked, false, nil),
		"downloadBankLetter":            certification(models.CertificationReviewing, false, nil),
		"setPayoutPreference": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.rich(t, models.SolutionProvider, nil).Key, map[string]any{"method": models.PayoutAccount}}
		},
		"submitPayout": payout(models.PayoutToSubmit, true, nil),
		"enterPayoutInvoices": payout(models.PayoutInvoicing, true, map[string]any{
			"invoices": []map[string]any{{"number": "1", "issuedOn": "2026-10-20", "amount": "2000.00"}},
		}),
		"withdrawPayout":       payout(models.PayoutProcessing, true, nil),
		"reviewPayout":         payout(models.PayoutInvoiceReview, false, yes),
		"countersignPayout":    payout(models.PayoutCountersigning, false, yes),
		"requestPayoutPayment": payout(models.PayoutAwaitingRequest, false, map[string]any{"paymentOrder": "PO-1"}),
		"failPayoutPayment":    payout(models.PayoutPaymentApproval, false, map[string]any{"reasonText": "test"}),
	}
}
