package webhooks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// CreateWebhookEndpoint says what to tell to whom.
type CreateWebhookEndpoint struct {
	PartnerID   *models.ID // whose; nil = the caller's own, for operators the operators'
	URL         string
	Description *string
	EventTypes  []string // at least one type or pattern
}

// CreatedWebhookEndpoint is a new endpoint with its secret, which is shown this once.
type CreatedWebhookEndpoint struct {
	WebhookEndpoint models.WebhookEndpoint
	Secret          string
}

// Create makes an endpoint. Errors: UNAUTHENTICATED, FORBIDDEN without EXPOSURE_WRITE or without the permission to read what
// the events are about, NOT_FOUND for a partner that is not the caller's, INVALID with the field, ErrNoExposure, ErrTooMany.
func (s *Service) Create(ctx context.Context, who models.Principal, cmd CreateWebhookEndpoint) (CreatedWebhookEndpoint, error) {
	if err := s.checkCreate(who, cmd); err != nil {
		return CreatedWebhookEndpoint{}, err
	}
	secret, err := s.newSecret()
	if err != nil {
		return CreatedWebhookEndpoint{}, err
	}
	created := CreatedWebhookEndpoint{Secret: secret}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		owner, err := s.owner(ctx, tx, who, cmd.PartnerID)
		if err != nil {
			return err
		}
		count, err := lockEndpointsOf(ctx, tx, owner)
		if err != nil {
			return err
		}
		if count >= models.MaxWebhookEndpoints {
			return ErrTooMany
		}
		now := s.now()
		endpoint := models.WebhookEndpoint{
			ID: s.IDs(models.PrefixWebhookEndpoint), PartnerID: owner, URL: cmd.URL, EventTypes: distinct(cmd.EventTypes),
			State: models.WebhookEnabled, Version: 1, CreatedAt: now, UpdatedAt: now,
		}
		if cmd.Description != nil {
			endpoint.Description = *cmd.Description
		}
		if err := s.sealSecrets(&endpoint, []oldSecret{{Secret: secret}}); err != nil {
			return err
		}
		created.WebhookEndpoint = endpoint
		if err := insertEndpoint(ctx, tx, &endpoint); err != nil {
			return err
		}
		return s.record(ctx, tx, who, models.EventWebhookCreated, endpoint, []string{"description", "eventTypes", "url"}, nil, models.WebhookEndpoint{})
	})
	if err != nil {
		return CreatedWebhookEndpoint{}, err
	}
	s.refreshNow(ctx)
	return created, nil
}

func (s *Service) checkCreate(who models.Principal, cmd CreateWebhookEndpoint) error {
	if err := access.Require(who, models.WriteExposure); err != nil {
		return err
	}
	if cmd.PartnerID != nil {
		if err := cmd.PartnerID.Require(models.PrefixPartner, fieldPartner); err != nil {
			return err
		}
	}
	if err := s.checkSettings(&cmd.URL, cmd.Description, cmd.EventTypes); err != nil {
		return err
	}
	if len(cmd.EventTypes) == 0 {
		return models.Invalid(fieldEventTypes, "eventTypes needs at least one entry.")
	}
	return maySend(who, cmd.EventTypes)
}

// checkSettings checks what is given; nil is what stays as it is.
func (s *Service) checkSettings(url, description *string, patterns []string) error {
	if url != nil {
		if len(*url) > maxURL {
			return models.Invalid(fieldURL, fmt.Sprintf("url is longer than %d characters.", maxURL))
		}
		if err := s.Targets.CheckURL(*url); err != nil {
			return models.Invalid(fieldURL, "This address cannot be an endpoint: "+err.Error()+".")
		}
	}
	if description != nil && !describes(*description) {
		return models.Invalid(fieldDescription, fmt.Sprintf("description has at most %d printable characters.", maxDescription))
	}
	if len(patterns) > 2*len(models.WebhookEventTypes()) {
		return models.Invalid(fieldEventTypes, "eventTypes has more entries than there are types.")
	}
	for _, pattern := range patterns {
		if len(models.MatchWebhookEvents(pattern)) == 0 {
			return models.Invalid(fieldEventTypes, "eventTypes has an entry that is neither a type that webhooks tell of, such as order.paid, nor order.* or *.")
		}
	}
	return nil
}

func describes(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxDescription &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

func distinct(patterns []string) []string {
	kept := make([]string, 0, len(patterns))
	for _, pattern := range patterns {
		if !slices.Contains(kept, pattern) {
			kept = append(kept, pattern)
		}
	}
	return kept
}

// record writes the audit record of a change from what the endpoint was. It names the host only: the rest of an address may be a
// secret; and a description is a text that a person wrote.
func (s *Service) record(ctx context.Context, tx bun.IDB, who models.Principal, kind models.EventType, endpoint models.WebhookEndpoint, fields []string, data map[string]any,
	before models.WebhookEndpoint,
) error {
	if data == nil {
		data = map[string]any{}
	}
	data["state"], data["host"] = endpoint.State, hostOf(endpoint.URL)
	changes := make([]models.FieldChange, len(fields))
	for i, field := range fields {
		changes[i] = models.FieldChange{Field: field}
		switch from, to := hostOf(before.URL), hostOf(endpoint.URL); {
		case field == "url" && from != to:
			changes[i] = models.Changed(field, from, to)
		case field == "eventTypes":
			changes[i] = models.Changed(field, strings.Join(before.EventTypes, ", "), strings.Join(endpoint.EventTypes, ", "))
		case field == "state":
			changes[i] = models.Changed(field, before.State, endpoint.State)
		}
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: kind, SubjectID: string(endpoint.ID), PartnerID: endpoint.PartnerID, Fields: fields, Changes: changes, Data: data,
	})
}
