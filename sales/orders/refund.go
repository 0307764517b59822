package orders

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// maxReason is how many characters the reason of a refund may have, as with every other correction.
const maxReason = 500

// RefundOrder says what to pay back of a paid order.
type RefundOrder struct {
	OrderID        models.ID
	ItemID         *models.ID       // one line of the order, without its parts; nil = the order as a whole
	Amount         *decimal.Decimal // more than zero, in the order's currency; nil = all that is left of the line or the order
	Reason         string           // one line of 1 to 500 characters for people; no personal data
	IdempotencyKey string           // 1 to 128 printable ASCII characters, made up once per refund
}

// RefundResult is what a refund did. A repeated key returns the figures of then.
type RefundResult struct {
	Refund  models.OrderRefund
	Order   models.Order
	Balance models.Balance // of whoever got the money, after the refund
}

// Refund pays money of a paid order back, exactly once: never more than was paid, for the order and for each line. It goes
// to whom models.Order.RefundTo names (O09), but for what the customer still owes on account for the order, which is taken off there, from the revenue account that the customer's payments went to. Operators
// only. The order keeps its status: what it delivered is ended by unsubscribing, not by paying back. The reasons of
// PRECONDITION_FAILED are those of models.Order.CheckRefundable and REFUND_EXCEEDS_PAID, with what is left as refundable.
func (s *Service) Refund(ctx context.Context, who models.Principal, cmd RefundOrder) (RefundResult, error) {
	if err := access.Require(who, models.MoveMoney); err != nil {
		return RefundResult{}, err
	}
	if !who.SeesAll() {
		return RefundResult{}, ErrOperatorRefunds
	}
	if err := cmd.check(); err != nil {
		return RefundResult{}, err
	}
	done, err := ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "refundOrder", cmd.asked(), func(ctx context.Context, tx bun.IDB) (RefundResult, error) {
		return s.refundIn(ctx, tx, who, cmd)
	})
	if err != nil {
		return RefundResult{}, err
	}
	s.nudge()
	return done, nil
}

func (cmd RefundOrder) check() error {
	if err := cmd.OrderID.Require(models.PrefixOrder, "orderId"); err != nil {
		return err
	}
	if cmd.ItemID != nil {
		if err := cmd.ItemID.Require(models.PrefixOrderItem, "itemId"); err != nil {
			return err
		}
	}
	// Sign and exponent come first, before anything writes the amount out; the rest needs the currency.
	if cmd.Amount != nil {
		if cmd.Amount.Sign() <= 0 {
			return models.Invalid("amount", "The amount must be above zero; leave it out to pay back all that is left.")
		}
		if _, err := models.ParseMoney(*cmd.Amount, models.CNY, "amount"); err != nil {
			return err
		}
	}
	if err := checkReason(cmd.Reason); err != nil {
		return err
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

// checkReason wants a line of text that says something.
func checkReason(reason string) error {
	if strings.TrimSpace(reason) == "" {
		return models.Invalid("reason", "Say why: a reason is needed.")
	}
	if !utf8.ValidString(reason) || utf8.RuneCountInString(reason) > maxReason || strings.ContainsFunc(reason, unicode.IsControl) {
		return models.Invalid("reason", "A reason is one line of at most 500 characters.")
	}
	return nil
}

// asked is what the idempotency key stands for.
func (cmd RefundOrder) asked() any {
	asked := struct {
		OrderID models.ID
		ItemID  *models.ID
		Amount  string // empty = all that is left
		Reason  string
	}{OrderID: cmd.OrderID, ItemID: cmd.ItemID, Reason: cmd.Reason}
	if cmd.Amount != nil {
		asked.Amount = cmd.Amount.String()
	}
	return asked
}

// refundIn is the refund itself. The lock on the order makes refunds of one order take turns, so that each counts the ones
// before it; a reversal in between can only make more refundable. The customer is shared: its association, which decides
// where the money goes, cannot end meanwhile.
func (s *Service) refundIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd RefundOrder) (RefundResult, error) {
	order, found, err := selectOrderForUpdate(ctx, tx, who, cmd.OrderID)
	if err != nil {
		return RefundResult{}, err
	}
	if !found {
		return RefundResult{}, ErrUnknown
	}
	amount, err := s.refundAmount(ctx, tx, who, order, cmd)
	if err != nil {
		return RefundResult{}, err
	}
	customer, found, err := selectCustomerForShare(ctx, tx, order.CustomerID)
	if err != nil {
		return RefundResult{}, err
	}
	if !found {
		return RefundResult{}, ErrCustomerUnknown
	}
	refund := models.OrderRefund{
		ID: s.IDs(models.PrefixOrderRefund), OrderID: order.ID, Currency: order.Currency, AmountMinor: amount.Minor,
		Reason: cmd.Reason, CreatedAt: s.now(),
	}
	if cmd.ItemID != nil {
		refund.ItemID = *cmd.ItemID
	}
	refund.Destination, refund.DestinationID = order.RefundTo(customer)
	balance, err := s.payBack(ctx, tx, who, order, &refund)
	return RefundResult{Refund: refund, Order: order, Balance: balance}, err
}

// payBack moves the money of a refund that is known to be there, writes the refund down and tells of it. It returns the balance of whoever got
// the money.
func (s *Service) payBack(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, refund *models.OrderRefund) (models.Balance, error) {
	var err error
	if refund.TransferID, err = s.giveMoneyBack(ctx, tx, who, order, refund); err != nil {
		return models.Balance{}, err
	}
	if err := insertRefund(ctx, tx, refund); err != nil {
		return models.Balance{}, err
	}
	balance, err := s.balanceOf(ctx, tx, refund.DestinationID, order.Currency)
	if err != nil {
		return models.Balance{}, err
	}
	return balance, s.recordRefunded(ctx, tx, who, order, *refund, balance)
}

// refundAmount is what the caller asks for, or all that is left, once it is known to be there.
func (s *Service) refundAmount(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, cmd RefundOrder) (models.Money, error) {
	refunds, err := selectRefunds(ctx, tx, who, []models.ID{order.ID})
	if err != nil {
		return models.Money{}, err
	}
	left := order.LeftToRefund(refunds)
	if cmd.ItemID != nil {
		items, err := selectItems(ctx, tx, who, []models.ID{order.ID})
		if err != nil {
			return models.Money{}, err
		}
		item, found := itemWith(items, *cmd.ItemID)
		if !found {
			return models.Money{}, ErrItemUnknown
		}
		left = order.LeftOfItem(item, refunds)
	}
	if err := order.CheckRefundable(refunds); err != nil {
		return models.Money{}, err
	}
	if left.Minor == 0 {
		return models.Money{}, ErrLineRefunded
	}
	if cmd.Amount == nil {
		return left, nil
	}
	amount, err := models.ParseMoney(*cmd.Amount, order.Currency, "amount")
	if err == nil && amount.Minor > left.Minor {
		err = exceedsPaid(amount, left)
	}
	return amount, err
}

func itemWith(items []models.OrderItem, id models.ID) (models.OrderItem, bool) {
	for _, item := range items {
		if item.ID == id {
			return item, true
		}
	}
	return models.OrderItem{}, false
}

// refundAccounts opens the accounts of a refund and returns their ids: of whoever gets the money, of the revenue that the customer's payments went to,
// and of what the customer owes when the order was paid on account; the last is the zero id otherwise. Accounts are opened from the top down, as
// everywhere.
func (s *Service) refundAccounts(ctx context.Context, tx bun.IDB, order models.Order, refund models.OrderRefund) (to, revenue, owed models.ID, err error) {
	kind := models.OwnerCustomer
	if refund.Destination == models.RefundToPartner {
		kind = models.OwnerPartner
	}
	balance, err := s.openBalance(ctx, tx, kind, refund.DestinationID, order.Currency)
	if err != nil {
		return "", "", "", err
	}
	income, err := s.openRevenue(ctx, tx, order)
	if err != nil || s.Account == nil || order.AccountMinor == 0 {
		return balance.ID, income.ID, "", err
	}
	account, err := s.Account.AccountIn(ctx, tx, order.CustomerID, order.Currency)
	return balance.ID, income.ID, account.ID, err
}

// giveMoneyBack moves the refund from the revenue that the customer's payments went to: first off what the customer owes for this very order, the rest
// to its destination.
func (s *Service) giveMoneyBack(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, refund *models.OrderRefund) (models.ID, error) {
	to, revenue, owed, err := s.refundAccounts(ctx, tx, order, *refund)
	if err != nil {
		return "", err
	}
	if owed != "" {
		if _, err := s.Ledger.Lock(ctx, tx, to, revenue, owed); err != nil {
			return "", err
		}
		if refund.AccountMinor, err = s.backOnAccount(ctx, tx, order, *refund); err != nil {
			return "", err
		}
	}
	transfer, _, err := s.Ledger.Post(ctx, tx, who, ledger.Posting{
		Kind: models.TransferRefund, OrderID: order.ID, SubjectID: refund.ID, Reason: refund.Reason,
		Legs: legsOf(
			ledger.Leg{AccountID: revenue, AmountMinor: -refund.AmountMinor},
			ledger.Leg{AccountID: owed, AmountMinor: refund.AccountMinor},
			ledger.Leg{AccountID: to, AmountMinor: refund.AmountMinor - refund.AccountMinor},
		),
	})
	if err != nil || refund.AccountMinor == 0 {
		return transfer.ID, err
	}
	return transfer.ID, s.Account.CreditIn(ctx, tx, order.CustomerID, order.Currency, refund.AccountMinor, *order.PaidAt)
}

// recordRefunded tells those who may see the order. What becomes of the partner's balance is no business of the customer's.
func (s *Service) recordRefunded(ctx context.Context, tx bun.IDB, who models.Principal, order models.Order, refund models.OrderRefund, balance models.Balance) error {
	money := map[string]any{
		"transferId": refund.TransferID, "kind": models.TransferRefund, "amount": refund.Amount().Plain(), "currency": refund.Currency,
	}
	if refund.AccountMinor > 0 {
		money["onAccount"] = refund.AccountAmount().Plain()
	}
	refunded := models.Event{
		Type: models.EventOrderRefunded, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(order.ID),
		Fields: []string{"refunds"}, Changes: []models.FieldChange{models.Changed("refunds", "", refund.ID)}, // one more
		Data: with(money, "refundId", refund.ID, "destination", refund.Destination),
	}
	changed := models.Event{
		Type: models.EventBalanceChanged, PartnerID: order.PartnerID, CustomerID: order.CustomerID, SubjectID: string(refund.DestinationID),
		Fields: []string{"balance"},
		Data:   with(money, "version", balance.Version),
	}
	if refund.Destination == models.RefundToPartner {
		changed.CustomerID = ""
	}
	return s.Events.Record(ctx, tx, who, refunded, changed)
}
