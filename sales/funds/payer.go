package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// The refusals of recharges and claims that callers may want to tell apart with errors.Is.
var (
	ErrOperatorsConfirm = models.Forbidden("Operators do not recharge; they confirm what arrived.")
	ErrOperatorsOnly    = models.Forbidden("Only an operator may do this.")
	ErrPayerUnknown     = models.NotFound("payer")
	ErrResaleCustomer   = models.Precondition("RESALE_CUSTOMER", "A resale customer's money comes from its partner (C02): ask the partner to fund it.")
	ErrResellerFunded   = models.Precondition("FUNDED_BY_DISTRIBUTOR", "A cloud reseller's money comes from its distributor (M06): ask the distributor to fund it.")
	ErrMethodNotOpen    = models.Precondition("METHOD_NOT_OPEN", "The signing entity does not take money this way; rechargeMethods lists the ways that are open.")
)

// payer is whose balance a recharge goes to: a partner or a customer.
type payer struct {
	partnerID  models.ID
	customerID models.ID
	name       string // of a partner: its company's, as its bank writes it
	cloud      string
	entityName string // of the partner's contract; customers have none of their own
	currency   models.Currency
}

func (p payer) ownerKind() models.OwnerKind {
	if p.customerID != "" {
		return models.OwnerCustomer
	}
	return models.OwnerPartner
}

func (p payer) ownerID() models.ID {
	if p.customerID != "" {
		return p.customerID
	}
	return p.partnerID
}

// entity finds who takes the payer's money.
func (p payer) entity(table SigningEntities) (SigningEntity, bool) {
	if p.customerID != "" {
		return table.ofCustomers(p.cloud, p.currency)
	}
	return table.ofPartner(p.entityName, p.currency)
}

// payerOf finds the caller as a payer and says whether it may recharge now, without locking anything.
func payerOf(ctx context.Context, db bun.IDB, who models.Principal) (payer, error) {
	switch {
	case who.SeesAll():
		return payer{}, ErrOperatorsConfirm
	case who.CustomerID != "":
		return findPayer(ctx, db, "", who.CustomerID, false)
	}
	return findPayer(ctx, db, who.PartnerID, "", false)
}

// findPayer reads the partner or customer and judges whether it may recharge: money of a resale customer or of a reseller
// comes down an edge, and a frozen customer's stays as it is. With lock, that stays so until the transaction ends.
func findPayer(ctx context.Context, db bun.IDB, partnerID, customerID models.ID, lock bool) (payer, error) {
	if customerID == "" {
		partner, found, err := selectPayingPartner(ctx, db, partnerID, lock)
		switch {
		case err != nil:
			return payer{}, err
		case !found:
			return payer{}, ErrPayerUnknown
		case partner.Kind == models.CloudReseller:
			return payer{}, ErrResellerFunded
		}
		return payer{partnerID: partner.ID, name: partner.Name, cloud: partner.Cloud, entityName: partner.SigningEntity, currency: partner.Currency}, nil
	}
	customer, found, err := selectPayingCustomer(ctx, db, customerID, lock)
	switch {
	case err != nil:
		return payer{}, err
	case !found:
		return payer{}, ErrPayerUnknown
	case customer.PartnerID != "" && customer.Mode == models.Resale:
		return payer{}, ErrResaleCustomer
	case customer.Frozen != models.NotFrozen:
		return payer{}, ErrCustomerFrozen
	}
	return payer{customerID: customer.ID, cloud: customer.Cloud, currency: customer.Currency}, nil
}

// credit puts money from the outside into the balance of a partner or customer, for the recharge or claim that subject
// names, and tells the owner. It locks the owner's row first, so that nobody becomes a resale customer, whose partner could
// take the money out, while its own money comes in. Rows of the noun are locked before.
func (s *Service) credit(ctx context.Context, tx bun.IDB, who models.Principal, partnerID, customerID models.ID, money models.Money, subject models.ID) (models.Transfer, models.Balance, error) {
	fail := func(err error) (models.Transfer, models.Balance, error) {
		return models.Transfer{}, models.Balance{}, err
	}
	to, err := findPayer(ctx, tx, partnerID, customerID, true)
	if err != nil {
		return fail(err)
	}
	if to.currency != money.Currency {
		return fail(models.Invalid("currency", "The money is not in the payer's currency."))
	}
	world, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: models.OwnerCloud, OwnerID: to.cloud, Kind: models.AccountWorld, Asset: string(money.Currency),
	})
	if err != nil {
		return fail(err)
	}
	account, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{
		OwnerKind: to.ownerKind(), OwnerID: string(to.ownerID()), Kind: models.AccountBalance, Asset: string(money.Currency), Floor: new(int64),
	})
	if err != nil {
		return fail(err)
	}
	transfer, _, err := s.Ledger.Post(ctx, tx, who, ledger.Posting{Kind: models.TransferRecharge, SubjectID: subject, Legs: []ledger.Leg{
		{AccountID: world.ID, AmountMinor: -money.Minor}, {AccountID: account.ID, AmountMinor: money.Minor},
	}})
	if err != nil {
		return fail(err)
	}
	balance, err := s.balanceIn(ctx, tx, to)
	if err != nil {
		return fail(err)
	}
	return transfer, balance, s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventBalanceChanged, PartnerID: to.partnerID, CustomerID: to.customerID, SubjectID: string(to.ownerID()),
		Fields: []string{"balance"}, Data: map[string]any{
			"transferId": transfer.ID, "kind": transfer.Kind, "amount": money.Plain(), "currency": money.Currency, "version": balance.Version,
		},
	})
}

// balanceIn reads a payer's balance as the transaction leaves it.
func (s *Service) balanceIn(ctx context.Context, tx bun.IDB, of payer) (models.Balance, error) {
	accounts, err := s.Ledger.Accounts(ctx, tx, []string{string(of.ownerID())}, moneyKinds()...)
	if err != nil {
		return models.Balance{}, err
	}
	own := accounts[:0]
	for _, account := range accounts {
		if account.OwnerKind == of.ownerKind() {
			own = append(own, account)
		}
	}
	return models.BalanceOf(own, of.currency, s.Now().UTC()), nil
}
