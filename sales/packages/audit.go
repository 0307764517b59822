package packages

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Report is what an audit of packages found: how many rows break what.
type Report struct {
	WrongCycles   int // cycles whose rest is not the item's amount less the usage records, or lies outside of it
	WrongCovers   int // usage records of which packages paid something else than the records of packages say
	WrongPackages int // packages that end at another moment than their resource, while that runs, or belong to somebody else
}

// Breaches returns how many rows are not as they should be; 0 means that packages are sound.
func (r Report) Breaches() int { return r.WrongCycles + r.WrongCovers + r.WrongPackages }

// Audit proves from the rows alone that packages are sound (I9), each check with one statement, and so in one snapshot: it may run while use is reported. Amounts
// are added up here, since not every database has decimals. It reads every cycle, so it is for tests, for operators and for the night.
func (s *Service) Audit(ctx context.Context) (Report, error) {
	var r Report
	var err error
	if r.WrongCycles, err = s.unequal(ctx, auditCycles, func(amount, left, taken decimal.Decimal) bool {
		return left.Equal(amount.Sub(taken)) && !left.IsNegative() && left.LessThanOrEqual(amount)
	}); err != nil {
		return Report{}, fmt.Errorf("audit of packages, cycles: %w", err)
	}
	if r.WrongCovers, err = s.unequal(ctx, auditCovers, func(_, covered, paid decimal.Decimal) bool { return covered.Equal(paid) }); err != nil {
		return Report{}, fmt.Errorf("audit of packages, usage records: %w", err)
	}
	if err := s.DB.NewRaw(auditPackages, models.ResourceClosed).Scan(ctx, &r.WrongPackages); err != nil {
		return Report{}, fmt.Errorf("audit of packages, resources: %w", store.Translate(err))
	}
	return r, nil
}

// unequal counts the groups of rows whose parts do not add up.
func (s *Service) unequal(ctx context.Context, query string, equal func(whole, kept, sum decimal.Decimal) bool) (int, error) {
	rows, err := s.DB.QueryContext(ctx, query)
	if err != nil {
		return 0, store.Translate(err)
	}
	defer func() { _ = rows.Close() }()
	var wrong int
	var name string
	var whole, kept, sum decimal.Decimal
	judge := func() {
		if name != "" && !equal(whole, kept, sum) {
			wrong++
		}
	}
	for rows.Next() {
		var next string
		var all, left, part decimal.Decimal
		if err := rows.Scan(&next, &all, &left, &part); err != nil {
			return 0, store.Translate(err)
		}
		if next != name {
			judge()
			name, whole, kept, sum = next, all, left, decimal.Zero
		}
		sum = sum.Add(part)
	}
	judge()
	return wrong, store.Translate(rows.Err())
}

const (
	auditCycles = `SELECT c.item_id || ' ' || c.starts_at AS name, i.amount, c.remaining, COALESCE(u.amount, '0')
		FROM package_cycles AS c JOIN package_items AS i ON i.id = c.item_id
		LEFT JOIN package_usages AS u ON u.item_id = c.item_id AND u.cycle_starts_at = c.starts_at ORDER BY c.item_id, c.starts_at`

	// What a correction gave back in another measure than it took adds up to nothing with what was taken in that measure.
	auditCovers = `SELECT g.id, '0', g.covered, COALESCE(u.usage_value, '0') FROM usage_records AS g
		LEFT JOIN package_usages AS u ON u.usage_record_id = g.id
		WHERE g.covered <> '0' OR u.id IS NOT NULL ORDER BY g.id`

	auditPackages = `SELECT COUNT(*) FROM resource_packages AS p JOIN resources AS r ON r.id = p.resource_id
		WHERE r.customer_id <> p.customer_id OR COALESCE(r.partner_id, '') <> COALESCE(p.partner_id, '') OR
			r.status <> ? AND (p.unsubscribed_at IS NOT NULL OR r.expires_at IS NOT NULL AND (p.expires_at IS NULL OR r.expires_at <> p.expires_at))`
)
