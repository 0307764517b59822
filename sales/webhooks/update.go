package webhooks

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// UpdateWebhookEndpoint says what to change. A nil field stays as it is; an empty description clears it.
type UpdateWebhookEndpoint struct {
	EndpointID  models.ID
	URL         *string
	Description *string
	EventTypes  []string
	State       *models.WebhookState
}

// SavedWebhookEndpoint is an endpoint after a change.
type SavedWebhookEndpoint struct{ WebhookEndpoint models.WebhookEndpoint }

// Update changes an endpoint. Enabling forgets that it was failing. Errors as Create, and NOT_FOUND for an endpoint that is
// not the caller's.
func (s *Service) Update(ctx context.Context, who models.Principal, cmd UpdateWebhookEndpoint) (SavedWebhookEndpoint, error) {
	if err := authorise(who, cmd.EndpointID, models.PrefixWebhookEndpoint, fieldEndpoint); err != nil {
		return SavedWebhookEndpoint{}, err
	}
	if err := s.checkUpdate(cmd); err != nil {
		return SavedWebhookEndpoint{}, err
	}
	var saved models.WebhookEndpoint
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		endpoint, err := s.endpointForUpdate(ctx, tx, who, cmd.EndpointID)
		if err != nil {
			return err
		}
		before := endpoint
		fields := cmd.apply(&endpoint, s)
		// Whoever sends it elsewhere could read there what he may not read here.
		if err := maySend(who, endpoint.EventTypes); err != nil {
			return err
		}
		endpoint.Version++
		endpoint.UpdatedAt = s.now()
		saved = endpoint
		if err := updateEndpoint(ctx, tx, &endpoint); err != nil {
			return err
		}
		return s.record(ctx, tx, who, models.EventWebhookUpdated, endpoint, fields, nil, before)
	})
	if err != nil {
		return SavedWebhookEndpoint{}, err
	}
	s.refreshNow(ctx)
	s.Nudge()
	return SavedWebhookEndpoint{WebhookEndpoint: saved}, nil
}

func (s *Service) checkUpdate(cmd UpdateWebhookEndpoint) error {
	if cmd.EventTypes != nil && len(cmd.EventTypes) == 0 {
		return models.Invalid(fieldEventTypes, "eventTypes needs at least one entry.")
	}
	if cmd.State != nil && *cmd.State != models.WebhookEnabled && *cmd.State != models.WebhookDisabled {
		return models.Invalid(fieldState, "The state is ENABLED or DISABLED.")
	}
	return s.checkSettings(cmd.URL, cmd.Description, cmd.EventTypes)
}

// apply changes what is given and returns the names of those fields.
func (cmd UpdateWebhookEndpoint) apply(endpoint *models.WebhookEndpoint, s *Service) (fields []string) {
	if cmd.URL != nil {
		endpoint.URL = *cmd.URL
		fields = append(fields, "url")
	}
	if cmd.Description != nil {
		endpoint.Description = *cmd.Description
		fields = append(fields, "description")
	}
	if cmd.EventTypes != nil {
		endpoint.EventTypes = distinct(cmd.EventTypes)
		fields = append(fields, "eventTypes")
	}
	if cmd.State != nil && *cmd.State != endpoint.State {
		if *cmd.State == models.WebhookEnabled {
			endpoint.State, endpoint.DisabledReason, endpoint.DisabledAt, endpoint.FailingSince = models.WebhookEnabled, "", nil, nil
		} else {
			s.disable(endpoint, models.WebhookDisabledByRequest)
		}
		fields = append(fields, "state")
	}
	slices.Sort(fields)
	return fields
}

func (s *Service) disable(endpoint *models.WebhookEndpoint, why models.WebhookDisabledReason) {
	now := s.now()
	endpoint.State, endpoint.DisabledReason, endpoint.DisabledAt = models.WebhookDisabled, why, &now
}

// DeleteWebhookEndpoint names the endpoint that is to go.
type DeleteWebhookEndpoint struct{ EndpointID models.ID }

// DeletedWebhookEndpoint names the endpoint that is gone.
type DeletedWebhookEndpoint struct{ DeletedWebhookEndpointID models.ID }

// Delete removes an endpoint with its deliveries, sent or not. Errors: UNAUTHENTICATED, FORBIDDEN without EXPOSURE_WRITE,
// NOT_FOUND.
func (s *Service) Delete(ctx context.Context, who models.Principal, cmd DeleteWebhookEndpoint) (DeletedWebhookEndpoint, error) {
	if err := authorise(who, cmd.EndpointID, models.PrefixWebhookEndpoint, fieldEndpoint); err != nil {
		return DeletedWebhookEndpoint{}, err
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		endpoint, err := s.endpointForUpdate(ctx, tx, who, cmd.EndpointID)
		if err != nil {
			return err
		}
		if err := deleteEndpoint(ctx, tx, endpoint.ID); err != nil {
			return err
		}
		return s.record(ctx, tx, who, models.EventWebhookDeleted, endpoint, nil, nil, endpoint)
	})
	if err != nil {
		return DeletedWebhookEndpoint{}, err
	}
	s.refreshNow(ctx)
	return DeletedWebhookEndpoint{DeletedWebhookEndpointID: cmd.EndpointID}, nil
}
