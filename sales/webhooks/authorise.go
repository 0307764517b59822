package webhooks

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// The refusals of this room that callers may want to tell apart.
var (
	// ErrNoExposure refuses a cloud reseller (A01, P12).
	ErrNoExposure = models.Precondition("EXPOSURE_NOT_AVAILABLE", "Partners of this kind have no capability exposure.")
	// ErrTooMany refuses one more endpoint than models.MaxWebhookEndpoints.
	ErrTooMany = models.Precondition("TOO_MANY_WEBHOOK_ENDPOINTS", "There are 20 endpoints already; delete one first.")
	// ErrDisabled refuses to send to an endpoint that is switched off.
	ErrDisabled = models.Precondition("WEBHOOK_ENDPOINT_DISABLED", "The endpoint is disabled; enable it first.")
	// ErrTooManySecrets refuses a rotation while models.WebhookSecretOverlap has not passed for many before it.
	ErrTooManySecrets = models.Precondition("TOO_MANY_WEBHOOK_SECRETS", "Too many old secrets are still valid; wait, or revoke them with revokeAtOnce.")
)

// maySend refuses who may not itself read what the endpoint would be told: a webhook is no way around a narrow key.
func maySend(who models.Principal, patterns []string) error {
	for _, kind := range (models.WebhookEndpoint{EventTypes: patterns}).Wanted() {
		if err := access.Require(who, models.WebhookPermission(kind)); err != nil {
			return err
		}
	}
	return nil
}

// owner is who an endpoint is made for; the zero id stands for the operators.
func (s *Service) owner(ctx context.Context, tx bun.IDB, who models.Principal, asked *models.ID) (models.ID, error) {
	id := who.PartnerID
	if asked != nil {
		id = *asked
	}
	if id == "" && who.SeesAll() {
		return "", nil
	}
	kind, found, err := lockPartner(ctx, tx, who, id)
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", models.NotFound("partner")
	case !kind.HasExposure():
		return "", ErrNoExposure
	// A distributor does its resellers' business, but exposure is each partner's own.
	case !who.SeesAll() && id != who.PartnerID:
		return "", models.NotFound("partner")
	}
	return id, nil
}

// endpointForUpdate finds an endpoint of the caller's and locks it.
func (s *Service) endpointForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.WebhookEndpoint, error) {
	endpoint, found, err := lockEndpoint(ctx, tx, who, id)
	if err == nil && !found {
		err = models.NotFound("webhook endpoint")
	}
	return endpoint, err
}

func authorise(who models.Principal, id models.ID, prefix, field string) error {
	if err := access.Require(who, models.WriteExposure); err != nil {
		return err
	}
	return id.Require(prefix, field)
}
