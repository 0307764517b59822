package webhooks

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// EndpointFilter narrows Find. Nil = no filter; an empty list matches nothing.
type EndpointFilter struct {
	PartnerID *models.ID
	States    []models.WebhookState
}

// Find returns the endpoints that the caller may see, newest first. It needs EXPOSURE_READ.
func (s *Service) Find(ctx context.Context, who models.Principal, filter EndpointFilter, args models.PageArgs) (models.WebhookEndpointConnection, error) {
	var none models.WebhookEndpointConnection
	if err := access.Require(who, models.ReadExposure); err != nil {
		return none, err
	}
	if filter.PartnerID != nil {
		if err := filter.PartnerID.Require(models.PrefixPartner, fieldPartner); err != nil {
			return none, err
		}
	}
	page, err := args.Page(listEndpoints)
	if err != nil {
		return none, err
	}
	return store.List[models.WebhookEndpoint](ctx, page, true, func() *bun.SelectQuery { return filter.apply(visibleEndpoints(s.DB, who)) })
}

// ByIDs returns the endpoints with these ids that the caller may see; the others are absent. It needs EXPOSURE_READ.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.WebhookEndpoint, error) {
	if err := access.Require(who, models.ReadExposure); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.WebhookEndpoint, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	found, err := selectEndpoints(ctx, s.DB, who, ids)
	for _, endpoint := range found {
		byID[endpoint.ID] = endpoint
	}
	return byID, err
}

// DeliveryFilter narrows DeliveriesFor. Nil = no filter; an empty list matches nothing.
type DeliveryFilter struct {
	States []models.WebhookDeliveryState `json:"states"`
}

// DeliveriesFor returns a page of deliveries for each of the endpoints that the caller may see, newest first, with one
// statement for all of them and one more when totals are wanted. It needs EXPOSURE_READ.
func (s *Service) DeliveriesFor(ctx context.Context, who models.Principal, endpoints []models.ID, filter DeliveryFilter, args models.PageArgs) (map[models.ID]models.WebhookDeliveryConnection, error) {
	if err := access.Require(who, models.ReadExposure); err != nil {
		return nil, err
	}
	page, err := args.Page(listDeliveries)
	if err != nil {
		return nil, err
	}
	nested := store.Nested[models.WebhookDelivery]{
		Column: "whd.endpoint_id", Descending: true, ParentOf: func(d models.WebhookDelivery) models.ID { return d.EndpointID },
		Visible: func() *bun.SelectQuery { return filter.apply(visibleDeliveries(s.DB, who)) },
	}
	return nested.Pages(ctx, s.DB, endpoints, page)
}

// DeliveriesByIDs returns the deliveries with these ids that the caller may see; the others are absent. It needs
// EXPOSURE_READ.
func (s *Service) DeliveriesByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.WebhookDelivery, error) {
	if err := access.Require(who, models.ReadExposure); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.WebhookDelivery, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	found, err := selectDeliveries(ctx, s.DB, who, ids)
	for _, delivery := range found {
		byID[delivery.ID] = delivery
	}
	return byID, err
}
