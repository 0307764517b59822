package funds

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/partnergraph/partnergraph/models"
)

// columnCard is what cards are sealed under, together with the withdrawal's id.
const columnCard = "withdrawals.card"

// BankCard is where money is paid out to. It is kept sealed, in no event, no log and no stored answer.
type BankCard struct {
	Holder string `json:"holder"` // 1 to 100 characters
	Number string `json:"number"` // 8 to 34 digits and capital letters; spaces are dropped
	Bank   string `json:"bank"`   // its name, 1 to 100 characters
}

var cardNumber = regexp.MustCompile(`^[0-9A-Z]{8,34}$`)

// checked returns the card as it is kept, or INVALID with the field at fault, whose message never repeats the value.
func (c BankCard) checked() (BankCard, error) {
	card := BankCard{
		Holder: strings.TrimSpace(c.Holder), Bank: strings.TrimSpace(c.Bank), Number: strings.ReplaceAll(c.Number, " ", ""),
	}
	if err := models.CheckText(card.Holder, "bankCard.holder", 100, false); err != nil {
		return BankCard{}, err
	}
	if err := models.CheckText(card.Bank, "bankCard.bank", 100, false); err != nil {
		return BankCard{}, err
	}
	if !cardNumber.MatchString(card.Number) {
		return BankCard{}, models.Invalid("bankCard.number", "The number of a card or bank account has 8 to 34 digits and capital letters.")
	}
	return card, nil
}

// cardFor checks the card against the route: two routes need one, the original route takes none.
func cardFor(route models.WithdrawalRoute, card *BankCard) (*BankCard, error) {
	switch {
	case !route.NeedsCard() && card == nil:
		return nil, nil
	case !route.NeedsCard():
		return nil, models.Invalid("bankCard", "The original route needs no bank card: money goes back the way it came.")
	case card == nil:
		return nil, models.Invalid("bankCard", "This route needs the bank card that the money goes to.")
	}
	checked, err := card.checked()
	return &checked, err
}

// blindCard is what an idempotency key remembers of a card: enough to notice another one, too little to find it out.
func (s *Service) blindCard(card *BankCard) string {
	if card == nil {
		return ""
	}
	return s.Seal.Blind(card.Holder+"\n"+card.Number+"\n"+card.Bank, columnCard)
}

// sealCard puts the card into the withdrawal, or takes an earlier one out.
func (s *Service) sealCard(w *models.Withdrawal, card *BankCard) error {
	w.CardLastFour, w.CardSealed = "", nil
	if card == nil {
		return nil
	}
	plain, err := json.Marshal(card)
	if err != nil {
		return fmt.Errorf("bank card: %w", err)
	}
	w.CardLastFour = card.Number[len(card.Number)-4:]
	w.CardSealed = s.Seal.Seal(plain, columnCard+":"+string(w.ID))
	return nil
}

// BankCardOf returns the whole card of a withdrawal that the caller has got from here, for operators with
// WITHDRAWALS_REVIEW; nil for everybody else, and when there is none.
func (s *Service) BankCardOf(ctx context.Context, who models.Principal, w models.Withdrawal) (*BankCard, error) {
	if w.CardLastFour == "" || !who.SeesAll() || !who.May(models.ReviewWithdrawals) {
		return nil, nil
	}
	sealed := w.CardSealed
	if sealed == nil { // the answer of a mutation comes out of JSON, which has no card
		var err error
		if sealed, err = selectCard(ctx, s.DB, w.ID); err != nil || sealed == nil {
			return nil, err
		}
	}
	plain, err := s.Seal.Open(sealed, columnCard+":"+string(w.ID))
	if err != nil {
		return nil, err
	}
	var card BankCard
	if err := json.Unmarshal(plain, &card); err != nil {
		return nil, fmt.Errorf("bank card of %s: %w", w.ID, err)
	}
	return &card, nil
}
