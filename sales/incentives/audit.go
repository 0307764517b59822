package incentives

import (
	"context"
	"fmt"

	"github.com/partnergraph/partnergraph/store"
)

// Report is what an audit of performance found: how many rows break what.
type Report struct {
	LostLines   int // lines whose bill line, customer, partner, reseller or policy does not exist, or whose bill line is another customer's
	WrongMonths int // monthly sums that are not those of their lines
	WrongTotals int // totals that are not those of the monthly sums
}

// Breaches returns how many rows are not as they should be; 0 means that performance is sound.
func (r Report) Breaches() int { return r.LostLines + r.WrongMonths + r.WrongTotals }

// Audit proves from the rows alone what no constraint of the database does, each with one statement, and so in one snapshot: it may run while
// consumption is counted. It reads every performance line, so it is for tests, for operators and for the night.
func (s *Service) Audit(ctx context.Context) (Report, error) {
	var r Report
	for _, check := range []struct {
		name  string
		into  *int
		query string
	}{
		{"lines", &r.LostLines, auditLines}, {"months", &r.WrongMonths, auditMonths}, {"totals", &r.WrongTotals, auditTotals},
	} {
		if err := s.DB.NewRaw(check.query).Scan(ctx, check.into); err != nil {
			return Report{}, fmt.Errorf("audit of performance, %s: %w", check.name, store.Translate(err))
		}
	}
	return r, nil
}

const (
	auditLines = `SELECT COUNT(*) FROM performance_lines AS pfl
		LEFT JOIN bill_lines AS b ON b.id = pfl.bill_line_id LEFT JOIN customers AS c ON c.id = pfl.customer_id
		LEFT JOIN partners AS p ON p.id = pfl.partner_id LEFT JOIN partners AS r ON r.id = pfl.reseller_id
		LEFT JOIN incentive_policies AS i ON i.id = pfl.policy_id
		WHERE b.id IS NULL OR c.id IS NULL OR p.id IS NULL OR b.customer_id <> pfl.customer_id
			OR pfl.reseller_id IS NOT NULL AND r.id IS NULL OR pfl.policy_id IS NOT NULL AND i.id IS NULL`

	auditMonths = `SELECT COUNT(*) FROM (
		SELECT partner_id FROM (
			SELECT partner_id, period, customer_id, reseller_id, mode, service_type, currency, policy_id, rule, lines, amount_minor, counted_minor FROM performance_months
			UNION ALL
			SELECT partner_id, period, customer_id, COALESCE(reseller_id, ''), mode, service_type, currency, COALESCE(policy_id, ''), rule, -1, -amount_minor, -counted_minor
			FROM performance_lines) AS kept_and_raw
		GROUP BY partner_id, period, customer_id, reseller_id, mode, service_type, currency, policy_id, rule
		HAVING SUM(lines) <> 0 OR SUM(amount_minor) <> 0 OR SUM(counted_minor) <> 0) AS breaches`

	auditTotals = `SELECT COUNT(*) FROM (
		SELECT partner_id FROM (
			SELECT partner_id, period, reseller_id, mode, service_type, currency, lines, amount_minor, counted_minor FROM performance_months
			UNION ALL
			SELECT partner_id, period, reseller_id, mode, service_type, currency, -lines, -amount_minor, -counted_minor FROM performance_totals) AS months_and_totals
		GROUP BY partner_id, period, reseller_id, mode, service_type, currency
		HAVING SUM(lines) <> 0 OR SUM(amount_minor) <> 0 OR SUM(counted_minor) <> 0) AS breaches`
)
