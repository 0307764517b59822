package seed

import (
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// importer is who the opening transfers were made by.
const importer = "seed"

// An owner is a partner or a customer, counted through: partners first. Each has one balance account and one opening
// transfer from the outside world, whose own account therefore has one entry for each owner, in this order.
func (n *network) owners() int { return n.Partners + n.Customers }

// openings are the sums of the opening amounts before every openingBlock-th owner: enough to find the world's balance at
// any owner without walking through all those before it.
type openings []int64

const openingBlock = 1024

func sumOpenings(n *network) openings {
	g := newGenerator(n)
	sums := openings{0}
	var total int64
	for i := range n.owners() {
		total += g.opening(i)
		if (i+1)%openingBlock == 0 {
			sums = append(sums, total)
		}
	}
	return append(sums, total) // the last one is the sum of all, wherever the last block ends
}

func (s openings) total() int64 { return s[len(s)-1] }

// openedBefore returns what left the world for the owners before this one.
func (g *generator) openedBefore(owner int) int64 {
	sum := g.openings[owner/openingBlock]
	for i := owner / openingBlock * openingBlock; i < owner; i++ {
		sum += g.opening(i)
	}
	return sum
}

// opening returns an owner's opening balance in minor units: 10,000 to 1,000,000 for a partner, 10 to 10,000 for a customer.
func (g *generator) opening(owner int) int64 {
	g.dice.roll(openingStream, owner)
	if owner < g.Partners {
		return int64(1_000_000 + g.dice.below(99_000_001))
	}
	return int64(1_000 + g.dice.below(999_001))
}

// cloudAccounts are the accounts of the cloud as the openings leave them: the world, which gave everything, and the shards of
// its revenue, which got nothing, because orders are history from before this ledger.
func (g *generator) cloudAccounts() []models.Account {
	_, _, last := g.owner(g.owners() - 1)
	accounts := []models.Account{{
		ID: g.worldID(), OwnerKind: models.OwnerCloud, OwnerID: g.Cloud, Kind: models.AccountWorld, Asset: string(g.Currency),
		BalanceMinor: -g.openings.total(), Version: int64(g.owners()), Revision: int64(g.owners()), CreatedAt: g.Start, UpdatedAt: last,
	}}
	for shard := range models.RevenueShards {
		g.dice.roll(accountStream, g.owners()+1+shard)
		accounts = append(accounts, models.Account{
			ID: g.dice.id(models.PrefixAccount, g.Start), OwnerKind: models.OwnerCloud, OwnerID: models.RevenueShard(g.Cloud, shard),
			Kind: models.AccountRevenue, Asset: string(g.Currency), CreatedAt: g.Start, UpdatedAt: g.Start,
		})
	}
	return accounts
}

func (g *generator) worldID() models.ID {
	g.dice.roll(accountStream, g.owners())
	return g.dice.id(models.PrefixAccount, g.Start)
}

func (g *generator) owner(i int) (kind models.OwnerKind, id models.ID, born time.Time) {
	if i < g.Partners {
		id, born = g.partnerBirth(i)
		return models.OwnerPartner, id, born
	}
	id, _, born = g.customerBirth(i - g.Partners)
	return models.OwnerCustomer, id, born
}

// books are the ledger rows of a run of owners.
type books struct {
	accounts  []models.Account
	transfers []models.Transfer
	entries   []models.Entry
}

// open makes the accounts and opening transfers of the owners from..to-1.
func (g *generator) open(from, to int) books {
	var b books
	world, given := g.worldID(), g.openedBefore(from)
	for i := from; i < to; i++ {
		amount := g.opening(i)
		given += amount
		kind, owner, at := g.owner(i)
		floor := int64(0)
		g.dice.roll(accountStream, i)
		account := models.Account{
			ID: g.dice.id(models.PrefixAccount, at), OwnerKind: kind, OwnerID: string(owner), Kind: models.AccountBalance,
			Asset: string(g.Currency), FloorMinor: &floor, BalanceMinor: amount, Version: 1, Revision: 1, CreatedAt: at, UpdatedAt: at,
		}
		transfer := models.Transfer{
			ID: g.dice.id(models.PrefixTransfer, at), Kind: models.TransferAdjust, ActorID: importer, RequestID: importer,
			Reason: "opening balance", CreatedAt: at,
		}
		entry := models.Entry{
			ID: g.dice.id(models.PrefixEntry, at), TransferID: transfer.ID, AccountID: account.ID, Asset: account.Asset, AmountMinor: amount,
			Version: 1, BalanceAfterMinor: amount, CreatedAt: at,
		}
		other := entry
		other.ID, other.AccountID = g.dice.id(models.PrefixEntry, at), world
		other.AmountMinor, other.Version, other.BalanceAfterMinor = -amount, int64(i+1), -given
		b.accounts = append(b.accounts, account)
		b.transfers = append(b.transfers, transfer)
		b.entries = append(b.entries, entry, other)
	}
	return b
}
