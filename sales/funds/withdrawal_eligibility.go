package funds

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// EligibilityQuery says whose withdrawals are asked about.
type EligibilityQuery struct {
	PartnerID  *models.ID
	CustomerID *models.ID
	Route      *models.WithdrawalRoute // nil = every route
}

// withdrawer is an owner of money, with what decides whether it withdraws at all.
type withdrawer struct {
	models.WithdrawalFacts
	Kind  models.OwnerKind
	ID    models.ID
	Cloud string
}

// WithdrawalEligibility says, per route, how much may be withdrawn now and what keeps the rest back (M11). Without an owner
// it is about the caller's own money, of which an operator has none. It needs BALANCES_READ; whoever is neither the owner
// nor an operator gets NOT_FOUND.
func (s *Service) WithdrawalEligibility(ctx context.Context, who models.Principal, query EligibilityQuery) ([]models.WithdrawalEligibility, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	kind, id, err := query.owner(who)
	if err != nil || id == "" {
		return nil, err
	}
	owner, found, err := selectWithdrawer(ctx, s.DB, kind, id, nil)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrOwnerUnknown
	}
	facts, err := s.withdrawalFacts(ctx, s.DB, owner, nil)
	if err != nil {
		return nil, err
	}
	if !who.SeesAll() { // notes are for operators
		for i := range facts.Restrictions {
			facts.Restrictions[i].Note = ""
		}
	}
	var all []models.WithdrawalEligibility
	for _, route := range models.WithdrawalRoutes() {
		if query.Route == nil || *query.Route == route {
			all = append(all, facts.Eligibility(route, s.moment()))
		}
	}
	return all, nil
}

// owner returns whom the query is about, which for all but operators is the caller.
func (q EligibilityQuery) owner(who models.Principal) (kind models.OwnerKind, id models.ID, err error) {
	if q.Route != nil && !q.Route.Valid() {
		return "", "", models.Invalid("route", "The route is ORIGINAL_ROUTE, BANK_CARD or INCENTIVE_REBATE.")
	}
	kind, id = ownerOf(who)
	asked, named := id, id
	switch {
	case q.PartnerID != nil && q.CustomerID != nil:
		return "", "", models.Invalid("customerId", "Name a partner or a customer, not both.")
	case q.PartnerID != nil:
		kind, named, err = models.OwnerPartner, *q.PartnerID, q.PartnerID.Require(models.PrefixPartner, "partnerId")
	case q.CustomerID != nil:
		kind, named, err = models.OwnerCustomer, *q.CustomerID, q.CustomerID.Require(models.PrefixCustomer, "customerId")
	}
	if err == nil && named != asked && !who.SeesAll() {
		err = ErrOwnerUnknown
	}
	return kind, named, err
}

// withdrawalFacts gathers what decides about an owner's withdrawals. What it reads of an account is of one moment only
// when the caller has locked it. The money that a withdrawal under way has set aside counts as free when that is the one that is judged.
func (s *Service) withdrawalFacts(ctx context.Context, db bun.IDB, owner withdrawer, judged *models.Withdrawal) (models.WithdrawalFacts, error) {
	facts := owner.WithdrawalFacts
	accounts, err := s.Ledger.Accounts(ctx, db, []string{string(owner.ID)}, models.AccountBalance, models.AccountBonus)
	if err != nil {
		return facts, err
	}
	var cash models.ID
	for _, account := range accounts {
		free := account.BalanceMinor - account.HeldMinor - account.EarmarkedMinor
		if judged != nil && account.ID == judged.AccountID {
			free += judged.AmountMinor
		}
		switch {
		case account.Asset != string(owner.Currency) || account.OwnerKind != owner.Kind:
		case account.Kind == models.AccountBonus:
			facts.BonusMinor = free
		default:
			cash, facts.CashMinor = account.ID, free
		}
	}
	if facts.Restrictions, err = selectRestrictions(ctx, db, owner.ID); err != nil {
		return facts, err
	}
	if facts.InFlight, err = existsInFlight(ctx, db, owner.ID); err != nil {
		return facts, err
	}
	if owner.Kind == models.OwnerPartner {
		if facts.ArrearsMinor, err = sumArrears(ctx, db, owner.ID, owner.Currency); err != nil {
			return facts, err
		}
	}
	if facts.PaidOut, facts.Failed, err = selectPayouts(ctx, db, owner.ID); err != nil {
		return facts, err
	}
	facts.Receipts, err = s.receipts(ctx, db, cash, facts)
	return facts, err
}

// receipts reads the newest receipts that make up what is left and what was paid out, which is all that models.LeftOf asks
// for, and returns them oldest first.
func (s *Service) receipts(ctx context.Context, db bun.IDB, account models.ID, facts models.WithdrawalFacts) ([]models.Receipt, error) {
	wanted := facts.CashMinor
	for _, payout := range facts.PaidOut {
		wanted += payout.AmountMinor
	}
	var rows []receiptRow
	for before := int64(0); wanted > 0 && account != ""; {
		page, err := selectReceipts(ctx, db, account, before)
		if err != nil {
			return nil, err
		}
		for _, row := range page {
			wanted -= row.AmountMinor
		}
		rows = append(rows, page...)
		if len(page) < receiptPage {
			break
		}
		before = page[len(page)-1].Version
	}
	channels, err := channelsOf(ctx, db, rows)
	if err != nil {
		return nil, err
	}
	receipts := make([]models.Receipt, len(rows))
	for i, row := range rows {
		receipts[i] = models.Receipt{Kind: row.Kind, Channel: channels[row.TransferID], AmountMinor: row.AmountMinor, At: row.CreatedAt}
	}
	slices.Reverse(receipts)
	return receipts, nil
}

// channels returns how the recharges among the receipts were paid, by their transfers. What is not there came by bank transfer,
// whose route back has no end.
func channelsOf(ctx context.Context, db bun.IDB, rows []receiptRow) (map[models.ID]models.RechargeChannel, error) {
	var recharges []models.ID
	for _, row := range rows {
		if row.Kind == models.TransferRecharge && row.SubjectID.Prefix() == models.PrefixRecharge {
			recharges = append(recharges, row.SubjectID)
		}
	}
	paid, err := selectChannels(ctx, db, recharges)
	channels := make(map[models.ID]models.RechargeChannel, len(paid))
	for _, row := range rows {
		channels[row.TransferID] = paid[row.SubjectID]
	}
	return channels, err
}
