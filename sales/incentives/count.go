package incentives

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// CountIn writes what consumptions count for the partners whose customers made them, in the transaction that bills them (N01): one
// performance line each, under the policy that was in force then for the service type, the month and the partner's level; a reseller's for
// its distributor (P14). What gives back or corrects goes to the partner, and under the policy, of what it takes back. Consumption of
// customers without a partner counts for nobody, and so does that of a reseller's while it has no distributor.
//
// A line is in the statement of its month, or in that of the present month when the former is closed. A source, which is always of
// the same bill line, that was counted before breaks the unique index, and with it the transaction: callers bill once.
func (s *Service) CountIn(ctx context.Context, tx bun.IDB, consumed []models.Consumption) error {
	consumed = slices.DeleteFunc(slices.Clone(consumed), func(c models.Consumption) bool { return c.PartnerID == "" })
	if len(consumed) == 0 {
		return nil
	}
	known, err := s.gather(ctx, tx, consumed)
	if err != nil {
		return err
	}
	now := s.now()
	lines := make([]models.PerformanceLine, len(consumed))
	for i, c := range consumed {
		lines[i] = known.line(c)
		lines[i].ID, lines[i].CreatedAt = s.IDs(models.PrefixPerformanceLine), now
	}
	// A reseller's without a distributor counts for nobody.
	lines = slices.DeleteFunc(lines, func(line models.PerformanceLine) bool { return line.PartnerID == "" })
	if len(lines) == 0 {
		return nil
	}
	if err := s.intoStatements(ctx, tx, lines, now); err != nil {
		return err
	}
	return insertPerformance(ctx, tx, lines)
}

// gathered is what consumptions are judged by.
type gathered struct {
	partners map[models.ID]models.Partner
	bases    map[models.ID]models.PerformanceLine // by bill line
	heirs    map[statementKey]models.ID           // of the statements that bases are in and that went to another account
	versions []models.IncentiveVersion            // newest first
	policies map[policyKey]models.IncentiveRule
}

type policyKey struct {
	version     models.ID
	serviceType string
	month       models.BillingCycle
	level       models.PartnerLevel
	currency    models.Currency
}

func (s *Service) gather(ctx context.Context, tx bun.IDB, consumed []models.Consumption) (g gathered, err error) {
	var partners, bases []models.ID
	var services []string
	var months []models.BillingCycle
	last := consumed[0].At
	for _, c := range consumed {
		partners, services, months = append(partners, c.PartnerID), append(services, c.ServiceType), append(months, models.BillingCycleAt(c.At))
		if c.BaseID != "" {
			bases = append(bases, c.BaseID)
		}
		if c.At.After(last) {
			last = c.At
		}
	}
	if g.partners, err = selectPartners(ctx, tx, unique(partners)); err != nil {
		return g, err
	}
	if g.bases, err = selectBases(ctx, tx, unique(bases)); err != nil {
		return g, err
	}
	if g.heirs, err = selectHeirs(ctx, tx, slices.Collect(maps.Values(g.bases))); err != nil {
		return g, err
	}
	if g.versions, err = selectVersionsUntil(ctx, tx, consumed[0].Cloud, last); err != nil {
		return g, err
	}
	var versions []models.ID
	for _, c := range consumed {
		if version, found := g.versionAt(c.At); found {
			versions = append(versions, version)
		}
	}
	g.policies, err = selectPolicies(ctx, tx, unique(versions), unique(months), unique(services))
	return g, err
}

func unique[T cmp.Ordered](values []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

func (g gathered) versionAt(at time.Time) (models.ID, bool) {
	i := slices.IndexFunc(g.versions, func(v models.IncentiveVersion) bool { return !v.EffectiveAt.After(at) })
	if i < 0 {
		return "", false
	}
	return g.versions[i].ID, true
}

// line says what one consumption counts.
func (g gathered) line(c models.Consumption) models.PerformanceLine {
	line := models.PerformanceLine{
		SourceID: c.SourceID, BillLineID: c.LineID, Cause: c.Cause, PartnerID: c.PartnerID, CustomerID: c.CustomerID, Mode: c.Mode,
		ServiceType: c.ServiceType, Period: models.BillingCycleAt(c.At), Currency: c.Currency, AmountMinor: c.PaidMinor, HappenedAt: c.At.UTC(),
	}
	partner := g.partners[c.PartnerID]
	if partner.Kind == models.CloudReseller {
		line.ResellerID, line.PartnerID = partner.ID, partner.ParentID
		partner = g.partners[partner.ParentID]
	}
	if base, counted := g.bases[c.BaseID]; counted {
		line.PartnerID, line.ResellerID, line.Mode = base.PartnerID, base.ResellerID, base.Mode
		line.Rule, line.PolicyID = base.Rule, base.PolicyID
		if heir, moved := g.heirs[keyOf(base)]; moved {
			line.PartnerID = heir
		}
		if line.Rule.Counts() {
			line.CountedMinor = line.AmountMinor
		}
		return line
	}
	var policy *models.IncentiveRule
	if version, found := g.versionAt(c.At); found {
		if one, stated := g.policies[policyKey{version, c.ServiceType, line.Period, partner.Level, c.Currency}]; stated {
			policy, line.PolicyID = &one, one.ID
		}
	}
	line.Rule, line.CountedMinor = models.CountConsumption(c, policy, partner.State)
	return line
}

// statementKey names a statement.
type statementKey struct {
	partner  models.ID
	period   models.BillingCycle
	currency models.Currency
}

func keyOf(l models.PerformanceLine) statementKey {
	return statementKey{l.PartnerID, l.Period, l.Currency}
}

// intoStatements finds the statement of each line, and keeps it open until the transaction ends: whoever closes it waits, and sums up what
// was counted meanwhile. Lines of closed statements go into the present month's.
func (s *Service) intoStatements(ctx context.Context, tx bun.IDB, lines []models.PerformanceLine, now time.Time) error {
	present := models.BillingCycleAt(now)
	open, err := s.openStatements(ctx, tx, lines, now)
	if err != nil {
		return err
	}
	moved := false
	for i := range lines {
		if !open[keyOf(lines[i])] {
			lines[i].Period, moved = present, true
		}
	}
	if !moved {
		return nil
	}
	_, err = s.openStatements(ctx, tx, lines, now)
	return err
}

// openStatements makes the statements that are missing, shares their locks, and says which of them are estimates still.
func (s *Service) openStatements(ctx context.Context, tx bun.IDB, lines []models.PerformanceLine, now time.Time) (map[statementKey]bool, error) {
	named := map[statementKey]bool{}
	for _, line := range lines {
		named[keyOf(line)] = true
	}
	keys := slices.SortedFunc(maps.Keys(named), func(a, b statementKey) int {
		return cmp.Or(cmp.Compare(a.partner, b.partner), cmp.Compare(a.period, b.period), cmp.Compare(a.currency, b.currency))
	})
	found, err := selectStatementsForShare(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	var missing []models.IncentiveStatement
	for _, key := range keys {
		if _, there := found[key]; !there {
			missing = append(missing, models.IncentiveStatement{
				ID: s.IDs(models.PrefixIncentiveStatement), PartnerID: key.partner, Period: key.period, Currency: key.currency,
				Status: models.StatementEstimated, CreatedAt: now, UpdatedAt: now,
			})
		}
	}
	if len(missing) > 0 {
		if err := insertMissing(ctx, tx, missing); err != nil {
			return nil, err
		}
		if found, err = selectStatementsForShare(ctx, tx, keys); err != nil {
			return nil, err
		}
	}
	open := make(map[statementKey]bool, len(keys))
	for key, status := range found {
		open[key] = status == models.StatementEstimated
	}
	return open, nil
}
