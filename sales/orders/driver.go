package orders

import (
	"context"

	"github.com/partnergraph/partnergraph/models"
)

// Driver does on one cloud what orders ask for. Each of its methods may be called again for the same order, because an event may be
// delivered twice, and must then change nothing more. An error means that the order is tried again later, unless it is a
// FinalError: then the cloud will never do it, and nothing of it is left there.
type Driver interface {
	// Create makes everything that the request's lines ask for and returns it, mains before their parts. Asked again for
	// the same order it makes nothing new and returns the same.
	Create(ctx context.Context, request ProvisionRequest) ([]Created, error)
	// Alter gives resources the expiry, specification and charging mode that the request names.
	Alter(ctx context.Context, request AlterRequest) error
	// Release ends resources, parts before their mains.
	Release(ctx context.Context, request ReleaseRequest) error
}

// AlterRequest is an order for what runs already, with its resources as they shall be.
type AlterRequest struct {
	Order     models.Order
	Resources []models.Resource
}

// ReleaseRequest is an unsubscription with the resources that it ends, parts before their mains.
type ReleaseRequest struct {
	Order     models.Order
	Resources []models.Resource
}

// FinalError is a Driver's word that the cloud will never carry an order out.
type FinalError struct {
	Reason string // UPPER_SNAKE, kept with the order and shown to whoever sees it
	Cause  error  // for the log; may be nil
}

// Error says why.
func (e *FinalError) Error() string {
	if e.Cause == nil {
		return "refused for good: " + e.Reason
	}
	return "refused for good: " + e.Reason + ": " + e.Cause.Error()
}

// Unwrap returns the cause, which may be nil.
func (e *FinalError) Unwrap() error { return e.Cause }

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
