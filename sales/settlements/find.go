package settlements

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// The names of the lists, which their cursors carry.
const (
	listMonths          = "monthlySettlements"
	listCustomersMonths = "customer.monthlySettlements"
)

// Filter narrows Find. Nil = no filter.
type Filter struct {
	CustomerID *models.ID
	Month      *models.BillingCycle
	Open       *bool // whether something is still owed
}

// AccountsFor returns how each of the customers stands on account that has, or had, a line and whose money the caller may see. It needs
// BALANCES_READ and takes one statement.
func (s *Service) AccountsFor(ctx context.Context, who models.Principal, customers []models.ID) (map[models.ID]models.SettlementAccount, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.SettlementAccount, len(customers))
	if len(customers) == 0 {
		return found, nil
	}
	rows, err := selectStandings(ctx, s.DB, who, customers)
	if err != nil {
		return nil, err
	}
	open := map[models.ID][]models.MonthlySettlement{}
	for _, row := range rows {
		if row.OpenMinor != nil && row.DueAt != nil {
			open[row.CustomerID] = append(open[row.CustomerID], models.MonthlySettlement{Currency: row.Currency, OpenMinor: *row.OpenMinor, DueAt: row.DueAt.UTC()})
		}
		line := models.SettlementLine{CustomerID: row.CustomerID, Currency: row.Currency, LineMinor: row.LineMinor, EndedAt: row.EndedAt}
		found[row.CustomerID] = models.SettlementAccountOf(line, open[row.CustomerID], s.now())
	}
	return found, nil
}

// Find returns the months on account that the caller may see, newest first. It needs BALANCES_READ; INVALID for a bad page or filter.
func (s *Service) Find(ctx context.Context, who models.Principal, f Filter, args models.PageArgs) (models.MonthlySettlementConnection, error) {
	var none models.MonthlySettlementConnection
	if err := access.Require(who, models.ReadBalances); err != nil {
		return none, err
	}
	if f.CustomerID != nil {
		if err := f.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return none, err
		}
	}
	page, err := args.Page(listMonths)
	if err != nil {
		return none, err
	}
	found, err := store.List[models.MonthlySettlement](ctx, page, true, func() *bun.SelectQuery { return f.apply(visible(s.DB, who)) })
	s.tell(found)
	return found, err
}

// FindForCustomers returns a page of the months of each of the customers, newest first. It needs BALANCES_READ.
func (s *Service) FindForCustomers(ctx context.Context, who models.Principal, customers []models.ID, args models.PageArgs) (map[models.ID]models.MonthlySettlementConnection, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	page, err := args.Page(listCustomersMonths)
	if err != nil {
		return nil, err
	}
	nested := store.Nested[models.MonthlySettlement]{
		Column: "mst.customer_id", ParentOf: func(m models.MonthlySettlement) models.ID { return m.CustomerID }, Descending: true,
		Visible: func() *bun.SelectQuery { return visible(s.DB, who) },
	}
	found, err := nested.Pages(ctx, s.DB, customers, page)
	for _, one := range found {
		s.tell(one)
	}
	return found, err
}

// ByIDs returns the months with these ids that the caller may see; the others are absent. It needs BALANCES_READ.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.MonthlySettlement, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.MonthlySettlement, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := selectMonths(ctx, s.DB, who, ids)
	for _, row := range rows {
		row.Status = row.StatusAt(s.now())
		found[row.ID] = row
	}
	return found, err
}

// tell says how the months of a page stand now.
func (s *Service) tell(page models.MonthlySettlementConnection) {
	for i := range page.Edges {
		month := &page.Edges[i].Node
		month.Status = month.StatusAt(s.now())
	}
}
