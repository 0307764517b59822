package companies

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// insertBatch is how many rows one statement writes.
const insertBatch = 500

// afterEvery sorts behind everything that a term may go on with.
const afterEvery = "\U0010FFFF"

func (f CompanyFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.Search != nil {
		q = q.Where("cmp.id IN (SELECT cmt.company_id FROM company_terms AS cmt WHERE cmt.term >= ? AND cmt.term < ?)", *f.Search, *f.Search+afterEvery)
	}
	q = equals(q, "cmp.country", f.Country)
	q = equals(q, "cmp.registration_number", f.RegistrationNumber)
	q = equals(q, "cmp.status", f.Status)
	q = equals(q, "cmp.industry", f.Industry)
	q = equals(q, "cmp.region", f.Region)
	q = equals(q, "cmp.size", f.Size)
	q = equals(q, "cmp.wallet_thickness", f.WalletThickness)
	return equals(q, "cmp.cloud_activity", f.CloudActivity)
}

func equals[T ~string](q *bun.SelectQuery, column string, value *T) *bun.SelectQuery {
	if value == nil {
		return q
	}
	return q.Where("? = ?", bun.Safe(column), *value)
}

func selectByIDs(ctx context.Context, db bun.IDB, ids []models.ID) ([]models.Company, error) {
	var rows []models.Company
	err := store.Read(ctx, db, db.NewSelect().Model(&rows).Where("cmp.id ?", store.In(ids)), &rows)
	return rows, err
}

func selectByKeys(ctx context.Context, db bun.IDB, keys []string) ([]models.Company, error) {
	var rows []models.Company
	if len(keys) == 0 {
		return nil, nil
	}
	err := store.Read(ctx, db, db.NewSelect().Model(&rows).Where("cmp.key ?", store.In(keys)), &rows)
	return rows, err
}

func selectByKeysForUpdate(ctx context.Context, tx bun.IDB, keys []string) ([]models.Company, error) {
	var rows []models.Company
	err := store.ForUpdate(tx.NewSelect().Model(&rows).Where("cmp.key IN (?)", bun.List(keys)).Order("cmp.id")).Scan(ctx)
	return rows, store.Translate(err)
}

// selectAround reads the relations that lead on from some companies, one more than a graph may have.
func selectAround(ctx context.Context, db bun.IDB, frontier []string, asked GraphQuestion, today models.Date) ([]models.CompanyRelation, error) {
	var rows []models.CompanyRelation
	from, to := bun.SafeQuery("cmr.from_key IN (?)", bun.List(frontier)), bun.SafeQuery("cmr.to_key IN (?)", bun.List(frontier))
	q := db.NewSelect().Model(&rows)
	switch {
	case asked.View == nil:
		q = q.Where("(? OR ?)", from, to)
	case *asked.View == models.ViewStructure:
		q = q.Where("(? OR ?)", from, to).Where("cmr.kind IN (?)", bun.List([]models.CompanyRelationKind{models.RelationSubsidiary, models.RelationBranch}))
	case *asked.View == models.ViewEquity:
		q = q.Where("?", to).Where("cmr.kind = ?", models.RelationHolding)
	default:
		q = q.Where("(? OR ?)", from, to).Where("(cmr.kind = ? OR cmr.kind = ? AND ?)", models.RelationOfficer, models.RelationHolding, from)
	}
	if !asked.IncludeEnded {
		q = q.Where("(cmr.until IS NULL OR cmr.until > ?)", today)
	}
	err := q.Order("cmr.id").Limit(models.MaxGraphEdges + 1).Scan(ctx)
	return rows, store.Translate(err)
}

// upsertCompanies writes rows that are new, and those that take the place of a row with their id.
func upsertCompanies(ctx context.Context, tx bun.IDB, rows []models.Company) error {
	if len(rows) == 0 {
		return nil
	}
	q := tx.NewInsert().Model(&rows).On("CONFLICT (id) DO UPDATE")
	for _, column := range []string{
		"name", "name_en", "former_names", "status", "legal_representative", "founded", "capital_amount", "capital_currency", "industry", "region", "size",
		"website", "wallet_thickness", "cloud_activity", "cloud_providers", "cloud_url", "patent_count", "trademark_count", "software_count", "source",
		"as_of", "revision", "content_hash", "load_id", "updated_at",
	} {
		q = q.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	_, err := q.Exec(ctx)
	return store.Translate(err)
}

// deleteBelow takes away what hangs below companies.
func deleteBelow(ctx context.Context, tx bun.IDB, ids []models.ID) error {
	if len(ids) == 0 {
		return nil
	}
	for _, model := range []any{
		(*models.CompanyTerm)(nil), (*models.CompanyRelation)(nil), (*models.FinancingRound)(nil), (*models.CompanyOffering)(nil),
		(*models.CompanyRanking)(nil), (*models.IntellectualProperty)(nil),
	} {
		if _, err := tx.NewDelete().Model(model).Where("company_id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
			return store.Translate(err)
		}
	}
	return nil
}

func insertAll[Row any](ctx context.Context, tx bun.IDB, rows []Row) error {
	for batch := range slices.Chunk(rows, insertBatch) {
		if _, err := tx.NewInsert().Model(&batch).Exec(ctx); err != nil {
			return store.Translate(err)
		}
	}
	return nil
}

// saveLoad writes the row of a load, or what has become of it since.
func saveLoad(ctx context.Context, tx bun.IDB, load *models.CompanyLoad) error {
	_, err := tx.NewInsert().Model(load).On("CONFLICT (id) DO UPDATE").
		Set("lines = EXCLUDED.lines").Set("added = EXCLUDED.added").Set("replaced = EXCLUDED.replaced").Set("unchanged = EXCLUDED.unchanged").
		Set("older = EXCLUDED.older").Set("refused = EXCLUDED.refused").Set("finished_at = EXCLUDED.finished_at").Exec(ctx)
	return store.Translate(err)
}
