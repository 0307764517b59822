package ledger

import (
	"context"
	"fmt"

	"github.com/partnergraph/partnergraph/store"
)

// Report is what an audit found. Each breach is a count of rows that should be zero.
type Report struct {
	Accounts  int // rows looked at
	Transfers int
	Entries   int
	Keys      int

	UnbalancedTransfers int // I1: transfers whose entries do not sum to zero in an asset, or that have none
	LostEntries         int // I1: entries whose transfer or account does not exist
	UnbalancedAssets    int // I1: assets whose entries do not sum to zero
	WrongBalances       int // I2: accounts whose balance is not the sum of their entries, nor the last one's balance after
	WrongRunningTotals  int // I2: entries whose balance after is not the sum up to them
	VersionGaps         int // I3: accounts whose entries are not numbered 1 to the account's version
	BelowFloor          int // I4: entries that left, and accounts that are, under the floor
	WrongHeld           int // accounts whose held amount is not the sum of their pending holds
	UnansweredKeys      int // I5: keys that took effect without an answer to repeat
	OverRefunded        int // I7: orders that were paid back more than was paid
}

// Breaches returns how many rows break an invariant; 0 means the ledger is sound.
func (r Report) Breaches() int {
	return r.UnbalancedTransfers + r.LostEntries + r.UnbalancedAssets + r.WrongBalances + r.WrongRunningTotals + r.VersionGaps + r.BelowFloor +
		r.WrongHeld + r.UnansweredKeys + r.OverRefunded
}

// Audit proves the invariants from the rows alone. Each is one statement, and so one snapshot: it may run while money
// moves. It reads every entry, so it is for tests, for operators and for the night.
func (s *Service) Audit(ctx context.Context) (Report, error) {
	var r Report
	for _, check := range []struct {
		name  string
		into  *int
		query string
	}{
		{"accounts", &r.Accounts, `SELECT COUNT(*) FROM accounts`},
		{"transfers", &r.Transfers, `SELECT COUNT(*) FROM transfers`},
		{"entries", &r.Entries, `SELECT COUNT(*) FROM entries`},
		{"keys", &r.Keys, `SELECT COUNT(*) FROM idempotency_keys`},
		{"I1 transfers", &r.UnbalancedTransfers, auditTransfers},
		{"I1 entries", &r.LostEntries, auditEntries},
		{"I1 assets", &r.UnbalancedAssets, auditAssets},
		{"I2 balances", &r.WrongBalances, auditBalances},
		{"I2 running totals", &r.WrongRunningTotals, auditRunningTotals},
		{"I3 versions", &r.VersionGaps, auditVersions},
		{"I4 floors", &r.BelowFloor, auditFloors},
		{"held", &r.WrongHeld, auditHeld},
		{"I5 keys", &r.UnansweredKeys, `SELECT COUNT(*) FROM idempotency_keys WHERE LENGTH(answer) = 0`},
		{"I7 refunds", &r.OverRefunded, auditRefunds},
	} {
		if err := s.DB.NewRaw(check.query).Scan(ctx, check.into); err != nil {
			return Report{}, fmt.Errorf("audit of %s: %w", check.name, store.Translate(err))
		}
	}
	return r, nil
}

const (
	auditTransfers = `SELECT COUNT(*) FROM (
		SELECT t.id FROM transfers AS t LEFT JOIN entries AS e ON e.transfer_id = t.id
		GROUP BY t.id, e.asset HAVING COALESCE(SUM(e.amount_minor), 1) <> 0) AS breaches`

	auditEntries = `SELECT COUNT(*) FROM entries AS e
		LEFT JOIN transfers AS t ON t.id = e.transfer_id LEFT JOIN accounts AS a ON a.id = e.account_id
		WHERE t.id IS NULL OR a.id IS NULL OR a.asset <> e.asset`

	auditAssets = `SELECT COUNT(*) FROM (
		SELECT asset FROM entries GROUP BY asset HAVING SUM(amount_minor) <> 0) AS breaches`

	auditBalances = `SELECT COUNT(*) FROM accounts AS a
		LEFT JOIN (SELECT account_id, SUM(amount_minor) AS total FROM entries GROUP BY account_id) AS s ON s.account_id = a.id
		LEFT JOIN entries AS l ON l.account_id = a.id AND l.version = a.version
		WHERE a.balance_minor <> COALESCE(s.total, 0) OR a.balance_minor <> COALESCE(l.balance_after_minor, 0)`

	auditRunningTotals = `SELECT COUNT(*) FROM (
		SELECT balance_after_minor, SUM(amount_minor) OVER (PARTITION BY account_id ORDER BY version) AS total FROM entries) AS e
		WHERE e.balance_after_minor <> e.total`

	auditVersions = `SELECT COUNT(*) FROM accounts AS a
		LEFT JOIN (SELECT account_id, COUNT(*) AS n, MIN(version) AS lowest, MAX(version) AS highest
			FROM entries GROUP BY account_id) AS s ON s.account_id = a.id
		WHERE a.version <> COALESCE(s.n, 0) OR a.version <> COALESCE(s.highest, 0) OR COALESCE(s.lowest, 1) <> 1`

	auditFloors = `SELECT COUNT(*) FROM (
		SELECT a.id FROM accounts AS a WHERE a.balance_minor - a.held_minor < a.floor_minor
		UNION ALL
		SELECT e.id FROM entries AS e JOIN accounts AS a ON a.id = e.account_id
		WHERE e.balance_after_minor < a.floor_minor) AS breaches`

	auditHeld = `SELECT COUNT(*) FROM accounts AS a
		LEFT JOIN (SELECT account_id, SUM(amount_minor) AS total FROM holds WHERE state = 'PENDING' GROUP BY account_id) AS h
			ON h.account_id = a.id
		WHERE a.held_minor <> COALESCE(h.total, 0)`

	// What moved for an order is the sum of a transfer's positive entries; a reversal undoes what it reverses.
	auditRefunds = `SELECT COUNT(*) FROM (
		SELECT t.order_id FROM transfers AS t
		JOIN entries AS e ON e.transfer_id = t.id AND e.amount_minor > 0
		LEFT JOIN transfers AS o ON o.id = t.reverses_id
		WHERE t.order_id IS NOT NULL
		GROUP BY t.order_id, e.asset
		HAVING SUM(CASE
			WHEN t.kind = 'ORDER_PAYMENT' OR o.kind = 'ORDER_REFUND' THEN e.amount_minor
			WHEN t.kind = 'ORDER_REFUND' OR o.kind = 'ORDER_PAYMENT' THEN -e.amount_minor
			ELSE 0 END) < 0) AS breaches`
)
