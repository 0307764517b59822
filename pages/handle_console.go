package pages

import (
	"context"
	"net/http"
	"net/url"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/resources"
)

// console shows a customer its newest orders and resources.
func (s *Site) console(w http.ResponseWriter, r *http.Request) {
	who, ok := s.signedIn(w, r)
	if !ok {
		return
	}
	page := ConsolePage{Common: s.common(r), SignOutAction: "/sign-out"}
	if who.CustomerID != "" {
		if err := s.fillConsole(r.Context(), who, &page); err != nil {
			s.Fail(w, r, err)
			return
		}
	}
	s.Views.Render(w, r, http.StatusOK, Console, page)
}

func (s *Site) fillConsole(ctx context.Context, who models.Principal, page *ConsolePage) error {
	customer, balance, partner, err := s.customerOf(ctx, who)
	if err != nil {
		return err
	}
	page.CustomerName, page.Balance, page.PartnerName = customer.Name, balance.Available.String(), partner.Name
	ten, onlyMain := 10, true
	newest := models.PageArgs{First: &ten}
	bought, err := s.Orders.Find(ctx, who, orders.OrderFilter{}, newest)
	if err != nil {
		return err
	}
	now := s.Now()
	for _, order := range bought.Nodes() {
		page.Orders = append(page.Orders, ConsoleOrder{
			Number: order.Number, Status: string(order.Status), Total: order.Total().String(), CreatedAt: shownTime(order.CreatedAt),
			URL: "/checkout/" + string(order.ID), Payable: order.Payable(now) == nil,
		})
	}
	running, err := s.Resources.Find(ctx, who, resources.ResourceFilter{OnlyMain: &onlyMain}, newest)
	if err != nil {
		return err
	}
	for _, resource := range running.Nodes() {
		page.Resources = append(page.Resources, ConsoleResource{
			Name: resource.Name, Service: resource.ServiceType, Region: resource.Region, Status: string(resource.Status),
			ExpiresAt: shownOptional(resource.ExpiresAt),
		})
	}
	own, err := s.Federation.OwnIdentities(ctx, who)
	if err != nil {
		return err
	}
	for _, identity := range own {
		page.Identities = append(page.Identities, ConsoleIdentity{
			PlatformName: platformName(partner, identity.PlatformID), BoundAt: shownTime(identity.BoundAt),
			URL: "/unbind?" + url.Values{FieldIdentity: {string(identity.ID)}}.Encode(),
		})
	}
	page.MoreOrders, page.MoreResources = bought.PageInfo.HasNextPage, running.PageInfo.HasNextPage
	return nil
}

// customerOf reads the principal's own customer, its balance, and its partner, which is zero when it has none.
func (s *Site) customerOf(ctx context.Context, who models.Principal) (models.Customer, models.Balance, models.Partner, error) {
	ids := []models.ID{who.CustomerID}
	found, err := s.Customers.ByIDs(ctx, who, ids)
	if err != nil {
		return models.Customer{}, models.Balance{}, models.Partner{}, err
	}
	balances, err := s.Funds.CustomerBalances(ctx, who, ids)
	if err != nil {
		return models.Customer{}, models.Balance{}, models.Partner{}, err
	}
	customer := found[who.CustomerID]
	var partner models.Partner
	if customer.PartnerID != "" {
		of, err := s.Partners.ByIDs(ctx, who, []models.ID{customer.PartnerID})
		if err != nil {
			return models.Customer{}, models.Balance{}, models.Partner{}, err
		}
		partner = of[customer.PartnerID]
	}
	return customer, balances[who.CustomerID], partner, nil
}
