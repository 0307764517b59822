package models_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
)

// TestPayoutsMoveAsTheyMay names every move that there is, by method; every other one is refused and changes nothing.
func TestPayoutsMoveAsTheyMay(t *testing.T) {
	t.Parallel()
	invoiced := []string{
		"TO_SUBMIT>PROCESSING", "TO_SUBMIT>WITHDRAWN", "PROCESSING>TO_SUBMIT", "PROCESSING>WITHDRAWN", "PROCESSING>PARTNER_INVOICING",
		"PARTNER_INVOICING>INVOICE_REVIEW", "PARTNER_INVOICING>WITHDRAWN", "INVOICE_REVIEW>PARTNER_INVOICING", "INVOICE_REVIEW>COUNTERSIGNING",
		"COUNTERSIGNING>COUNTERSIGN_REJECTED", "COUNTERSIGNING>AWAITING_PAYMENT_REQUEST", "COUNTERSIGN_REJECTED>COUNTERSIGNING",
		"COUNTERSIGN_REJECTED>INVOICE_REVIEW", "COUNTERSIGN_REJECTED>WITHDRAWN", "AWAITING_PAYMENT_REQUEST>PAYMENT_APPROVAL",
		"AWAITING_PAYMENT_REQUEST>PAYMENT_ORDER_FAILED", "PAYMENT_ORDER_FAILED>PAYMENT_APPROVAL", "PAYMENT_APPROVAL>PAID", "PAYMENT_APPROVAL>PAYMENT_ORDER_FAILED",
	}
	replaced := func(all []string, changes map[string]string) (rest []string) {
		for _, move := range all {
			if other, changed := changes[move]; !changed {
				rest = append(rest, move)
			} else if other != "" {
				rest = append(rest, other)
			}
		}
		return rest
	}
	want := map[models.PayoutMethod][]string{
		models.PayoutBank: invoiced, models.PayoutAccount: invoiced,
		models.PayoutInvoiceDebt: replaced(invoiced, map[string]string{"PROCESSING>PARTNER_INVOICING": "PROCESSING>AWAITING_PAYMENT_REQUEST"}),
		models.PayoutQuota: replaced(invoiced, map[string]string{
			"PROCESSING>PARTNER_INVOICING": "PROCESSING>PAYMENT_APPROVAL", "PAYMENT_APPROVAL>PAID": "PAYMENT_APPROVAL>QUOTA_ISSUED",
			"PAYMENT_APPROVAL>PAYMENT_ORDER_FAILED": "",
		}),
	}
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for method, moves := range want {
		for _, from := range models.PayoutStates() {
			for _, to := range models.PayoutStates() {
				p := models.PayoutRequest{Method: method, State: from}
				err := p.Become(to, now)
				if allowed := slices.Contains(moves, fmt.Sprintf("%s>%s", from, to)); allowed != (err == nil) {
					t.Errorf("%s: %s to %s: %v", method, from, to, err)
				}
				if err != nil && (models.ReasonOf(err) != "PAYOUT_STATE" || p.State != from || p.EndedAt != nil) {
					t.Errorf("%s: %s to %s: %v leaves %+v", method, from, to, err, p)
				}
			}
		}
	}
}

// TestStepsOfPayoutsKnowTheirStates: each step is possible from these states and from no other.
func TestStepsOfPayoutsKnowTheirStates(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	invoices := []models.PayoutInvoice{{Number: "1", AmountMinor: 100, Currency: models.CNY}}
	steps := map[string]struct {
		take func(*models.PayoutRequest) error
		from []models.PayoutState
	}{
		"submit":  {func(p *models.PayoutRequest) error { return p.Submit(now) }, []models.PayoutState{models.PayoutToSubmit, models.PayoutCountersignRefused}},
		"invoice": {func(p *models.PayoutRequest) error { return p.Invoice(invoices, now) }, []models.PayoutState{models.PayoutInvoicing, models.PayoutCountersignRefused}},
		"review":  {func(p *models.PayoutRequest) error { return p.Review(now) }, []models.PayoutState{models.PayoutProcessing, models.PayoutInvoiceReview}},
		"reject": {func(p *models.PayoutRequest) error { return p.Reject(models.PayoutRejectedOther, "why", now) },
			[]models.PayoutState{models.PayoutProcessing, models.PayoutInvoiceReview}},
		"countersign": {func(p *models.PayoutRequest) error { return p.Countersign(now) }, []models.PayoutState{models.PayoutCountersigning}},
		"refuse": {func(p *models.PayoutRequest) error {
			return p.RefuseCountersign(models.PayoutRejectedOther, "why", now)
		},
			[]models.PayoutState{models.PayoutCountersigning}},
		"order": {func(p *models.PayoutRequest) error { return p.RequestPayment("PO-1", now) }, []models.PayoutState{models.PayoutAwaitingRequest, models.PayoutOrderFailed}},
		"fail": {func(p *models.PayoutRequest) error { return p.FailPayment("why", now) },
			[]models.PayoutState{models.PayoutAwaitingRequest, models.PayoutPaymentApproval}},
		"pay": {func(p *models.PayoutRequest) error { return p.Pay("R-1", now) }, []models.PayoutState{models.PayoutPaymentApproval}},
	}
	for name, step := range steps {
		for _, state := range models.PayoutStates() {
			p := models.PayoutRequest{Method: models.PayoutBank, State: state, AmountMinor: 100, Currency: models.CNY}
			if err := step.take(&p); (err == nil) != slices.Contains(step.from, state) || err != nil && models.ReasonOf(err) != "PAYOUT_STATE" {
				t.Errorf("%s when %s: %v", name, state, err)
			}
		}
	}
	p := models.PayoutRequest{Method: models.PayoutBank, State: models.PayoutInvoicing, AmountMinor: 101, Currency: models.CNY}
	if err := p.Invoice(invoices, now); models.ReasonOf(err) != "INVOICE_SUM" || p.State != models.PayoutInvoicing {
		t.Errorf("a cent less: %v", err)
	}
	if err := p.Invoice(append(invoices, models.PayoutInvoice{Number: "1", AmountMinor: 1}), now); models.ReasonOf(err) != "INVOICE_TWICE" {
		t.Errorf("a number twice: %v", err)
	}
}

func TestCertificationsMoveAsTheyMay(t *testing.T) {
	t.Parallel()
	want := []string{
		"REVIEWING>CONFIRMING", "REVIEWING>REJECTED", "CONFIRMING>CERTIFIED", "CONFIRMING>LOCKED", "CONFIRMING>REJECTED", "LOCKED>CONFIRMING",
		"LOCKED>REJECTED", "CERTIFIED>REPLACED", "CERTIFIED>REJECTED",
	}
	var got []string
	for _, from := range models.CertificationStates() {
		for _, to := range models.CertificationStates() {
			if from.CanBecome(to) {
				got = append(got, fmt.Sprintf("%s>%s", from, to))
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
}

func closed(id string, period models.BillingCycle, minor int64) models.IncentiveStatement {
	return models.IncentiveStatement{ID: models.ID(id), Period: period, Currency: models.CNY, TotalMinor: minor}
}

func TestPayoutsArePlanned(t *testing.T) {
	t.Parallel()
	august, september, october := closed("ist_8", "2026-08", 60_000), closed("ist_9", "2026-09", -20_000), closed("ist_10", "2026-10", 70_000)
	open := []models.IncentiveStatement{august, september, october}
	carried := map[models.ID]bool{"ist_8": true}
	for name, tt := range map[string]struct {
		open    []models.IncentiveStatement
		chosen  []models.ID
		method  models.PayoutMethod
		refused string
		want    [3]int64 // amount, carried over, offset
		parts   string
	}{
		"all, in money":            {open, nil, models.PayoutBank, "", [3]int64{110_000, 60_000, 20_000}, "ist_8 CARRIED_OVER, ist_9 OFFSET, ist_10 DUE"},
		"one, as a quota":          {open, []models.ID{"ist_10"}, models.PayoutQuota, "", [3]int64{50_000, 0, 20_000}, "ist_9 OFFSET, ist_10 DUE"},
		"one, in money":            {open, []models.ID{"ist_10"}, models.PayoutAccount, "BELOW_MINIMUM", [3]int64{}, "ist_9 OFFSET, ist_10 DUE"},
		"the very minimum":         {[]models.IncentiveStatement{closed("ist_1", "2026-01", 100_000)}, nil, models.PayoutInvoiceDebt, "", [3]int64{100_000, 0, 0}, "ist_1 DUE"},
		"a cent less":              {[]models.IncentiveStatement{closed("ist_1", "2026-01", 99_999)}, nil, models.PayoutInvoiceDebt, "BELOW_MINIMUM", [3]int64{}, "ist_1 DUE"},
		"less than nothing":        {[]models.IncentiveStatement{september}, nil, models.PayoutQuota, "NOTHING_TO_PAY", [3]int64{}, "ist_9 OFFSET"},
		"nothing at all":           {nil, nil, models.PayoutQuota, "NOTHING_TO_PAY", [3]int64{}, ""},
		"one that is not open":     {open, []models.ID{"ist_11"}, models.PayoutQuota, "statementIds", [3]int64{}, ""},
		"one that comes to naught": {[]models.IncentiveStatement{october, closed("ist_7", "2026-07", 0)}, []models.ID{"ist_10"}, models.PayoutQuota, "", [3]int64{70_000, 0, 0}, "ist_7 DUE, ist_10 DUE"},
	} {
		payout, parts, err := models.PlanPayout(tt.open, tt.chosen, tt.method, carried)
		refused := models.ReasonOf(err)
		if ours := models.AsError(err); ours != nil && refused == "" {
			refused = ours.Field
		}
		var said string
		for i, part := range parts {
			if i > 0 {
				said += ", "
			}
			said += fmt.Sprintf("%s %s", part.StatementID, part.Part)
		}
		if got := [3]int64{payout.AmountMinor, payout.CarriedMinor, payout.OffsetMinor}; refused != tt.refused || got != tt.want || said != tt.parts {
			t.Errorf("%s: %v %v of %s, want %q %v of %s", name, err, got, said, tt.refused, tt.want, tt.parts)
		}
	}
}

// TestPlansAddUp: whatever is open and chosen, a plan pays the statements that it takes, to the cent, and takes every negative one.
func TestPlansAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var open []models.IncentiveStatement
		var chosen []models.ID
		carried := map[models.ID]bool{}
		for i := range rapid.IntRange(0, 12).Draw(rt, "statements") {
			one := closed(fmt.Sprintf("ist_%02d", i), models.BillingCycle(fmt.Sprintf("2026-%02d", i+1)), rapid.Int64Range(-150_000, 300_000).Draw(rt, "total"))
			open = append(open, one)
			carried[one.ID] = rapid.Bool().Draw(rt, "carried")
			if rapid.Bool().Draw(rt, "chosen") {
				chosen = append(chosen, one.ID)
			}
		}
		method := rapid.SampledFrom([]models.PayoutMethod{models.PayoutQuota, models.PayoutBank, models.PayoutAccount, models.PayoutInvoiceDebt}).Draw(rt, "method")
		payout, parts, err := models.PlanPayout(open, chosen, method, carried)
		var sum, positive, negative int64
		for _, one := range open {
			if at := slices.IndexFunc(parts, func(p models.PayoutStatement) bool { return p.StatementID == one.ID }); at >= 0 {
				sum += one.TotalMinor
				positive += max(one.TotalMinor, 0)
				negative += min(one.TotalMinor, 0)
			} else if one.TotalMinor <= 0 {
				rt.Fatalf("%s is left out", one.ID)
			} else if chosen == nil || slices.Contains(chosen, one.ID) {
				rt.Fatalf("%s was chosen", one.ID)
			}
		}
		var refusal *models.Error
		switch {
		case sum <= 0:
			if models.ReasonOf(err) != "NOTHING_TO_PAY" {
				rt.Fatalf("%d: %v", sum, err)
			}
		case method.Cash() && sum < 100_000:
			if models.ReasonOf(err) != "BELOW_MINIMUM" {
				rt.Fatalf("%d: %v", sum, err)
			}
		case errors.As(err, &refusal):
			rt.Fatalf("%d: %v", sum, err)
		case payout.AmountMinor != sum || payout.OffsetMinor != -negative || payout.CarriedMinor > positive:
			rt.Fatalf("%+v of %d", payout, sum)
		}
	})
}
