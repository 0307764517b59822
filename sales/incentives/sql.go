package incentives

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

func visibleStatements(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.IncentiveStatements(db.NewSelect().Model((*models.IncentiveStatement)(nil)), who)
}

// visibleLines starts a query of the lines of visible statements.
func visibleLines(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return db.NewSelect().Model((*models.IncentiveLine)(nil)).Where("isl.statement_id IN (?)", visibleStatements(db, who).Column("ist.id"))
}

func filtered(db bun.IDB, who models.Principal, filter StatementFilter) *bun.SelectQuery {
	q := visibleStatements(db, who)
	if filter.PartnerID != nil {
		q = q.Where("ist.partner_id = ?", *filter.PartnerID)
	}
	if filter.Period != nil {
		q = q.Where("ist.period = ?", *filter.Period)
	}
	switch {
	case filter.Status == nil:
	case len(filter.Status) == 0:
		q = q.Where("1 = 0")
	default:
		q = q.Where("ist.status IN (?)", bun.List(filter.Status))
	}
	return q
}

func selectStatements(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]models.IncentiveStatement, error) {
	var rows []models.IncentiveStatement
	err := visibleStatements(db, who).Where("ist.id IN (?)", bun.List(ids)).Scan(ctx, &rows)
	return rows, store.Translate(err)
}

func insertStatement(ctx context.Context, tx bun.IDB, statement *models.IncentiveStatement, lines []models.IncentiveLine) error {
	if _, err := tx.NewInsert().Model(statement).Exec(ctx); err != nil {
		return err
	}
	if len(lines) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&lines).Exec(ctx)
	return err
}

// insertBatch is how many rows one statement writes.
const insertBatch = 500

func insertVersion(ctx context.Context, tx bun.IDB, version models.IncentiveVersion, rules []models.IncentiveRule) error {
	if _, err := tx.NewInsert().Model(&version).Exec(ctx); err != nil {
		return store.Translate(err)
	}
	for batch := range slices.Chunk(rules, insertBatch) {
		if _, err := tx.NewInsert().Model(&batch).Exec(ctx); err != nil {
			return store.Translate(err)
		}
	}
	return nil
}

// selectVersionsUntil reads a cloud's versions that are in force by a moment, newest first.
func selectVersionsUntil(ctx context.Context, db bun.IDB, cloud string, at time.Time) ([]models.IncentiveVersion, error) {
	var rows []models.IncentiveVersion
	err := db.NewSelect().Model(&rows).Where("ipv.cloud = ?", cloud).Where("ipv.effective_at <= ?", at.UTC()).
		Order("ipv.effective_at DESC").Scan(ctx)
	return rows, store.Translate(err)
}

func selectPolicies(ctx context.Context, db bun.IDB, versions []models.ID, months []models.BillingCycle, services []string) (map[policyKey]models.IncentiveRule, error) {
	found := map[policyKey]models.IncentiveRule{}
	if len(versions) == 0 {
		return found, nil
	}
	var rows []models.IncentiveRule
	err := db.NewSelect().Model(&rows).Where("ipl.version_id IN (?)", bun.List(versions)).Where("ipl.month IN (?)", bun.List(months)).
		Where("ipl.service_type IN (?)", bun.List(services)).Scan(ctx)
	for _, row := range rows {
		found[policyKey{row.VersionID, row.ServiceType, row.Month, row.Level, row.Currency}] = row
	}
	return found, store.Translate(err)
}

func selectPoliciesByIDs(ctx context.Context, db bun.IDB, ids []models.ID) (map[models.ID]models.IncentiveRule, error) {
	found := make(map[models.ID]models.IncentiveRule, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	var rows []models.IncentiveRule
	err := db.NewSelect().Model(&rows).Where("ipl.id IN (?)", bun.List(ids)).Scan(ctx)
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, store.Translate(err)
}

// selectPartners reads partners and the distributors of those that are resellers.
func selectPartners(ctx context.Context, db bun.IDB, ids []models.ID) (map[models.ID]models.Partner, error) {
	var rows []models.Partner
	err := db.NewSelect().Model(&rows).Column("p.id", "p.kind", "p.level", "p.state", "p.parent_id").
		Where("(p.id IN (?) OR p.id IN (SELECT r.parent_id FROM partners AS r WHERE r.id IN (?)))", bun.List(ids), bun.List(ids)).Scan(ctx)
	found := make(map[models.ID]models.Partner, len(rows))
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, store.Translate(err)
}

// selectBases reads what bill lines counted when they were billed, by bill line.
func selectBases(ctx context.Context, db bun.IDB, ids []models.ID) (map[models.ID]models.PerformanceLine, error) {
	found := make(map[models.ID]models.PerformanceLine, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	var rows []models.PerformanceLine
	err := db.NewSelect().Model(&rows).Where("pfl.bill_line_id IN (?)", bun.List(ids)).Order("pfl.id DESC").Scan(ctx)
	pinned := map[models.ID]bool{}
	for _, row := range rows {
		if row.Cause == models.CauseMovedOut || pinned[row.BillLineID] {
			continue
		}
		found[row.BillLineID] = row // the oldest stays, unless it has moved: whoever has it now does
		pinned[row.BillLineID] = row.Cause == models.CauseMovedIn
	}
	return found, store.Translate(err)
}

// selectStatementsForShare reads the states of statements and keeps them from changing until the transaction ends.
func selectStatementsForShare(ctx context.Context, tx bun.IDB, keys []statementKey) (map[statementKey]models.StatementStatus, error) {
	var rows []models.IncentiveStatement
	q := tx.NewSelect().Model(&rows).Column("ist.id", "ist.partner_id", "ist.period", "ist.currency", "ist.status").
		WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			for _, key := range keys {
				q = q.WhereOr("(ist.partner_id = ? AND ist.period = ? AND ist.currency = ? AND ist.origin_id IS NULL)", key.partner, key.period, key.currency)
			}
			return q
		}).Order("ist.partner_id", "ist.period", "ist.currency")
	err := store.ForShare(q).Scan(ctx)
	found := make(map[statementKey]models.StatementStatus, len(rows))
	for _, row := range rows {
		found[statementKey{row.PartnerID, row.Period, row.Currency}] = row.Status
	}
	return found, store.Translate(err)
}

// insertMissing makes statements unless somebody has just made them.
func insertMissing(ctx context.Context, tx bun.IDB, missing []models.IncentiveStatement) error {
	_, err := tx.NewInsert().Model(&missing).On("CONFLICT (partner_id, period, currency) WHERE origin_id IS NULL DO NOTHING").Returning("NULL").Exec(ctx)
	return store.Translate(err)
}

// insertPerformance writes lines and adds them to the monthly sums and their totals.
func insertPerformance(ctx context.Context, tx bun.IDB, lines []models.PerformanceLine) error {
	script, sums := store.NewScript(tx), monthsOf(lines)
	totals := totalsOf(sums)
	script.Insert(&lines)
	script.AddTo(&sums, "lines", "amount_minor", "counted_minor")
	script.AddTo(&totals, "lines", "amount_minor", "counted_minor")
	return store.Translate(script.Exec(ctx))
}

// monthsOf adds lines up by month and what they fall under, in one order, or two transactions could wait for each other.
func monthsOf(lines []models.PerformanceLine) []models.PerformanceMonth {
	sums := make(tally[models.PerformanceMonth], len(lines))
	for _, line := range lines {
		sum := sums.of(models.PerformanceMonth{
			PartnerID: line.PartnerID, Period: line.Period, CustomerID: line.CustomerID, ResellerID: line.ResellerID, Mode: line.Mode,
			ServiceType: line.ServiceType, Currency: line.Currency, PolicyID: line.PolicyID, Rule: line.Rule,
		})
		sum.Lines++
		sum.AmountMinor += line.AmountMinor
		sum.CountedMinor += line.CountedMinor
	}
	return sums.sorted(func(a, b models.PerformanceMonth) int {
		return cmp.Or(cmp.Compare(a.PartnerID, b.PartnerID), cmp.Compare(a.Period, b.Period), cmp.Compare(a.CustomerID, b.CustomerID),
			cmp.Compare(a.ResellerID, b.ResellerID), cmp.Compare(a.Mode, b.Mode), cmp.Compare(a.ServiceType, b.ServiceType), cmp.Compare(a.Currency, b.Currency),
			cmp.Compare(a.PolicyID, b.PolicyID), cmp.Compare(a.Rule, b.Rule))
	})
}

// totalsOf adds sums of customers up, in the order of the totals' key.
func totalsOf(months []models.PerformanceMonth) []models.PerformanceTotal {
	totals := make(tally[models.PerformanceTotal], len(months))
	for _, m := range months {
		total := totals.of(models.PerformanceTotal{
			PartnerID: m.PartnerID, Period: m.Period, ResellerID: m.ResellerID, Mode: m.Mode, ServiceType: m.ServiceType, Currency: m.Currency,
			Part: models.PartOf(m.CustomerID),
		})
		total.Lines += m.Lines
		total.AmountMinor += m.AmountMinor
		total.CountedMinor += m.CountedMinor
	}
	return totals.sorted(func(a, b models.PerformanceTotal) int {
		return cmp.Or(cmp.Compare(a.PartnerID, b.PartnerID), cmp.Compare(a.Period, b.Period), cmp.Compare(a.ResellerID, b.ResellerID),
			cmp.Compare(a.Mode, b.Mode), cmp.Compare(a.ServiceType, b.ServiceType), cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Part, b.Part))
	})
}

// selectEstimated reads ids of statements that are worked out still.
func selectEstimated(ctx context.Context, db bun.IDB, after models.ID, most int64) ([]models.ID, error) {
	var ids []models.ID
	err := db.NewSelect().Model((*models.IncentiveStatement)(nil)).Column("ist.id").Where("ist.status = 'ESTIMATED'").Where("ist.id > ?", after).
		Order("ist.id").Limit(most).Scan(ctx, &ids)
	return ids, store.Translate(err)
}

func selectStatementForUpdate(ctx context.Context, tx bun.IDB, id models.ID) (models.IncentiveStatement, bool, error) {
	return selectVisibleForUpdate(ctx, tx, models.SystemPrincipal("incentives"), id)
}

func selectVisibleForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.IncentiveStatement, bool, error) {
	var rows []models.IncentiveStatement
	err := store.ForUpdate(access.IncentiveStatements(tx.NewSelect().Model(&rows).Where("ist.id = ?", id), who)).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return models.IncentiveStatement{}, false, store.Translate(err)
	}
	return rows[0], true, nil
}

// ofStatement narrows a query of performance lines to those of a statement.
func ofStatement(q *bun.SelectQuery, s models.IncentiveStatement) *bun.SelectQuery {
	return q.Where("pfl.partner_id = ?", s.PartnerID).Where("pfl.period = ?", s.Period).Where("pfl.currency = ?", s.Currency)
}

// sumPerformance adds a statement's performance up by what it falls under, from the monthly sums, which are kept up with the lines: they are as many as
// customers and their services, however much is bought. Recompute reads the lines.
func sumPerformance(ctx context.Context, tx bun.IDB, s models.IncentiveStatement) ([]models.PerformanceGroup, error) {
	var groups []models.PerformanceGroup
	q := tx.NewSelect().Model((*models.PerformanceMonth)(nil)).Column("pfm.policy_id", "pfm.service_type", "pfm.rule")
	for _, column := range []string{"amount_minor", "counted_minor", "lines"} {
		q = q.ColumnExpr("CAST(SUM(pfm.?) AS BIGINT) AS ?", bun.Ident(column), bun.Ident(column))
	}
	err := q.Where("pfm.partner_id = ?", s.PartnerID).Where("pfm.period = ?", s.Period).Where("pfm.currency = ?", s.Currency).
		Group("pfm.policy_id", "pfm.service_type", "pfm.rule").Scan(ctx, &groups)
	slices.SortFunc(groups, asShown)
	return groups, store.Translate(err)
}

// asShown is the order in which a statement shows its groups, the same on every engine.
func asShown(a, b models.PerformanceGroup) int {
	return cmp.Or(cmp.Compare(a.ServiceType, b.ServiceType), cmp.Compare(a.PolicyID, b.PolicyID), cmp.Compare(a.Rule, b.Rule))
}

// eachPerformance reads a statement's performance lines one after the other, in no order.
func eachPerformance(ctx context.Context, db *store.DB, s models.IncentiveStatement, do func(models.PerformanceLine)) (err error) {
	rows, err := ofStatement(db.NewSelect().Model((*models.PerformanceLine)(nil)), s).Rows(ctx)
	if err != nil {
		return store.Translate(err)
	}
	defer func() { err = store.Translate(errors.Join(err, rows.Close())) }()
	for rows.Next() {
		var line models.PerformanceLine
		if err := db.ScanRow(ctx, rows, &line); err != nil {
			return err
		}
		do(line)
	}
	return rows.Err()
}

// replaceLines writes a statement's figures and the lines that explain them in place of those before.
func replaceLines(ctx context.Context, tx bun.IDB, statement models.IncentiveStatement, lines []models.IncentiveLine) error {
	if err := updateStatement(ctx, tx, &statement); err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model((*models.IncentiveLine)(nil)).Where("statement_id = ?", statement.ID).Exec(ctx); err != nil {
		return store.Translate(err)
	}
	for batch := range slices.Chunk(lines, insertBatch) {
		if _, err := tx.NewInsert().Model(&batch).Exec(ctx); err != nil {
			return store.Translate(err)
		}
	}
	return nil
}

func updateStatement(ctx context.Context, tx bun.IDB, statement *models.IncentiveStatement) error {
	_, err := tx.NewUpdate().Model(statement).Column("status", "performance_minor", "total_minor", "updated_at", "closed_at", "confirmed_at",
		"done_at", "reference").WherePK().Exec(ctx)
	return store.Translate(err)
}

func visiblePerformance(db bun.IDB, who models.Principal) *bun.SelectQuery {
	return access.PerformanceLines(db.NewSelect().Model((*models.PerformanceLine)(nil)), who)
}

// selectIssuingForUpdate locks a partner's confirmed statements in one order, or two transactions could wait for each other.
func selectIssuingForUpdate(ctx context.Context, tx bun.IDB, partner models.ID, currency models.Currency) ([]models.IncentiveStatement, error) {
	var rows []models.IncentiveStatement
	err := store.ForUpdate(tx.NewSelect().Model(&rows).Where("ist.partner_id = ?", partner).Where("ist.currency = ?", currency).
		Where("ist.status = ?", models.StatementIssuing).Order("ist.period", "ist.id")).Scan(ctx)
	return rows, store.Translate(err)
}
