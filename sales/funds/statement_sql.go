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
	ID   models.ID
	Kind models.AccountKind
}

// selectLedgers finds those of the owners whose balance the caller may read, and their accounts, with one statement.
func selectLedgers(ctx context.Context, db bun.IDB, who models.Principal, kind models.OwnerKind, ids []models.ID) ([]ledgerOwner, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	const accounts = "LEFT JOIN accounts AS acc ON acc.owner_id = ?TableAlias.id AND acc.owner_kind = ? AND acc.asset = ?TableAlias.currency AND acc.kind IN (?)"
	q := db.NewSelect().ColumnExpr("?TableAlias.id, ?TableAlias.currency, acc.id AS account_id, acc.kind AS account_kind").
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
		ID          models.ID
		Currency    models.Currency
		Since       *time.Time
		AccountID   models.ID          `bun:"account_id,nullzero"`
		AccountKind models.AccountKind `bun:"account_kind,nullzero"`
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
			owner.Accounts = append(owner.Accounts, ledgerAccount{ID: row.AccountID, Kind: row.AccountKind})
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
				all = append(all, branch{owner: owner, account: account})
			}
		}
	}
	return all
}

// selectLines reads of each account its first size+1 lines of the stretch: one descent of entries_account_moment per account,
// however far the stretch lies from the newest entry.
func selectLines(ctx context.Context, db bun.IDB, owners []ledgerOwner, filter lines, stretch span) ([]models.StatementEntry, error) {
	branches := filter.branches(owners)
	byAccount := make(map[models.ID]branch, len(branches))
	for _, b := range branches {
		byAccount[b.account.ID] = b
	}
	var entries []models.StatementEntry
	for start := 0; start < len(branches); start += maxAccounts {
		chunk := branches[start:min(start+maxAccounts, len(branches))]
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

// unionOf puts the branches into subqueries: SQLite refuses both parentheses around the terms of a UNION and a LIMIT in a
// term without them.
func unionOf(db bun.IDB, branches []branch, build func(branch) *bun.SelectQuery) *bun.RawQuery {
	var text strings.Builder
	args := make([]any, len(branches))
	for i, b := range branches {
		if i > 0 {
			text.WriteString(" UNION ALL ")
		}
		text.WriteString("SELECT * FROM (?) AS branch")
		args[i] = schema.QueryAppender(build(b))
	}
	return db.NewRaw(text.String(), args...)
}

// page is one account's part of a stretch.
func (l lines) page(db bun.IDB, b branch, stretch span) *bun.SelectQuery {
	q := l.apply(db, b, true).ColumnExpr("e.id, e.account_id, e.amount_minor, e.version, e.balance_after_minor, e.created_at").
		ColumnExpr("e.transfer_id, t.kind, t.order_id, t.reason").Limit(int64(stretch.size) + 1)
	if stretch.after != nil {
		q = stretch.after.older(q, b.account.ID)
	}
	if stretch.before != nil {
		q = stretch.before.newer(q, b.account.ID)
	}
	if stretch.backward {
		return q.OrderExpr("e.created_at, e.version")
	}
	return q.OrderExpr("e.created_at DESC, e.version DESC")
}

// older leaves the account's lines that come after the position: in the position's own account those of a smaller version, in
// the others, for one and the same moment, those of accounts with smaller ids.
func (p position) older(q *bun.SelectQuery, account models.ID) *bun.SelectQuery {
	switch {
	case account == p.AccountID:
		return q.Where("e.created_at <= ? AND e.version < ?", p.At, p.Version)
	case account < p.AccountID:
		return q.Where("e.created_at <= ?", p.At)
	}
	return q.Where("e.created_at < ?", p.At)
}

// newer is the opposite of older.
func (p position) newer(q *bun.SelectQuery, account models.ID) *bun.SelectQuery {
	switch {
	case account == p.AccountID:
		return q.Where("e.created_at >= ? AND e.version > ?", p.At, p.Version)
	case account < p.AccountID:
		return q.Where("e.created_at > ?", p.At)
	}
	return q.Where("e.created_at >= ?", p.At)
}

// asksTransfers reports whether it takes the transfers to tell which lines the filter leaves.
func (l lines) asksTransfers() bool { return l.TradeTypes != nil || l.Downward || l.OrderID != nil }

// apply starts a query of the account's lines that the filter leaves and the caller may read, with their transfers where these
// are wanted or asked: counting a long ledger without them reads the index alone.
func (l lines) apply(db bun.IDB, b branch, transfers bool) *bun.SelectQuery {
	from := *l.From
	if b.owner.Since != nil && b.owner.Since.After(from) {
		from = *b.owner.Since
	}
	q := db.NewSelect().TableExpr("entries AS e").Where("e.account_id = ?", b.account.ID).Where("e.created_at >= ?", from.UTC())
	if transfers || l.asksTransfers() {
		q = q.Join("JOIN transfers AS t ON t.id = e.transfer_id")
	}
	if l.To != nil {
		q = q.Where("e.created_at < ?", l.To.UTC())
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
	if l.CustomerID != nil {
		q = q.Where("e.transfer_id IN (?)", transfersOf(db, models.OwnerCustomer, *l.CustomerID, from))
	}
	if l.ResellerID != nil {
		q = q.Where("e.transfer_id IN (?)", transfersOf(db, models.OwnerPartner, *l.ResellerID, from))
	}
	return q
}

// transfersOf is the transfers that an owner took part in; it reads that owner's entries, of which a customer or reseller has
// few compared with whoever stands above it.
func transfersOf(db bun.IDB, kind models.OwnerKind, id models.ID, from time.Time) *bun.SelectQuery {
	return db.NewSelect().TableExpr("entries AS oe").Column("oe.transfer_id").Join("JOIN accounts AS oa ON oa.id = oe.account_id").
		Where("oa.owner_id = ? AND oa.owner_kind = ?", id, kind).Where("oe.created_at >= ?", from.UTC())
}

// countLines counts each owner's lines that the filter leaves.
func countLines(ctx context.Context, db bun.IDB, owners []ledgerOwner, filter lines) (map[models.ID]int, error) {
	branches := filter.branches(owners)
	totals := make(map[models.ID]int, len(owners))
	for start := 0; start < len(branches); start += maxAccounts {
		chunk := branches[start:min(start+maxAccounts, len(branches))]
		var counts []struct {
			Owner models.ID
			N     int
		}
		err := unionOf(db, chunk, func(b branch) *bun.SelectQuery {
			return filter.apply(db, b, false).ColumnExpr("? AS owner, count(*) AS n", string(b.owner.ID))
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

// countUpTo counts one owner's lines, but not beyond a limit.
func countUpTo(ctx context.Context, db bun.IDB, owner ledgerOwner, filter lines, limit int) (int, error) {
	total := 0
	for _, b := range filter.branches([]ledgerOwner{owner}) {
		bounded := filter.apply(db, b, false).ColumnExpr("1 AS one").Limit(int64(limit))
		var n int
		if err := db.NewSelect().TableExpr("(?) AS bounded", bounded).ColumnExpr("count(*)").Scan(ctx, &n); err != nil {
			return 0, store.Translate(err)
		}
		total += n
	}
	return total, nil
}

// selectPositions finds where the lines stand, of the owners' accounts only.
func selectPositions(ctx context.Context, db bun.IDB, owners []ledgerOwner, places ...place) (map[place]position, error) {
	found := make(map[place]position, len(places))
	for _, at := range places {
		if !slices.ContainsFunc(owners, func(o ledgerOwner) bool {
			return slices.ContainsFunc(o.Accounts, func(a ledgerAccount) bool { return a.ID == at.account })
		}) {
			continue
		}
		var moments []time.Time
		err := db.NewSelect().Model((*models.Entry)(nil)).Column("e.created_at").
			Where("e.account_id = ? AND e.version = ?", at.account, at.version).Scan(ctx, &moments)
		if err != nil {
			return nil, store.Translate(err)
		}
		if len(moments) == 1 {
			found[at] = position{At: moments[0].UTC(), AccountID: at.account, Version: at.version}
		}
	}
	return found, nil
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
