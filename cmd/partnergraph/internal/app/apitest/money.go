package apitest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// MoneyMutation is how a mutation that takes an idempotency key is tried: by many calls that each move 1.00.
type MoneyMutation struct {
	Selection string // of the payload; what it selects must be the same at every repetition of a key
	// NoDebit says why the mutation cannot run an account dry; "" = it can, and is raced for the last money (R6).
	NoDebit string
	// Prepare makes what so many calls need, for nobody else to use.
	Prepare func(t *testing.T, w *World, calls int) MoneyCalls
}

// MoneyCalls are calls of one mutation that may be made in any order, each with a key of its own.
type MoneyCalls struct {
	Key    string                        // the credential
	Input  func(call int) map[string]any // the input, without its idempotencyKey
	Other  map[string]any                // another input, which a used key must not accept
	Spends ledger.AccountSpec            // the account that every call takes 1.00 from, unless NoDebit
}

// MoneyMutations has a row for every mutation with an idempotencyKey; a test says when one is missing.
func MoneyMutations() map[string]MoneyMutation {
	const transfer = "transfer{id kind createdAt} partnerBalance{available{amount} version}"
	const balances = "partnerBalance{available{amount} version} customerBalance{available{amount} version}"
	customers := "{" + transfer + " customerBalance{available{amount} version}}"
	resellers := "{" + transfer + " resellerBalance{available{amount} version}}"
	return map[string]MoneyMutation{
		"fundCustomer": {Selection: customers, Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
			p := w.Providers[0]
			return moving(p, "customerId", w.Empty(t, p, w.tag()).Customer.ID, Cash(models.OwnerPartner, p.Partner.ID))
		}},
		"reclaimFromCustomer": {Selection: customers, Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
			p := w.Providers[0]
			customer := w.Empty(t, p, w.tag()).Customer.ID
			return moving(p, "customerId", customer, Cash(models.OwnerCustomer, customer))
		}},
		"fundReseller": {Selection: resellers, Prepare: func(_ *testing.T, w *World, _ int) MoneyCalls {
			d := w.Distributors[0]
			return moving(d, "resellerId", w.Resellers[0].Partner.ID, Cash(models.OwnerPartner, d.Partner.ID))
		}},
		"reclaimFromReseller": {Selection: resellers, Prepare: func(_ *testing.T, w *World, _ int) MoneyCalls {
			r := w.Resellers[0].Partner.ID
			return moving(w.Distributors[0], "resellerId", r, Cash(models.OwnerPartner, r))
		}},
		"endAssociation": {
			Selection: "{association{id until} transfer{id kind createdAt} " + balances + "}",
			NoDebit:   "it takes back whatever there is, once",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				customer := w.Empty(t, w.Providers[0], w.tag()).Customer.ID
				return MoneyCalls{
					Key: w.OperatorKey, Other: map[string]any{"customerId": customer, "reason": "another"},
					Input: func(int) map[string]any { return map[string]any{"customerId": customer, "reason": "moved away"} },
				}
			},
		},
		"payOrder": {Selection: "{order{id status paidAt} balance{available{amount} version}}", Prepare: func(t *testing.T, w *World, calls int) MoneyCalls {
			b := w.Empty(t, w.Providers[0], w.tag())
			orders := w.Bills(t, b, calls+1)
			return MoneyCalls{
				Key: b.Key, Spends: Cash(models.OwnerCustomer, b.Customer.ID), Other: map[string]any{"orderId": orders[calls].ID},
				Input: func(call int) map[string]any { return map[string]any{"orderId": orders[call].ID} },
			}
		}},
	}
}

// moving is calls of one of the moves along an edge of the partner's.
func moving(p *Org, field string, id models.ID, spends ledger.AccountSpec) MoneyCalls {
	return MoneyCalls{
		Key: p.Key, Spends: spends, Other: map[string]any{field: id, "amount": "1.01"},
		Input: func(int) map[string]any { return map[string]any{field: id, "amount": "1.00"} },
	}
}

// Bills places so many orders of 1.00 each for a customer.
func (w *World) Bills(t *testing.T, b *Buyer, n int) []models.Order {
	t.Helper()
	until := w.Now().Add(24 * time.Hour)
	bills := make([]models.Order, n)
	for i := range bills {
		bills[i] = w.PlaceUntil(t, b, fmt.Sprintf("%s-%s", b.Tag, w.tag()), 100, until)
	}
	return bills
}

// Leave takes money out of an account, or puts some in, until it has this much.
func (w *World) Leave(t *testing.T, spec ledger.AccountSpec, minor int64) {
	t.Helper()
	var account models.Account
	must(t, w.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) (err error) {
		account, err = w.Ledger.Open(ctx, tx, spec)
		return err
	}))
	switch more := minor - account.BalanceMinor; {
	case more > 0:
		w.Move(t, models.TransferRecharge, more, w.world(), spec)
	case more < 0:
		w.Move(t, models.TransferWithdrawal, -more, spec, w.world())
	}
}

// tag is a text that nothing else of the world has.
func (w *World) tag() string { return fmt.Sprintf("made-%d", w.next()) }
