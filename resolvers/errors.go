package resolvers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// Present gives every error that leaves the API its closed code. Strangers' errors become INTERNAL: they are logged once
// with the request id and never shown.
func (r *Resolver) Present(ctx context.Context, err error) *gqlerror.Error {
	shown := graphql.DefaultErrorPresenter(ctx, err)
	if _, done := shown.Extensions["code"]; done {
		return shown
	}
	var ours *models.Error
	switch {
	case errors.As(err, &ours):
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, store.ErrUnavailable):
		ours = &models.Error{Code: models.CodeUnavailable, Message: "The server cannot answer this now; try again in a moment."}
	case isRequestError(err):
		ours = &models.Error{Code: models.CodeInvalid, Message: shown.Message}
	default:
		ours = r.internal(ctx, err)
	}
	return dress(shown, ours)
}

// Recover turns a panic into INTERNAL.
func (r *Resolver) Recover(ctx context.Context, panicked any) error {
	r.Log.ErrorContext(ctx, "panic in a resolver", slog.Any("panic", panicked), slog.String("stack", string(debug.Stack())))
	return r.internal(ctx, nil)
}

// Auth is the @auth directive: it refuses a root field to a credential without the permission.
func (r *Resolver) Auth(ctx context.Context, _ any, next graphql.Resolver, permission models.Permission) (any, error) {
	if err := access.Require(r.Who(ctx), permission); err != nil {
		return nil, err
	}
	return next(ctx)
}

func (r *Resolver) internal(ctx context.Context, err error) *models.Error {
	requestID := r.Who(ctx).RequestID
	if err != nil {
		r.Log.ErrorContext(ctx, "request failed", slog.String("request_id", requestID), slog.Any("error", err))
	}
	return &models.Error{
		Code: models.CodeInternal, Message: fmt.Sprintf("Something went wrong here. Tell support the request id %s.", requestID),
		Details: map[string]any{"requestId": requestID},
	}
}

// isRequestError reports whether gqlgen itself refused a value, as it does for a literal of the wrong kind: such an
// error was a gqlerror from the start and wraps nothing.
func isRequestError(err error) bool {
	var g *gqlerror.Error
	return errors.As(err, &g) && g.Err == nil
}

func dress(shown *gqlerror.Error, ours *models.Error) *gqlerror.Error {
	shown.Message = ours.Message
	extensions := map[string]any{"code": string(ours.Code)}
	if ours.Field != "" {
		extensions["field"] = ours.Field
	}
	if reason := ours.Reason(); reason != "" {
		extensions["reason"] = reason
	}
	for _, name := range []string{"retryAfter", "requestId"} {
		if v, ok := ours.Details[name]; ok {
			extensions[name] = v
		}
	}
	if len(ours.Details) > 0 {
		extensions["details"] = maps.Clone(ours.Details)
	}
	shown.Extensions = extensions
	return shown
}
