package funds

import (
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// answer is what the idempotency key of a move keeps, for good and for every move: hence the short names.
type answer struct {
	ID       models.ID           `json:"t"`
	Kind     models.TransferKind `json:"k"`
	At       time.Time           `json:"at"`
	Currency models.Currency     `json:"c"`
	Above    []held              `json:"a"` // the partner's money accounts after the move
	Below    []held              `json:"b"` // the customer's or reseller's
}

// held is an account as a balance needs it.
type held struct {
	Kind      models.AccountKind `json:"k"`
	Balance   int64              `json:"b"`
	Held      int64              `json:"h,omitempty"`
	Earmarked int64              `json:"e,omitempty"`
	Floor     int64              `json:"f,omitempty"`
	Revision  int64              `json:"r"`
}

func heldOf(a models.Account) held {
	h := held{Kind: a.Kind, Balance: a.BalanceMinor, Held: a.HeldMinor, Earmarked: a.EarmarkedMinor, Revision: a.Revision}
	if a.FloorMinor != nil {
		h.Floor = *a.FloorMinor
	}
	return h
}

func (a answer) moved() Moved {
	return Moved{
		Transfer:       models.Transfer{ID: a.ID, Kind: a.Kind, CreatedAt: a.At},
		PartnerBalance: a.balance(a.Above), TargetBalance: a.balance(a.Below),
	}
}

func (a answer) balance(side []held) models.Balance {
	accounts := make([]models.Account, len(side))
	for i, h := range side {
		accounts[i] = models.Account{
			Kind: h.Kind, Asset: string(a.Currency), FloorMinor: &side[i].Floor,
			BalanceMinor: h.Balance, HeldMinor: h.Held, EarmarkedMinor: h.Earmarked, Revision: h.Revision,
		}
	}
	return models.BalanceOf(accounts, a.Currency, a.At)
}
