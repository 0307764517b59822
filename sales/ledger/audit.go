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
	OutOfOrder          int // I3: entries that are older than the one of the version before
	BelowFloor          int // I4: entries that left less than the floor of then, and accounts that are under theirs
	WrongHeld           int // accounts whose held amount is not the sum of their pending holds
	UnansweredKeys      int // I5: keys that took effect without an answer to repeat
	WrongQuotas         int // I6: coupon quotas whose children, issued coupons and balance do not make up their value
	WrongCoupons        int // I6: coupons whose balance is not what they were issued with less what was redeemed and given back
	WrongCouponOrders   int // I6: orders whose share of coupons is not the sum of the coupons' uses
	OverRefunded        int // I7: orders that were paid back more than was paid
	WrongAccounts       int // I11: accounts of what is owed that are not below zero by what is open of their months
	WrongMonths         int // I11: customers whose months do not add up to what their orders and refunds put on account
}

// Breaches returns how many rows break an invariant; 0 means the ledger is sound.
func (r Report) Breaches() int {
	return r.UnbalancedTransfers + r.LostEntries + r.UnbalancedAssets + r.WrongBalances + r.WrongRunningTotals + r.VersionGaps + r.OutOfOrder + r.BelowFloor +
		r.WrongHeld + r.UnansweredKeys + r.WrongQuotas + r.WrongCoupons + r.WrongCouponOrders + r.OverRefunded + r.WrongAccounts + r.WrongMonths
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
		{"I3 times", &r.OutOfOrder, auditTimes},
		{"I4 floors", &r.BelowFloor, auditFloors},
		{"held", &r.WrongHeld, auditHeld},
		{"I5 keys", &r.UnansweredKeys, `SELECT COUNT(*) FROM idempotency_keys WHERE LENGTH(answer) = 0`},
		{"I6 quotas", &r.WrongQuotas, auditQuotas},
		{"I6 coupons", &r.WrongCoupons, auditCoupons},
		{"I6 orders", &r.WrongCouponOrders, auditCouponOrders},
		{"I7 refunds", &r.OverRefunded, auditRefunds},
		{"I11 accounts", &r.WrongAccounts, auditAccounts},
		{"I11 months", &r.WrongMonths, auditMonths},
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

	auditTimes = `SELECT COUNT(*) FROM (
		SELECT created_at, LAG(created_at) OVER (PARTITION BY account_id ORDER BY version) AS before FROM entries) AS e
		WHERE e.created_at < e.before`

	auditFloors = `SELECT COUNT(*) FROM (
		SELECT a.id FROM accounts AS a WHERE a.balance_minor - a.held_minor < a.floor_minor
		UNION ALL
		SELECT e.id FROM entries AS e JOIN accounts AS a ON a.id = e.account_id
		WHERE e.balance_after_minor < COALESCE((SELECT f.floor_minor FROM account_floors AS f
			WHERE f.account_id = e.account_id AND f.version >= e.version ORDER BY f.version LIMIT 1), a.floor_minor)) AS breaches`

	auditHeld = `SELECT COUNT(*) FROM accounts AS a
		LEFT JOIN (SELECT account_id, SUM(amount_minor) AS total FROM holds WHERE state = 'PENDING' GROUP BY account_id) AS h
			ON h.account_id = a.id
		WHERE a.held_minor <> COALESCE(h.total, 0)`

	// The rows of sales/coupons say what the accounts must hold: a quota's value is what its children have, what its coupons were issued with
	// and did not bring back, and its own balance.
	auditQuotas = `SELECT COUNT(*) FROM coupon_quotas AS q
		LEFT JOIN (SELECT parent_id, SUM(value_minor) AS total FROM coupon_quotas WHERE parent_id IS NOT NULL GROUP BY parent_id) AS k
			ON k.parent_id = q.id
		LEFT JOIN (SELECT quota_id, SUM(face_minor - returned_minor) AS total FROM coupons GROUP BY quota_id) AS c ON c.quota_id = q.id
		LEFT JOIN accounts AS a ON a.owner_id = q.id AND a.owner_kind = 'COUPON_QUOTA' AND a.kind = 'COUPON_QUOTA' AND a.asset = q.root_id
		WHERE q.value_minor <> COALESCE(k.total, 0) + COALESCE(c.total, 0) + COALESCE(a.balance_minor, 0)
			OR q.balance_minor <> COALESCE(a.balance_minor, 0)`

	auditCoupons = `SELECT COUNT(*) FROM coupons AS c
		LEFT JOIN (SELECT coupon_id, SUM(amount_minor - returned_minor) AS total FROM coupon_uses GROUP BY coupon_id) AS u ON u.coupon_id = c.id
		LEFT JOIN accounts AS a ON a.owner_id = c.id AND a.owner_kind = 'COUPON' AND a.kind = 'COUPON' AND a.asset = c.root_id
		WHERE c.balance_minor <> COALESCE(a.balance_minor, 0)
			OR c.balance_minor <> c.face_minor - c.returned_minor - COALESCE(u.total, 0)
			OR COALESCE(u.total, 0) < 0 OR COALESCE(u.total, 0) > c.face_minor`

	auditCouponOrders = `SELECT COUNT(*) FROM orders AS o
		LEFT JOIN (SELECT order_id, SUM(amount_minor) AS total FROM coupon_uses GROUP BY order_id) AS u ON u.order_id = o.id
		LEFT JOIN (SELECT order_id, SUM(coupon_minor) AS total FROM order_items GROUP BY order_id) AS i ON i.order_id = o.id
		WHERE o.coupon_minor <> COALESCE(u.total, 0) OR o.coupon_minor <> COALESCE(i.total, 0)`

	// What moved for an order is the sum of a transfer's positive entries; a reversal undoes what it reverses.
	auditRefunds = `SELECT COUNT(*) FROM (
		SELECT t.order_id FROM transfers AS t
		JOIN entries AS e ON e.transfer_id = t.id AND e.amount_minor > 0
		LEFT JOIN transfers AS o ON o.id = t.reverses_id
		WHERE t.order_id IS NOT NULL
		GROUP BY t.order_id, e.asset
		HAVING SUM(CASE
			WHEN t.kind IN ('ORDER_PAYMENT', 'COUPON_PAYMENT') OR o.kind = 'ORDER_REFUND' THEN e.amount_minor
			WHEN t.kind IN ('ORDER_REFUND', 'COUPON_REFUND') OR o.kind = 'ORDER_PAYMENT' THEN -e.amount_minor
			ELSE 0 END) < 0) AS breaches`

	// The rows of sales/settlements say what customers owe.
	auditAccounts = `SELECT COUNT(*) FROM (SELECT owner_id, asset, balance_minor FROM accounts WHERE kind = 'SETTLEMENT') AS a
		FULL JOIN (SELECT customer_id, currency, SUM(open_minor) AS total FROM monthly_settlements GROUP BY customer_id, currency) AS m
			ON m.customer_id = a.owner_id AND m.currency = a.asset
		WHERE COALESCE(a.balance_minor, 0) + COALESCE(m.total, 0) <> 0`

	auditMonths = `SELECT COUNT(*) FROM (
			SELECT customer_id, currency, SUM(charged_minor) AS charged, SUM(refunded_minor) AS refunded FROM monthly_settlements GROUP BY customer_id, currency) AS m
		FULL JOIN (SELECT customer_id, currency, SUM(account_minor) AS charged FROM orders WHERE account_minor <> 0 GROUP BY customer_id, currency) AS p
			ON p.customer_id = m.customer_id AND p.currency = m.currency
		LEFT JOIN (SELECT o.customer_id, o.currency, SUM(r.account_minor) AS refunded FROM order_refunds AS r JOIN orders AS o ON o.id = r.order_id
				LEFT JOIN transfers AS v ON v.reverses_id = r.transfer_id
				WHERE r.account_minor <> 0 AND v.id IS NULL GROUP BY o.customer_id, o.currency) AS f
			ON f.customer_id = m.customer_id AND f.currency = m.currency
		WHERE COALESCE(m.charged, 0) <> COALESCE(p.charged, 0) OR COALESCE(m.refunded, 0) <> COALESCE(f.refunded, 0)`
)
