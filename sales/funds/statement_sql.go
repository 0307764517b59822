package funds

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// ledgerOwner is a partner or customer whose ledger the caller may read, with its accounts in its own currency: those of its balance, and what it owes on account.
type ledgerOwner struct {
	Kind     models.OwnerKind
	ID       models.ID
	Currency models.Currency
	// Since is the beginning of what the caller may read: of the association, for a partner that reads its customer's. Nil =
	// everything.
	Since    *time.Time
	Accounts []ledgerAccount
}

type ledgerAccount struct {
	ID      models.ID
	Kind    models.AccountKind
	Version int64
}

// selectLedgers finds those of the owners whose balance the caller may read, and their accounts, with one statement.
func selectLedgers(ctx context.Context, db bun.IDB, who models.Principal, kind models.OwnerKind, ids []models.ID) ([]ledgerOwner, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	const accounts = "LEFT JOIN accounts AS acc ON acc.owner_id = ?TableAlias.id AND acc.owner_kind = ? AND acc.asset = ?TableAlias.currency AND acc.kind IN (?)"
	q := db.NewSelect().ColumnExpr("?TableAlias.id, ?TableAlias.currency, acc.id AS account_id, acc.kind AS account_kind, acc.version AS account_version").
		Where("?TableAlias.id IN (?)", bun.List(ids)).OrderExpr("?TableAlias.id, acc.id")
	if kind == models.OwnerPartner {
		q = access.PartnersWithin(q.Model((*models.Partner)(nil)), who)
	} else {
		q = access.CustomersWithBalance(q.Model((*models.Customer)(nil)), who)
	}
	q = q.Join(accounts, kind, bun.List(statementKinds()))
	if kind == models.OwnerCustomer && who.PartnerID != "" {
		q = q.ColumnExpr("a.since").Join("LEFT JOIN associations AS a ON a.customer_id = c.id AND a.until IS NULL")
	}
	var rows []struct {
		ID             models.ID
		Currency       models.Currency
		Since          *time.Time
		AccountID      models.ID          `bun:"account_id,nullzero"`
		AccountKind    models.AccountKind `bun:"account_kind,nullzero"`
		AccountVersion int64              `bun:"account_version,nullzero"`
	}
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, store.Translate(err)
	}
	var owners []ledgerOwner
	for _, row := range rows {
		if len(owners) == 0 || owners[len(owners)-1].ID != row.ID {
			owners = append(owners, ledgerOwner{Kind: kind, ID: row.ID, Currency: row.Currency, Since: row.Since})
		}
		if row.AccountID != "" {
			owner := &owners[len(owners)-1]
			owner.Accounts = append(owner.Accounts, ledgerAccount{ID: row.AccountID, Kind: row.AccountKind, Version: row.AccountVersion})
		}
	}
	return owners, nil
}

// maxAccounts is how many accounts one statement reads: SQLite allows 500 terms in a compound SELECT.
const maxAccounts = 400

// line is an entry with what its transfer adds.
type line struct {
	ID                models.ID
	AccountID         models.ID
	AmountMinor       int64
	Version           int64
	BalanceAfterMinor int64
	CreatedAt         time.Time
	TransferID        models.ID
	Kind              models.TransferKind
	OrderID           models.ID `bun:"order_id,nullzero"`
	Reason            string    `bun:"reason,nullzero"`
}

// branch is one account of one owner, in a statement that reads several.
type branch struct {
	owner   *ledgerOwner
	account ledgerAccount
	dated   versions // those between the bounds in time; without a lower one until it is located
	wanted  versions // those of them on the wanted side of the cursors
}

func (b branch) entry(row line) models.StatementEntry {
	return models.StatementEntry{
		ID: row.ID, OwnerID: b.owner.ID, AccountID: row.AccountID, AccountType: b.account.Kind, Version: row.Version,
		Amount:       models.NewMoney(row.AmountMinor, b.owner.Currency),
		BalanceAfter: models.NewMoney(row.BalanceAfterMinor, b.owner.Currency),
		Transfer: models.Transfer{
			ID: row.TransferID, Kind: row.Kind, OrderID: row.OrderID, Reason: row.Reason, CreatedAt: row.CreatedAt,
		},
		CreatedAt: row.CreatedAt,
	}
}

// branches are the accounts that the filter leaves.
func (l lines) branches(owners []ledgerOwner) []branch {
	var all []branch
	for i := range owners {
		owner := &owners[i]
		for _, account := range owner.Accounts {
			if l.AccountTypes == nil || slices.Contains(l.AccountTypes, account.Kind) {
				whole := versions{until: account.Version}
				all = append(all, branch{owner: owner, account: account, dated: whole, wanted: whole})
			}
		}
	}
	return all
}

// selectLines reads of each account its first size+1 lines of the stretch, those that are too old left out: one descent of entries_account_version per account,
// however far the stretch lies from the newest entry.
func selectLines(ctx context.Context, db bun.IDB, branches []branch, filter lines, stretch span) ([]models.StatementEntry, error) {
	some := make([]branch, 0, len(branches))
	byAccount := make(map[models.ID]branch, len(branches))
	for _, b := range branches {
		if b.wanted.count() > 0 {
			some = append(some, b)
			byAccount[b.account.ID] = b
		}
	}
	var entries []models.StatementEntry
	for chunk := range slices.Chunk(some, maxAccounts) {
		var rows []line
		if err := unionOf(db, chunk, func(b branch) *bun.SelectQuery { return filter.page(db, b, stretch) }).Scan(ctx, &rows); err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range rows {
			entries = append(entries, byAccount[row.AccountID].entry(row))
		}
	}
	return entries, nil
}

// unionOf puts the queries of the branches together.
func unionOf(db bun.IDB, branches []branch, build func(branch) *bun.SelectQuery) *bun.RawQuery {
	args := make([]any, len(branches))
	for i, b := range branches {
		args[i] = schema.QueryAppender(build(b))
	}
	return db.NewRaw("?"+strings.Repeat(" UNION ALL ?", len(branches)-1), args...)
}

// page is one account's part of a stretch. The subquery is because SQLite refuses both parentheses around the terms of a UNION and a LIMIT in a term
// without them, and because a line that is too old ends the search, which looks for size+1 lines whatever their age.
func (l lines) page(db bun.IDB, b branch, stretch span) *bun.SelectQuery {
	q := l.apply(db, b, b.wanted, true).ColumnExpr("e.id, e.account_id, e.amount_minor, e.version, e.balance_after_minor, e.created_at").
		ColumnExpr("e.transfer_id, t.kind, t.order_id, t.reason").Limit(int64(stretch.size) + 1)
	if stretch.backward {
		q = q.OrderExpr("e.version")
	} else {
		q = q.OrderExpr("e.version DESC")
	}
	return db.NewSelect().TableExpr("(?) AS branch", q).ColumnExpr("*").Where("branch.created_at >= ?", l.since(b.owner))
}

// asksTransfers reports whether it takes the transfers to tell which lines the filter leaves.
func (l lines) asksTransfers() bool { return l.TradeTypes != nil || l.Downward || l.OrderID != nil }

// picks reports whether the filter leaves out lines between its bounds in time.
func (l lines) picks() bool {
	return l.asksTransfers() || l.Direction != nil || l.CustomerID != nil || l.ResellerID != nil
}

// since is when the lines of an owner begin that the filter leaves and the caller may read.
func (l lines) since(owner *ledgerOwner) time.Time {
	if owner.Since != nil && owner.Since.After(*l.From) {
		return owner.Since.UTC()
	}
	return l.From.UTC()
}

// apply starts a query of those of the account's versions that the filter leaves, with their transfers where these are wanted or asked.
func (l lines) apply(db bun.IDB, b branch, of versions, transfers bool) *bun.SelectQuery {
	q := db.NewSelect().TableExpr("entries AS e").Where("e.account_id = ? AND e.version > ? AND e.version <= ?", b.account.ID, of.after, of.until)
	if transfers || l.asksTransfers() {
		q = q.Join("JOIN transfers AS t ON t.id = e.transfer_id")
	}
	if l.TradeTypes != nil {
		q = q.Where("t.kind IN (?)", bun.List(l.TradeTypes))
	}
	if l.Direction != nil {
		q = q.Where("(e.amount_minor > 0) = ?", *l.Direction == models.Income)
	}
	if l.Downward {
		q = q.Where("(e.amount_minor < 0) = (t.kind = ?)", models.TransferFund)
	}
	if l.OrderID != nil {
		q = q.Where("t.order_id = ?", *l.OrderID)
	}
	// A customer or reseller has few entries compared with whoever stands above it.
	if l.CustomerID != nil {
		q = q.Where("e.transfer_id ?", store.Within(ledger.TransfersSince(db, models.OwnerCustomer, *l.CustomerID, l.since(b.owner))))
	}
	if l.ResellerID != nil {
		q = q.Where("e.transfer_id ?", store.Within(ledger.TransfersSince(db, models.OwnerPartner, *l.ResellerID, l.since(b.owner))))
	}
	return q
}

// countLines counts each owner's lines between the bounds in time that the filter leaves, by their versions alone where it leaves all.
func countLines(ctx context.Context, db bun.IDB, branches []branch, filter lines) (map[models.ID]int, error) {
	totals := map[models.ID]int{}
	if !filter.picks() {
		for _, b := range branches {
			totals[b.owner.ID] += b.dated.count()
		}
		return totals, nil
	}
	for chunk := range slices.Chunk(branches, maxAccounts) {
		var counts []struct {
			Owner models.ID
			N     int
		}
		err := unionOf(db, chunk, func(b branch) *bun.SelectQuery {
			return filter.apply(db, b, b.dated, false).ColumnExpr("? AS owner, count(*) AS n", string(b.owner.ID))
		}).Scan(ctx, &counts)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, count := range counts {
			totals[count.Owner] += count.N
		}
	}
	return totals, nil
}

// countUpTo counts the lines, but where the filter picks not beyond a limit.
func countUpTo(ctx context.Context, db bun.IDB, branches []branch, filter lines, limit int) (int, error) {
	total := 0
	for _, b := range branches {
		if !filter.picks() {
			total += b.dated.count()
			continue
		}
		bounded := filter.apply(db, b, b.dated, false).ColumnExpr("1 AS one").Limit(int64(limit))
		var n int
		if err := db.NewSelect().TableExpr("(?) AS bounded", bounded).ColumnExpr("count(*)").Scan(ctx, &n); err != nil {
			return 0, store.Translate(err)
		}
		total += n
	}
	return total, nil
}

// side is one owner that a transfer gave to or took from, with its name; nil when its account was cancelled (C15).
type side struct {
	TransferID models.ID
	OwnerKind  models.OwnerKind
	OwnerID    models.ID
	Name       *string
}

func selectSides(ctx context.Context, db bun.IDB, transfers []models.ID) (map[models.ID][]side, error) {
	var rows []side
	err := db.NewSelect().TableExpr("entries AS e").Join("JOIN accounts AS acc ON acc.id = e.account_id").
		Join("LEFT JOIN customers AS c ON acc.owner_kind = ? AND c.id = acc.owner_id", models.OwnerCustomer).
		Join("LEFT JOIN partners AS p ON acc.owner_kind = ? AND p.id = acc.owner_id", models.OwnerPartner).
		ColumnExpr("e.transfer_id, acc.owner_kind, acc.owner_id, coalesce(c.name, p.name) AS name").
		Where("e.transfer_id IN (?)", bun.List(transfers)).Scan(ctx, &rows)
	found := make(map[models.ID][]side, len(transfers))
	for _, row := range rows {
		found[row.TransferID] = append(found[row.TransferID], row)
	}
	return found, store.Translate(err)
}
