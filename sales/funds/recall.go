package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// The refusals of a recall (C13).
var (
	ErrArrears   = models.Precondition("ARREARS", "This customer owes money; the debt has to be settled first (C13).")
	ErrHeldMoney = models.Precondition("HELD_MONEY", "Money of this customer is set aside for an order under way; it has to be delivered or cancelled first.")

	ErrResellerArrears = models.Precondition("ARREARS", "This reseller owes money; the debt has to be settled first.")
	ErrResellerHeld    = models.Precondition("HELD_MONEY", "Money of this reseller is set aside for an order under way; it has to be delivered or cancelled first.")
)

// RecallIn takes the money of a customer that leaves resale back to its partner, in the caller's transaction: because its
// association ends, or because it becomes advisory (C14). The customer is given as it was, with the partner and mode that
// end; its row has been changed and is locked by the caller, so that whoever locks its accounts after this sees the end.
//
// A resale customer is left with a balance of exactly zero. What partners fund is cash, so cash goes back; a bonus and a
// deposit never came down this edge and stay. An advisory customer's money is its own: nothing moves. The refusals are
// reasons of PRECONDITION_FAILED: ARREARS in either mode, HELD_MONEY when money is set aside, because voiding the hold
// would take the money of an order that is being delivered. The partner's alert on the customer's balance goes, too.
func (s *Service) RecallIn(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) (models.Recalled, error) {
	done, err := s.recallIn(ctx, tx, who, edge{
		above: customer.PartnerID, kind: models.OwnerCustomer, below: customer.ID, currency: customer.Currency, resale: customer.Mode == models.Resale,
		arrears: ErrArrears, held: ErrHeldMoney,
	})
	if err != nil {
		return models.Recalled{}, err
	}
	return done, s.dropPartnersAlert(ctx, tx, who, customer)
}

// RecallFromResellerIn takes the money of a reseller that leaves its distributor back to it (M05, M06), in the caller's transaction. The reseller is
// given as it was, with the distributor; its row has been changed and is locked by the caller. What it handed on to its customers stays theirs. The
// refusals are those of RecallIn; its own alert stays.
func (s *Service) RecallFromResellerIn(ctx context.Context, tx bun.IDB, who models.Principal, reseller models.Partner) (models.Recalled, error) {
	return s.recallIn(ctx, tx, who, edge{
		above: reseller.ParentID, kind: models.OwnerPartner, below: reseller.ID, currency: reseller.Currency, resale: true,
		arrears: ErrResellerArrears, held: ErrResellerHeld,
	})
}

// edge is what money went down along, and goes back up when it ends.
type edge struct {
	above         models.ID // a partner
	kind          models.OwnerKind
	below         models.ID
	currency      models.Currency
	resale        bool // what is below came from above; otherwise it is its owner's own and stays
	arrears, held *models.Error
}

func (s *Service) recallIn(ctx context.Context, tx bun.IDB, who models.Principal, e edge) (models.Recalled, error) {
	above, below, err := s.openEnds(ctx, tx, e)
	if err != nil {
		return models.Recalled{}, err
	}
	// With the accounts locked, what moved before is in them, and what comes later finds the edge gone.
	accounts, err := s.Ledger.LockOwners(ctx, tx, e.above, e.below)
	if err != nil {
		return models.Recalled{}, err
	}
	cash, err := recallable(accounts, e, below.ID)
	if err != nil {
		return models.Recalled{}, err
	}
	var done models.Recalled
	if cash > 0 {
		transfer, _, err := s.Ledger.Post(ctx, tx, who, ledger.Posting{Kind: models.TransferRecall, Legs: []ledger.Leg{
			{AccountID: below.ID, AmountMinor: -cash}, {AccountID: above.ID, AmountMinor: cash},
		}})
		if err != nil {
			return models.Recalled{}, err
		}
		done.Transfer = &transfer
	}
	if done.PartnerBalance, done.CustomerBalance, err = s.balancesOfBoth(ctx, tx, e); err != nil {
		return models.Recalled{}, err
	}
	if done.Transfer == nil {
		return done, nil
	}
	return done, s.recordRecall(ctx, tx, who, e, models.NewMoney(cash, e.currency), done)
}

// openEnds makes sure that both ends have an account to lock, from the top down as every move does.
func (s *Service) openEnds(ctx context.Context, tx bun.IDB, e edge) (above, below models.Account, err error) {
	floor := int64(0)
	spec := ledger.AccountSpec{
		OwnerKind: models.OwnerPartner, OwnerID: string(e.above), Kind: models.AccountBalance, Asset: string(e.currency), Floor: &floor,
	}
	if above, err = s.Ledger.Open(ctx, tx, spec); err != nil {
		return above, below, err
	}
	spec.OwnerKind, spec.OwnerID = e.kind, string(e.below)
	below, err = s.Ledger.Open(ctx, tx, spec)
	return above, below, err
}

// recallable returns what goes back, in minor units, or why nothing may.
func recallable(accounts []models.Account, e edge, cash models.ID) (int64, error) {
	var all int64
	for _, account := range accounts {
		if account.OwnerKind != e.kind || account.OwnerID != string(e.below) {
			continue
		}
		if account.BalanceMinor < 0 {
			return 0, e.arrears
		}
		if !e.resale || account.ID != cash {
			continue
		}
		if account.HeldMinor > 0 || account.EarmarkedMinor > 0 {
			return 0, e.held
		}
		all = account.BalanceMinor
	}
	return all, nil
}

func (s *Service) balancesOfBoth(ctx context.Context, tx bun.IDB, e edge) (above, below models.Balance, err error) {
	now := s.moment()
	accounts, err := s.Ledger.Accounts(ctx, tx, []string{string(e.above), string(e.below)}, moneyKinds()...)
	if err != nil {
		return above, below, err
	}
	byOwner := make(map[string][]models.Account, 2)
	for _, account := range accounts {
		byOwner[account.OwnerID] = append(byOwner[account.OwnerID], account)
	}
	return models.BalanceOf(byOwner[string(e.above)], e.currency, now), models.BalanceOf(byOwner[string(e.below)], e.currency, now), nil
}

// recordRecall tells both sides; the upper end's figures are no business of the lower one's.
func (s *Service) recordRecall(ctx context.Context, tx bun.IDB, who models.Principal, e edge, money models.Money, done models.Recalled) error {
	changed := func(subject, partner, customer models.ID, balance models.Balance) models.Event {
		return models.Event{
			Type: models.EventBalanceChanged, PartnerID: partner, CustomerID: customer, SubjectID: string(subject),
			Fields: []string{"balance"},
			Data: map[string]any{
				"transferId": done.Transfer.ID, "kind": done.Transfer.Kind, "amount": money.Plain(), "currency": money.Currency,
				"version": balance.Version,
			},
		}
	}
	partner, customer := e.above, e.below
	if e.kind == models.OwnerPartner {
		partner, customer = e.below, ""
	}
	return s.Events.Record(ctx, tx, who,
		changed(e.above, e.above, "", done.PartnerBalance), changed(e.below, partner, customer, done.CustomerBalance))
}

// dropPartnersAlert takes away what the partner of a resale customer watches; the customer, or its next partner, sets its own.
func (s *Service) dropPartnersAlert(ctx context.Context, tx bun.IDB, who models.Principal, customer models.Customer) error {
	if customer.Mode != models.Resale {
		return nil
	}
	_, found, err := selectAlertForUpdate(ctx, tx, customer.ID)
	if err != nil || !found {
		return err
	}
	return s.removeAlertIn(ctx, tx, who, ofCustomer(customer))
}
