package main

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/bench/internal/load"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// minor returns a decimal amount in minor units.
func minor(amount string) (int64, error) {
	d, err := decimal.NewFromString(amount)
	return d.Shift(2).IntPart(), err
}

// agree lets both contestants fund the same customer in turns, repeat themselves and ask for too much, and fails unless every
// answer is the one that the others imply: equal answers are what makes their speeds comparable.
func (at *place) agree(p pair) error {
	ours, err := load.Dial(at.oursAt)
	if err != nil {
		return err
	}
	defer func() { _ = ours.Close() }()
	floor, err := load.Dial(at.floorAt)
	if err != nil {
		return err
	}
	defer func() { _ = floor.Close() }()
	ask := map[string]func(amountMinor int64, key string) (answer, error){
		"ours": func(amountMinor int64, key string) (answer, error) {
			return at.fundOurs(ours, p, decimal.New(amountMinor, -2).StringFixed(2), key)
		},
		"floor": func(amountMinor int64, key string) (answer, error) { return at.fundFloor(floor, p, amountMinor, key) },
	}
	var last answer
	for turn, contestant := range []string{"floor", "ours", "floor", "ours"} {
		// A key of its own for each turn, and twice: the second time nothing may move.
		key := at.key(contestant, at.asked.Next())
		got, err := ask[contestant](fundMinor, key)
		if err != nil || got.Refusal != "" || !got.TransferPresent {
			return fmt.Errorf("%s does not fund: %+v: %w", contestant, got, err)
		}
		want := last.plus(fundMinor)
		if turn > 0 && got != want {
			return fmt.Errorf("%s answers %+v where %+v follows from the answer before", contestant, got, want)
		}
		if again, err := ask[contestant](fundMinor, key); err != nil || again != got {
			return fmt.Errorf("%s answers a repeated key with %+v, not %+v: %w", contestant, again, got, err)
		}
		if short, err := ask[contestant](2*opening, at.key(contestant, at.asked.Next())); err != nil || short.Refusal != "INSUFFICIENT_BALANCE" {
			return fmt.Errorf("%s answers a request for too much with %+v: %w", contestant, short, err)
		}
		last = got
	}
	return nil
}

// plus is the answer of the next funding.
func (a answer) plus(amountMinor int64) answer {
	a.PartnerMinor, a.CustomerMinor = a.PartnerMinor-amountMinor, a.CustomerMinor+amountMinor
	a.PartnerVersion, a.CustomerVersion = a.PartnerVersion+1, a.CustomerVersion+1
	return a
}

// sound fails unless the customers got what was acknowledged since before, and the ledger's audit has nothing to say.
func sound(ctx context.Context, db *store.DB, before, acknowledged int64) error {
	after, err := received(ctx, db)
	if err != nil {
		return err
	}
	if after-before != acknowledged*fundMinor {
		return fmt.Errorf("the customers got %d, but %d was acknowledged", after-before, acknowledged*fundMinor)
	}
	report, err := (&ledger.Service{DB: db}).Audit(ctx)
	if err != nil {
		return err
	}
	if report.Breaches() > 0 {
		return fmt.Errorf("the audit finds breaches: %+v", report)
	}
	return nil
}
