package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// oldSecret is a secret and, once it is replaced, until when it signs as well.
type oldSecret struct {
	Secret string     `json:"secret"`
	Until  *time.Time `json:"until,omitempty"`
}

// RotateWebhookSecret names the endpoint whose secret is replaced.
type RotateWebhookSecret struct {
	EndpointID models.ID
	// RevokeAtOnce makes older secrets void now, for one that became known to others; nil and false let them sign for 24 hours.
	RevokeAtOnce *bool
}

// RotatedWebhookSecret is the new secret, which is shown this once.
type RotatedWebhookSecret struct {
	WebhookEndpoint models.WebhookEndpoint
	Secret          string
}

// Rotate makes a new secret, which signs from now on, beside the old one for models.WebhookSecretOverlap. Errors:
// UNAUTHENTICATED, FORBIDDEN without EXPOSURE_WRITE, NOT_FOUND, ErrTooManySecrets.
func (s *Service) Rotate(ctx context.Context, who models.Principal, cmd RotateWebhookSecret) (RotatedWebhookSecret, error) {
	if err := authorise(who, cmd.EndpointID, models.PrefixWebhookEndpoint, fieldEndpoint); err != nil {
		return RotatedWebhookSecret{}, err
	}
	secret, err := s.newSecret()
	if err != nil {
		return RotatedWebhookSecret{}, err
	}
	rotated := RotatedWebhookSecret{Secret: secret}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		endpoint, err := s.endpointForUpdate(ctx, tx, who, cmd.EndpointID)
		if err != nil {
			return err
		}
		secrets := []oldSecret{{Secret: secret}}
		endpoint.OldSecretUntil = nil
		if cmd.RevokeAtOnce == nil || !*cmd.RevokeAtOnce {
			until := s.now().Add(models.WebhookSecretOverlap)
			valid, err := s.validSecrets(endpoint)
			if err != nil {
				return err
			}
			if len(valid) > maxOldSecrets {
				return ErrTooManySecrets
			}
			valid[0].Until, endpoint.OldSecretUntil = &until, &until
			secrets = append(secrets, valid...)
		}
		if err := s.sealSecrets(&endpoint, secrets); err != nil {
			return err
		}
		endpoint.Version++
		endpoint.UpdatedAt = s.now()
		rotated.WebhookEndpoint = endpoint
		if err := updateEndpoint(ctx, tx, &endpoint); err != nil {
			return err
		}
		return s.record(ctx, tx, who, models.EventWebhookSecretRotated, endpoint, []string{"secret"}, nil, endpoint)
	})
	if err != nil {
		return RotatedWebhookSecret{}, err
	}
	return rotated, nil
}

func (s *Service) newSecret() (string, error) {
	key := make([]byte, models.WebhookSecretSize)
	if _, err := io.ReadFull(s.Random, key); err != nil {
		return "", fmt.Errorf("webhooks: randomness: %w", err)
	}
	return models.NewWebhookSecret(key), nil
}

func secretContext(id models.ID) string { return "webhook_endpoints.secrets:" + string(id) }

func (s *Service) sealSecrets(endpoint *models.WebhookEndpoint, secrets []oldSecret) error {
	plain, err := json.Marshal(secrets) //nolint:gosec // it is sealed at once
	if err != nil {
		return fmt.Errorf("webhooks: %w", err)
	}
	endpoint.SecretsSealed = s.Seal.Seal(plain, secretContext(endpoint.ID))
	return nil
}

// validSecrets returns the current secret and those older ones that still sign.
func (s *Service) validSecrets(endpoint models.WebhookEndpoint) ([]oldSecret, error) {
	plain, err := s.Seal.Open(endpoint.SecretsSealed, secretContext(endpoint.ID))
	if err != nil {
		return nil, fmt.Errorf("webhooks: the secrets of %s do not open: %w", endpoint.ID, err)
	}
	var all, valid []oldSecret
	if err := json.Unmarshal(plain, &all); err != nil {
		return nil, fmt.Errorf("webhooks: the secrets of %s are malformed: %w", endpoint.ID, err)
	}
	for _, secret := range all {
		if secret.Until == nil || s.Now().Before(*secret.Until) {
			valid = append(valid, secret)
		}
	}
	if len(valid) == 0 {
		return nil, fmt.Errorf("webhooks: %s has no secret", endpoint.ID)
	}
	return valid, nil
}
