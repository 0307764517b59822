package ledger_test

import (
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// oracle is the ledger in a hundred lines: everything in memory, no database, no locks. Each operation returns the refusal
// that the ledger must answer with, "" for none, and has no effect when there is one.
type oracle struct {
	accounts  map[models.ID]*balance
	holds     map[models.ID]*reserved
	transfers map[models.ID]*moved
	keys      map[string]used
}

type balance struct {
	asset        string
	floor        *int64 // nil = unbounded
	amount, held int64
	entries      int64
}

type reserved struct {
	account models.ID
	amount  int64
	expires time.Time
	ended   bool
}

type moved struct {
	legs               []ledger.Leg
	reversal, reversed bool
}

type used struct {
	legs     []ledger.Leg
	transfer models.ID
}

func newOracle() *oracle {
	return &oracle{map[models.ID]*balance{}, map[models.ID]*reserved{}, map[models.ID]*moved{}, map[string]used{}}
}

// free is how much of an account may be taken.
func (b *balance) free() int64 { return b.amount - b.held - *b.floor }

// post moves money. What the hold, if any, has set aside is free for its own account.
func (o *oracle) post(legs []ledger.Leg, hold *reserved) string {
	sums, seen := map[string]int64{}, map[models.ID]bool{}
	for _, leg := range legs {
		if leg.AmountMinor == 0 || seen[leg.AccountID] {
			return "INVALID"
		}
		seen[leg.AccountID] = true
		sums[o.accounts[leg.AccountID].asset] += leg.AmountMinor
	}
	for _, sum := range sums {
		if sum != 0 {
			return "INVALID"
		}
	}
	for _, leg := range legs {
		account, more := o.accounts[leg.AccountID], int64(0)
		if hold != nil && hold.account == leg.AccountID {
			more = hold.amount
		}
		if leg.AmountMinor < 0 && account.floor != nil && -leg.AmountMinor > account.free()+more {
			return "INSUFFICIENT_BALANCE"
		}
	}
	for _, leg := range legs {
		o.accounts[leg.AccountID].amount += leg.AmountMinor
		o.accounts[leg.AccountID].entries++
	}
	return ""
}

// once is post under a key; a key that was used answers with its transfer, to the same request only.
func (o *oracle) once(key string, legs []ledger.Leg) (refusal string, again models.ID) {
	if before, ok := o.keys[key]; ok {
		if !sameLegs(before.legs, legs) {
			return "CONFLICT", ""
		}
		return "", before.transfer
	}
	return o.post(legs, nil), ""
}

func (o *oracle) place(account models.ID, amount int64) string {
	a := o.accounts[account]
	if a.floor != nil && amount > a.free() {
		return "INSUFFICIENT_BALANCE"
	}
	a.held += amount
	return ""
}

func (o *oracle) postHold(id models.ID, legs []ledger.Leg, now time.Time) string {
	hold, debit := o.holds[id], int64(0)
	if hold.ended || !hold.expires.After(now) {
		return "HOLD_NOT_PENDING"
	}
	for _, leg := range legs {
		if leg.AccountID == hold.account {
			debit = -leg.AmountMinor
		}
	}
	if debit <= 0 || debit > hold.amount {
		return "INVALID"
	}
	refusal := o.post(legs, hold)
	if refusal == "" {
		o.end(hold)
	}
	return refusal
}

func (o *oracle) void(id models.ID) string {
	if o.holds[id].ended {
		return "HOLD_NOT_PENDING"
	}
	o.end(o.holds[id])
	return ""
}

func (o *oracle) expire(now time.Time) (ended int) {
	for _, hold := range o.holds {
		if !hold.ended && !hold.expires.After(now) {
			o.end(hold)
			ended++
		}
	}
	return ended
}

func (o *oracle) end(hold *reserved) {
	hold.ended = true
	o.accounts[hold.account].held -= hold.amount
}

func (o *oracle) reverse(id models.ID) (refusal string, legs []ledger.Leg) {
	original := o.transfers[id]
	if original.reversal {
		return "NOT_REVERSIBLE", nil
	}
	if original.reversed {
		return "ALREADY_REVERSED", nil
	}
	for _, leg := range original.legs {
		legs = append(legs, ledger.Leg{AccountID: leg.AccountID, AmountMinor: -leg.AmountMinor})
	}
	refusal = o.post(legs, nil)
	original.reversed = refusal == ""
	return refusal, legs
}

func sameLegs(a, b []ledger.Leg) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
