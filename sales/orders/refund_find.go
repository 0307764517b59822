package orders

import (
	"context"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// RefundsByIDs returns the refunds with these ids whose orders the caller may see; the others are absent.
func (s *Service) RefundsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.OrderRefund, error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.OrderRefund, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	found, err := selectRefundsByIDs(ctx, s.DB, who, ids)
	for _, refund := range found {
		byID[refund.ID] = refund
	}
	return byID, err
}

// RefundsFor returns the refunds of each of the orders that the caller may see, oldest first, with one statement. An order
// has at most models.MaxRefunds.
func (s *Service) RefundsFor(ctx context.Context, who models.Principal, orders []models.ID) (map[models.ID][]models.OrderRefund, error) {
	if err := access.Require(who, models.ReadOrders); err != nil {
		return nil, err
	}
	byOrder := make(map[models.ID][]models.OrderRefund, len(orders))
	if len(orders) == 0 {
		return byOrder, nil
	}
	found, err := selectRefunds(ctx, s.DB, who, orders)
	for _, refund := range found {
		byOrder[refund.OrderID] = append(byOrder[refund.OrderID], refund)
	}
	return byOrder, err
}
