package app

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/resources"
)

// authorised tells the rooms above customers what a customer lets its partner do (O16).
type authorised struct{ customers *customers.Service }

var (
	_ orders.Authorised   = authorised{}
	_ resources.Authority = authorised{}
)

// RequireIn refuses who may not act for the customer within the scope.
func (a authorised) RequireIn(ctx context.Context, tx bun.IDB, who models.Principal, customerID models.ID, scope models.AuthorizationScope) error {
	return a.customers.RequireAuthorisationIn(ctx, tx, who, customerID, scope)
}

// MayOperate reports whether who may operate what the customer runs.
func (a authorised) MayOperate(ctx context.Context, tx bun.IDB, who models.Principal, customer models.ID) (bool, error) {
	err := a.customers.RequireAuthorisationIn(ctx, tx, who, customer, models.AuthorizedToOperate)
	switch models.CodeOf(err) {
	case models.CodePreconditionFailed, models.CodeNotFound:
		return false, nil
	}
	return err == nil, err
}
