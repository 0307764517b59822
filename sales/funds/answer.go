package funds

import (
	"strconv"
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

// text is the answer as JSON: what its tags say, without asking them for each of hundreds.
func (a answer) text() []byte {
	b := models.AppendJSON(append(make([]byte, 0, 192+64*(len(a.Above)+len(a.Below))), `{"t":`...), a.ID)
	b = models.AppendJSON(append(b, `,"k":`...), a.Kind)
	b = append(a.At.AppendFormat(append(b, `,"at":"`...), time.RFC3339Nano), '"')
	b = models.AppendJSON(append(b, `,"c":`...), a.Currency)
	b = appendSide(append(b, `,"a":`...), a.Above)
	b = appendSide(append(b, `,"b":`...), a.Below)
	return append(b, '}')
}

func appendSide(b []byte, side []held) []byte {
	if side == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, h := range side {
		if i > 0 {
			b = append(b, ',')
		}
		b = models.AppendJSON(append(b, `{"k":`...), h.Kind)
		b = strconv.AppendInt(append(b, `,"b":`...), h.Balance, 10)
		for _, more := range [...]struct {
			name string
			n    int64
		}{{`,"h":`, h.Held}, {`,"e":`, h.Earmarked}, {`,"f":`, h.Floor}} {
			if more.n != 0 {
				b = strconv.AppendInt(append(b, more.name...), more.n, 10)
			}
		}
		b = append(strconv.AppendInt(append(b, `,"r":`...), h.Revision, 10), '}')
	}
	return append(b, ']')
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
