package exposure

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// RotateReturnSecret names the partner whose secret is replaced.
type RotateReturnSecret struct{ PartnerID models.ID }

// RotatedReturnSecret is the new secret, which signs from now on; the old one is void.
type RotatedReturnSecret struct {
	AccessConfiguration models.AccessConfiguration
	Secret              string
}

// RotateReturnSecret makes a new secret for the way back and shows it. Errors as Update, and NOT_FOUND when nothing has
// been saved yet.
func (s *Service) RotateReturnSecret(ctx context.Context, who models.Principal, cmd RotateReturnSecret) (RotatedReturnSecret, error) {
	if err := authorise(who, models.WriteExposure, cmd.PartnerID); err != nil {
		return RotatedReturnSecret{}, err
	}
	secret, err := s.newSecret()
	if err != nil {
		return RotatedReturnSecret{}, err
	}
	rotated := RotatedReturnSecret{Secret: secret}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		config, err := s.savedForUpdate(ctx, tx, who, cmd.PartnerID)
		if err != nil {
			return err
		}
		config.ReturnSecretSealed = s.Seal.Seal([]byte(secret), secretContext(config.ID))
		config.UpdatedAt = s.now()
		rotated.AccessConfiguration = config
		if err := update(ctx, tx, &config); err != nil {
			return err
		}
		return s.record(ctx, tx, who, models.EventExposureUpdated, config, []string{"returnSecret"}, models.FieldChange{Field: "returnSecret"})
	})
	if err != nil {
		return RotatedReturnSecret{}, err
	}
	return rotated, nil
}

// RevealReturnSecret shows the secret that signs the way back; looking is recorded. Errors as RotateReturnSecret.
func (s *Service) RevealReturnSecret(ctx context.Context, who models.Principal, partnerID models.ID) (string, error) {
	if err := authorise(who, models.WriteExposure, partnerID); err != nil {
		return "", err
	}
	secret := ""
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		config, err := s.savedForUpdate(ctx, tx, who, partnerID)
		if err != nil {
			return err
		}
		if secret, err = s.openSecret(config); err != nil {
			return err
		}
		return s.record(ctx, tx, who, models.EventReturnSecretRevealed, config, nil)
	})
	return secret, err
}

func (s *Service) savedForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, partnerID models.ID) (models.AccessConfiguration, error) {
	config, exists, err := s.ownForUpdate(ctx, tx, who, partnerID)
	if err == nil && !exists {
		err = models.NotFound("access configuration")
	}
	return config, err
}

func (s *Service) openSecret(config models.AccessConfiguration) (string, error) {
	secret, err := s.Seal.Open(config.ReturnSecretSealed, secretContext(config.ID))
	if err != nil {
		return "", fmt.Errorf("exposure: the return secret of %s does not open: %w", config.ID, err)
	}
	return string(secret), nil
}

func secretContext(id models.ID) string { return "access_configurations.return_secret:" + string(id) }

// newSecret returns 256 random bits as text, which is itself the key of the signature.
func (s *Service) newSecret() (string, error) { return s.random(32) }

func (s *Service) random(size int) (string, error) {
	raw := make([]byte, size)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return "", fmt.Errorf("exposure: randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}
