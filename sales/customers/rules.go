package customers

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// EligibilityQuery says whose association is asked about.
type EligibilityQuery struct {
	CustomerID *models.ID              // nil = the caller's own customer
	PartnerID  *models.ID              // nil = the caller's own partner; for customers and operators: whoever it will be
	Mode       *models.AssociationMode // nil = both
}

// Eligibility says, per mode, whether a customer may be associated and everything that stands in the way (C07, C08, C09).
// Without a customer there is nothing to ask about, and no answer. A customer that the caller may not see is NOT_FOUND: a
// partner asks about its own, and learns about others only what they let it know. It needs CUSTOMERS_READ.
func (s *Service) Eligibility(ctx context.Context, who models.Principal, query EligibilityQuery) ([]models.AssociationEligibility, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	if err := checkMode(query.Mode); err != nil {
		return nil, err
	}
	id := who.CustomerID
	if query.CustomerID != nil {
		id = *query.CustomerID
	}
	if id == "" {
		return nil, nil
	}
	if err := id.Require(models.PrefixCustomer, "customerId"); err != nil {
		return nil, err
	}
	customer, found, err := s.ByIDIn(ctx, s.DB, who, id)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrUnknown
	}
	facts, err := s.facts(ctx, s.DB, customer)
	if err != nil {
		return nil, err
	}
	if err := s.aboutPartner(ctx, who, query.PartnerID, customer, &facts); err != nil {
		return nil, err
	}
	if !who.SeesAll() { // restrictions are for operators
		for i := range facts.Restrictions {
			facts.Restrictions[i].ID = ""
		}
	}
	var all []models.AssociationEligibility
	for _, mode := range []models.AssociationMode{models.Advisory, models.Resale} {
		if query.Mode == nil || *query.Mode == mode {
			all = append(all, models.AssociationEligibility{Mode: mode, Blockers: facts.AssociationBlockers(mode)})
		}
	}
	return all, nil
}

// aboutPartner adds what the partner has to do with it, if there is one.
func (s *Service) aboutPartner(ctx context.Context, who models.Principal, named *models.ID, customer models.Customer, facts *models.RelationFacts) error {
	id := who.PartnerID
	if named != nil {
		id = *named
	}
	if id == "" {
		return nil
	}
	if err := id.Require(models.PrefixPartner, "partnerId"); err != nil {
		return err
	}
	partner, barred, err := s.partnerFor(ctx, s.DB, who, id)
	if err != nil {
		return err
	}
	facts.PartnerBarred, facts.OtherSite = barred, otherSite(partner, customer)
	_, facts.Reported, err = selectReportOf(ctx, s.DB, partner.ID, customer, facts.Now)
	return err
}

// facts gathers what the rows tell about a customer's relation, apart from the partner. It is of one moment when the
// caller has locked the customer; what an account has is asked again by Recall, which locks it.
func (s *Service) facts(ctx context.Context, db bun.IDB, customer models.Customer) (models.RelationFacts, error) {
	facts := models.RelationFacts{
		Now: s.now(), RegisteredAt: customer.CreatedAt, Frozen: customer.Frozen != models.NotFrozen,
		Associated: customer.PartnerID != "", Mode: customer.Mode,
	}
	var err error
	if facts.HasPaid, err = s.Purchases.HasPaid(ctx, db, customer.ID); err != nil {
		return facts, err
	}
	if facts.OrdersAwait, err = s.Purchases.AwaitsPayment(ctx, db, customer.ID, facts.Now); err != nil {
		return facts, err
	}
	if facts.Owes, err = s.owes(ctx, db, customer.ID); err != nil {
		return facts, err
	}
	if facts.Restrictions, err = selectRestrictions(ctx, db, []models.ID{customer.ID}); err != nil {
		return facts, err
	}
	accounts, err := s.Ledger.Accounts(ctx, db, []string{string(customer.ID)}, append(models.MoneyKinds(), models.AccountSettlement)...)
	for _, account := range accounts {
		facts.Owes = facts.Owes || account.BalanceMinor < 0
		if account.Kind == models.AccountSettlement { // how far it may go says nothing of the line in force
			continue
		}
		facts.HasGifts = facts.HasGifts || account.Kind == models.AccountBonus && account.BalanceMinor > 0
		facts.HasCredit = facts.HasCredit || account.FloorMinor != nil && *account.FloorMinor < 0
		facts.HeldMoney = facts.HeldMoney || account.Kind == models.AccountBalance && (account.HeldMinor > 0 || account.EarmarkedMinor > 0)
	}
	return facts, err
}

// owes reports whether the customer has used something that is not paid.
func (s *Service) owes(ctx context.Context, db bun.IDB, customer models.ID) (bool, error) {
	if s.Debts == nil {
		return false, nil
	}
	return s.Debts.Owes(ctx, db, customer)
}

func otherSite(partner models.Partner, customer models.Customer) bool {
	return partner.Cloud != customer.Cloud || partner.Currency != customer.Currency
}

func checkMode(mode *models.AssociationMode) error {
	if mode != nil && !slices.Contains([]models.AssociationMode{models.Advisory, models.Resale}, *mode) {
		return models.Invalid("mode", "The mode is ADVISORY or RESALE.")
	}
	return nil
}
