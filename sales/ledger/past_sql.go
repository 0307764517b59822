package ledger

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// bisect narrows, for each row of its start, which is the last version that had happened by the row's moment: at first one of version to version+span, which are 0
// and the account's, and every step looks at one entry, by entries_account_version, and halves the span. It ends when that is 0, after as many steps
// for an account of n entries as n has binary digits, whatever the entries are, even where one is missing. Of entries of the moment itself the bound decides: with 1
// they had happened, with 0 they had not. The look is a subquery so that PostgreSQL cannot make a join of it that reads all entries in every step.
const bisect = `? UNION ALL
	SELECT b.number, b.account_id, b.moment, b.bound, CASE
		WHEN ((SELECT e.created_at FROM entries AS e WHERE e.account_id = b.account_id AND e.version = b.version + (b.span + 1) / 2), 0) < (b.moment, b.bound)
		THEN b.version + (b.span + 1) / 2 ELSE b.version END, b.span / 2
	FROM bisect AS b WHERE b.span > 0`

// bisected begins a query of the versions that the accounts of a start had at its moments. What is joined, here and by the start, is a CROSS JOIN with a WHERE: SQLite
// keeps its order, and for any other may read the whole table first.
func bisected(db bun.IDB, start *bun.SelectQuery) *bun.SelectQuery {
	start = start.ColumnExpr("CAST(0 AS bigint) AS version, acc.version AS span")
	return db.NewSelect().WithRecursive("bisect", db.NewRaw(bisect, schema.QueryAppender(start))).TableExpr("bisect AS b").Where("b.span = 0")
}

// bisectedOf is bisected for one moment of the accounts that a condition leaves.
func bisectedOf(db bun.IDB, at time.Time, bound int, where string, args ...any) *bun.SelectQuery {
	return bisected(db, db.NewSelect().Model((*models.Account)(nil)).
		ColumnExpr("0 AS number, acc.id AS account_id, ? AS moment, ? AS bound", store.Moment(at), bound).Where(where, args...))
}

// numberedVersion is the version that a moment of a list is.
type numberedVersion struct {
	Number  int
	Version int64
}

// selectVersions finds the versions of a list of moments, whose places in it are the numbers.
func selectVersions(ctx context.Context, db bun.IDB, moments []Moment) ([]numberedVersion, error) {
	args := make([]any, 0, 4*len(moments))
	for i, m := range moments {
		at, bound := store.Moment(m.At), 0
		if m.Of != (Place{}) {
			at = bun.SafeQuery("(SELECT e.created_at FROM entries AS e WHERE e.account_id = ? AND e.version = ?)", m.Of.AccountID, m.Of.Version)
		}
		if m.Inclusive {
			bound = 1
		}
		args = append(args, i, m.AccountID, at, bound)
	}
	// Both engines call the columns of a list of rows so.
	start := db.NewSelect().ColumnExpr("m.column1 AS number, acc.id AS account_id, m.column3 AS moment, m.column4 AS bound").
		TableExpr("(VALUES (?, ?, ?, ?)"+strings.Repeat(", (?, ?, ?, ?)", len(moments)-1)+") AS m CROSS JOIN accounts AS acc", args...).
		Where("acc.id = m.column2")
	var rows []numberedVersion
	err := bisected(db, start).ColumnExpr("b.number, b.version").Scan(ctx, &rows)
	return rows, err
}

// pastBalance is an account with what its last entry by a moment left.
type pastBalance struct {
	AccountID    models.ID
	BalanceMinor int64
}

func selectBalances(ctx context.Context, db bun.IDB, accounts []models.ID, at time.Time) ([]pastBalance, error) {
	var rows []pastBalance
	err := store.Read(ctx, db, bisectedOf(db, at, 1, "acc.id ?", store.In(accounts)).ColumnExpr("b.account_id").
		ColumnExpr("(SELECT e.balance_after_minor FROM entries AS e WHERE e.account_id = b.account_id AND e.version = b.version) AS balance_minor").
		Where("b.version > 0"), &rows)
	return rows, err
}

// TransfersSince is a query of the transfers that an owner took part in since a moment. It reads that owner's entries since then and nothing else.
func TransfersSince(db bun.IDB, kind models.OwnerKind, owner models.ID, since time.Time) *bun.SelectQuery {
	return bisectedOf(db, since, 0, "acc.owner_id = ? AND acc.owner_kind = ?", owner, kind).ColumnExpr("oe.transfer_id").
		Join("CROSS JOIN entries AS oe").Where("oe.account_id = b.account_id AND oe.version > b.version")
}
