package orders

import (
	"context"

	"github.com/partnergraph/partnergraph/models"
)

// Driver makes what an order bought on one cloud.
type Driver interface {
	// Create makes everything that the request's lines ask for and returns it, mains before their parts. Asked again for
	// the same order it makes nothing new and returns the same, because a payment's event may be delivered twice. An
	// error means that the order is tried again later.
	Create(ctx context.Context, request ProvisionRequest) ([]Created, error)
}

// ProvisionRequest is a paid order with its lines in their order.
type ProvisionRequest struct {
	Order models.Order
	Items []models.OrderItem
}

// Created is one thing that a cloud has made.
type Created struct {
	OrderItemID   models.ID // the line that asked for it
	CloudID       string    // the cloud's own id of it, unique on that cloud
	ParentCloudID string    // of the main resource that it follows; empty for a main resource
	Name          string
}
