package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/partnergraph/partnergraph/sales/billing"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/packages"
	"github.com/partnergraph/partnergraph/store"
)

type auditCommand struct {
	DatabaseURL string `name:"database-url" required:"" env:"PARTNERGRAPH_DATABASE_URL" help:"postgres://user@host/name or sqlite:///path/file.db; read only."`
}

// Run proves the invariants of the ledger, of performance, of packages and of bills from their rows and fails when one is broken.
func (c auditCommand) Run(ctx context.Context) error {
	db, err := store.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return audit(ctx, os.Stdout, db)
}

// audit prints what was looked at and a line per invariant. A breach is an error, so that the process says so too.
func audit(ctx context.Context, w io.Writer, db *store.DB) error {
	money, err := (&ledger.Service{DB: db}).Audit(ctx)
	if err != nil {
		return err
	}
	performance, err := (&incentives.Service{DB: db}).Audit(ctx)
	if err != nil {
		return err
	}
	packed, err := (&packages.Service{DB: db}).Audit(ctx)
	if err != nil {
		return err
	}
	bills, err := (&billing.Service{DB: db}).Audit(ctx)
	if err != nil {
		return err
	}
	if err := printReport(w, money, performance, packed, bills); err != nil {
		return err
	}
	if breaches := money.Breaches() + performance.Breaches() + packed.Breaches() + bills.Breaches(); breaches > 0 {
		return fmt.Errorf("the books are not sound: %d rows break an invariant", breaches)
	}
	return nil
}

func printReport(w io.Writer, r ledger.Report, performance incentives.Report, packed packages.Report, bills billing.Report) error {
	if _, err := fmt.Fprintf(w, "%d accounts, %d transfers, %d entries, %d idempotency keys\n", r.Accounts, r.Transfers, r.Entries, r.Keys); err != nil {
		return err
	}
	for _, line := range []struct {
		name, says string
		breaches   int
	}{
		{"I1", "the entries of a transfer sum to zero", r.UnbalancedTransfers},
		{"I1", "every entry has its transfer and its account", r.LostEntries},
		{"I1", "the entries of an asset sum to zero", r.UnbalancedAssets},
		{"I2", "a balance is the sum of its entries and the last one's balance after", r.WrongBalances},
		{"I2", "an entry's balance after is the sum up to it", r.WrongRunningTotals},
		{"I3", "an account's versions run from 1 without a gap", r.VersionGaps},
		{"I3", "an account's entries are in the same order by time as by version", r.OutOfOrder},
		{"I4", "no balance is, or ever was, under its floor", r.BelowFloor},
		{"I4", "what is held is the sum of the pending holds", r.WrongHeld},
		{"I5", "every key that took effect has its answer", r.UnansweredKeys},
		{"I6", "a coupon quota is its children, its coupons and its balance", r.WrongQuotas},
		{"I6", "a coupon is what is left of it, what it paid and what went back", r.WrongCoupons},
		{"I6", "what coupons paid of an order is what its coupons paid", r.WrongCouponOrders},
		{"I7", "no order was paid back more than was paid", r.OverRefunded},
		{"I8", "every performance line has what it names, and its customer's bill line", performance.LostLines},
		{"I8", "monthly sums of performance are those of its lines", performance.WrongMonths},
		{"I8", "totals of performance are those of its monthly sums", performance.WrongTotals},
		{"I9", "what a package item has left in a cycle is its amount less its usage records", packed.WrongCycles},
		{"I9", "what packages paid of a usage record is what its package records say", packed.WrongCovers},
		{"I9", "a package ends with its resource, and belongs to the same", packed.WrongPackages},
		{"I10", "monthly sums of bills are those of their lines and of what was paid since", bills.WrongMonths},
		{"I10", "totals of bills are those of their monthly sums", bills.WrongTotals},
		{"I11", "what a customer owes on account is what is open of its months", r.WrongAccounts},
		{"I11", "the months on account are what orders and refunds put there", r.WrongMonths},
	} {
		state := "ok"
		if line.breaches > 0 {
			state = "BROKEN"
		}
		if _, err := fmt.Fprintf(w, "%-3s %-7s %6d breaches  %s\n", line.name, state, line.breaches, line.says); err != nil {
			return err
		}
	}
	return nil
}
