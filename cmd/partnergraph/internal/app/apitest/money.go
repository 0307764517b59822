package apitest

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/partners"
)

// MoneyMutation is how a mutation that takes an idempotency key is tried: by many calls that each move 1.00.
type MoneyMutation struct {
	Selection string // of the payload; what it selects must be the same at every repetition of a key
	// Event is what a call that takes effect records once, and "" for one that posts a transfer instead.
	Event models.EventType
	// NoDebit says why the mutation cannot run an account dry; "" = it can, and is raced for the last money (R6).
	NoDebit string
	// OnlyOne says why one call of an owner alone can succeed: in the race each asks for all of the 100.00 that are there, and
	// the others are PRECONDITION_FAILED. "" = each takes 1.00, and those that come too late are INSUFFICIENT_BALANCE.
	OnlyOne string
	// Prepare makes what so many calls need, for nobody else to use. A mutation with NoDebit is called with one key only.
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
	rows := edgeMutations()
	maps.Copy(rows, correctionMutations())
	maps.Copy(rows, orderMutations())
	maps.Copy(rows, orderLifeMutations())
	maps.Copy(rows, rechargeMutations())
	maps.Copy(rows, withdrawalMutations())
	maps.Copy(rows, managementMutations())
	maps.Copy(rows, relationMutations())
	maps.Copy(rows, couponMutations())
	maps.Copy(rows, payoutMutations())
	maps.Copy(rows, staffMutations())
	maps.Copy(rows, transferMutations())
	maps.Copy(rows, settlementMutations())
	maps.Copy(rows, cooperationMutations())
	return rows
}

// edgeMutations are those of money along an edge between partners and customers.
func edgeMutations() map[string]MoneyMutation {
	const transfer = "transfer{id kind createdAt} partnerBalance{available{amount} version}"
	const balances = "partnerBalance{available{amount} version} customerBalance{available{amount} version}"
	const customers = "{" + transfer + " customerBalance{available{amount} version}}"
	const resellers = "{" + transfer + " resellerBalance{available{amount} version}}"
	return map[string]MoneyMutation{
		"fundCustomer": {Selection: customers, Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
			p := w.rich(t, models.SolutionProvider, nil)
			return moving(p, "customerId", w.Empty(t, p, w.tag()).Customer.ID, Cash(models.OwnerPartner, p.Partner.ID))
		}},
		"reclaimFromCustomer": {Selection: customers, Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
			p := w.rich(t, models.SolutionProvider, nil)
			customer := w.Empty(t, p, w.tag()).Customer.ID
			return moving(p, "customerId", customer, Cash(models.OwnerCustomer, customer))
		}},
		"fundReseller": {Selection: resellers, Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
			d := w.rich(t, models.Distributor, nil)
			return moving(d, "resellerId", w.rich(t, models.CloudReseller, d).Partner.ID, Cash(models.OwnerPartner, d.Partner.ID))
		}},
		"reclaimFromReseller": {Selection: resellers, Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
			d := w.rich(t, models.Distributor, nil)
			r := w.rich(t, models.CloudReseller, d).Partner.ID
			return moving(d, "resellerId", r, Cash(models.OwnerPartner, r))
		}},
		"endAssociation": {
			Selection: "{association{id until} transfer{id kind createdAt} " + balances + "}",
			NoDebit:   "it takes back whatever there is, once",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				customer := w.Empty(t, w.Providers[0], w.tag()).Customer.ID
				return always(w.OperatorKey, map[string]any{"customerId": customer, "reason": "moved away"}, "reason", "another")
			},
		},
	}
}

// correctionMutations are what operators do to a balance.
func correctionMutations() map[string]MoneyMutation {
	limited := func(t *testing.T, w *World, _ int) MoneyCalls {
		customer := w.Empty(t, w.Providers[0], w.tag()).Customer.ID
		return always(w.OperatorKey, map[string]any{"customerId": customer, "amount": "1.00", "reason": "test"}, "amount", "1.01")
	}
	return map[string]MoneyMutation{
		"earmarkBalance": {
			Selection: "{balance{available{amount} earmarked{amount} version}}", Event: models.EventBalanceEarmarked, Prepare: limited,
			NoDebit: "it replaces what was earmarked before, so that a second call takes nothing more",
		},
		"setCreditLine": {
			Selection: "{balance{available{amount} version}}", Event: models.EventCreditLineSet, Prepare: limited,
			NoDebit: "it says how far below zero an account may go, and takes nothing",
		},
		"adjustBalance": {
			Selection: "{transfer{id kind createdAt} balance{available{amount} version}}",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				customer := w.Empty(t, w.Providers[0], w.tag()).Customer.ID
				calls := always(w.OperatorKey, map[string]any{"customerId": customer, "amount": "-1.00", "reason": "test"}, "amount", "-1.01")
				calls.Spends = Cash(models.OwnerCustomer, customer)
				return calls
			},
		},
		"reverseTransfer": {
			Selection: "{transfer{id kind createdAt} balances{ownerId balance{available{amount} version}}}",
			Prepare: func(t *testing.T, w *World, calls int) MoneyCalls {
				owner := Cash(models.OwnerCustomer, w.lone(t).Customer.ID)
				recharges := several(calls+1, func() models.ID { return w.Move(t, models.TransferRecharge, 100, w.world(), owner).ID })
				made := over(w.OperatorKey, "transferId", recharges, map[string]any{"reason": "test"})
				made.Spends = owner
				return made
			},
		},
	}
}

// moving is calls of one of the moves along an edge of the partner's.
func moving(p *Org, field string, id models.ID, spends ledger.AccountSpec) MoneyCalls {
	calls := always(p.Key, map[string]any{field: id, "amount": "1.00"}, "amount", "1.01")
	calls.Spends = spends
	return calls
}

// always is calls that all have the same input; the other input differs in this one field.
func always(key string, input map[string]any, field string, other any) MoneyCalls {
	differing := maps.Clone(input)
	differing[field] = other
	return MoneyCalls{Key: key, Other: differing, Input: func(int) map[string]any { return input }}
}

// over is calls that each name an object of their own; the other input names the last.
func over(key, field string, ids []models.ID, more map[string]any) MoneyCalls {
	input := func(call int) map[string]any {
		one := map[string]any{field: ids[call]}
		maps.Copy(one, more)
		return one
	}
	return MoneyCalls{Key: key, Other: input(len(ids) - 1), Input: input}
}

// several makes so many objects.
func several(n int, one func() models.ID) []models.ID {
	ids := make([]models.ID, n)
	for i := range ids {
		ids[i] = one()
	}
	return ids
}

// rich makes a partner with a key and money of which nothing is held, so that all of it can be spent.
func (w *World) rich(t *testing.T, kind models.PartnerKind, parent *Org) *Org {
	t.Helper()
	o := &Org{Tag: w.tag(), Parent: parent}
	cmd := partners.CreatePartner{
		Kind: kind, Name: o.Tag, Level: models.LevelLeading, Country: "CN", SigningEntity: "Cloud", Currency: models.CNY, Cloud: w.Cloud,
	}
	if parent != nil {
		cmd.ParentID = &parent.Partner.ID
	}
	var err error
	o.Partner, err = w.Partners.Create(t.Context(), w.who, cmd)
	must(t, err)
	w.Move(t, models.TransferRecharge, 10_000_000, w.world(), Cash(models.OwnerPartner, o.Partner.ID))
	key := w.key(t.Context(), t, identity.CreateKey{Name: o.Tag, PartnerID: &o.Partner.ID})
	o.Key, o.KeyID = key.Secret, key.APIKey.ID
	return o
}

// lone makes an advisory customer with money that it put in itself, and nothing else.
func (w *World) lone(t *testing.T) *Buyer {
	t.Helper()
	b := &Buyer{Tag: w.tag(), Owner: w.Providers[0]}
	var err error
	b.Customer, err = w.Customers.Create(t.Context(), w.who, customers.CreateCustomer{
		Name: b.Tag, Kind: models.Enterprise, PartnerID: b.Owner.Partner.ID, Mode: models.Advisory,
	})
	must(t, err)
	w.Move(t, models.TransferRecharge, 1_000_000, w.world(), Cash(models.OwnerCustomer, b.Customer.ID))
	key := w.key(t.Context(), t, identity.CreateKey{Name: b.Tag, CustomerID: &b.Customer.ID})
	b.Key, b.KeyID = key.Secret, key.APIKey.ID
	return b
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
