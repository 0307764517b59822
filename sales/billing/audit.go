package billing

import (
	"context"
	"fmt"

	"github.com/partnergraph/partnergraph/store"
)

// Report is what an audit of bills found: how many rows break what.
type Report struct {
	WrongMonths int // monthly sums that are not those of their lines and of what was paid of these since
	WrongTotals int // totals that are not those of the monthly sums
}

// Breaches returns how many rows are not as they should be; 0 means that bills are sound.
func (r Report) Breaches() int { return r.WrongMonths + r.WrongTotals }

// Audit proves from the rows alone what no constraint of the database does, each with one statement, and so in one snapshot: it may run while
// use is settled. It reads every bill line, so it is for tests, for operators and for the night.
func (s *Service) Audit(ctx context.Context) (Report, error) {
	var r Report
	for _, check := range []struct {
		name  string
		into  *int
		query string
	}{
		{"months", &r.WrongMonths, auditMonths}, {"totals", &r.WrongTotals, auditTotals},
	} {
		if err := s.DB.NewRaw(check.query).Scan(ctx, check.into); err != nil {
			return Report{}, fmt.Errorf("audit of bills, %s: %w", check.name, store.Translate(err))
		}
	}
	return r, nil
}

const (
	notZero = `HAVING SUM(lines) <> 0 OR SUM(discount_minor) <> 0 OR SUM(payable_minor) <> 0 OR SUM(cash_minor) <> 0 OR SUM(credit_minor) <> 0
			OR SUM(coupon_minor) <> 0 OR SUM(debt_minor) <> 0 OR SUM(debt_paid_minor) <> 0`

	auditMonths = `SELECT COUNT(*) FROM (
		SELECT customer_id FROM (
			SELECT customer_id, partner_id, mode, cycle, service_type, currency, lines, discount_minor, payable_minor, cash_minor, credit_minor, coupon_minor, debt_minor, debt_paid_minor
			FROM bill_months
			UNION ALL
			SELECT customer_id, COALESCE(partner_id, ''), COALESCE(mode, ''), cycle, service_type, currency, -1, -discount_minor, -payable_minor, -cash_minor, -credit_minor, -coupon_minor, -debt_minor, 0
			FROM bill_lines WHERE billed_at IS NOT NULL
			UNION ALL
			SELECT b.customer_id, COALESCE(b.partner_id, ''), COALESCE(b.mode, ''), b.cycle, b.service_type, b.currency, 0, 0, 0, 0, 0, 0, 0, -p.cash_minor - p.credit_minor
			FROM bill_debt_payments AS p JOIN bill_lines AS b ON b.id = p.line_id) AS kept_and_raw
		GROUP BY customer_id, partner_id, mode, cycle, service_type, currency ` + notZero + `) AS breaches`

	auditTotals = `SELECT COUNT(*) FROM (
		SELECT partner_id FROM (
			SELECT partner_id, mode, cycle, service_type, currency, lines, discount_minor, payable_minor, cash_minor, credit_minor, coupon_minor, debt_minor, debt_paid_minor
			FROM bill_months
			UNION ALL
			SELECT partner_id, mode, cycle, service_type, currency, -lines, -discount_minor, -payable_minor, -cash_minor, -credit_minor, -coupon_minor, -debt_minor, -debt_paid_minor
			FROM bill_totals) AS months_and_totals
		GROUP BY partner_id, mode, cycle, service_type, currency ` + notZero + `) AS breaches`
)
