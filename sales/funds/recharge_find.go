package funds

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// The names of the lists, which their cursors carry.
const (
	listRecharges   = "recharges"
	listRemittances = "remittances"
	listClaims      = "remittanceClaims"
	listAgreements  = "payerAgreements"
)

// RechargeFilter narrows FindRecharges. Nil = no filter; an empty States matches nothing.
type RechargeFilter struct {
	PartnerID  *models.ID
	CustomerID *models.ID
	States     []models.RechargeState
}

// FindRecharges returns the recharges that the caller may see, newest first: its own, and an operator everybody's. It needs
// BALANCES_READ.
func (s *Service) FindRecharges(ctx context.Context, who models.Principal, filter RechargeFilter, args models.PageArgs) (models.RechargeConnection, error) {
	page, err := listPage(who, args, listRecharges, filter.PartnerID, filter.CustomerID)
	if err != nil {
		return models.RechargeConnection{}, err
	}
	now := s.now()
	found, err := store.List[models.Recharge](ctx, page, true, func() *bun.SelectQuery {
		return filter.apply(visibleRecharges(s.DB, who), now)
	})
	for i := range found.Edges {
		judge(&found.Edges[i].Node, now)
	}
	return found, err
}

// RechargesByIDs returns the recharges with these ids that the caller may see; the others are absent. It needs BALANCES_READ.
func (s *Service) RechargesByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Recharge, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	now, byID := s.now(), make(map[models.ID]models.Recharge, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	found, err := selectRecharges(ctx, s.DB, who, ids)
	for _, recharge := range found {
		judge(&recharge, now)
		byID[recharge.ID] = recharge
	}
	return byID, err
}

// judge shows a recharge as it is now, not as the sweep last left it.
func judge(recharge *models.Recharge, now time.Time) { recharge.State = recharge.StateAt(now) }

// listPage checks what the lists of this room have in common.
func listPage(who models.Principal, args models.PageArgs, list string, partnerID, customerID *models.ID) (models.Page, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return models.Page{}, err
	}
	if partnerID != nil {
		if err := partnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return models.Page{}, err
		}
	}
	if customerID != nil {
		if err := customerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return models.Page{}, err
		}
	}
	return args.Page(list)
}
