package federation

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// MetadataCacheTime is how long peers may go on with metadata that they have fetched, as the metadata itself says
// (cacheDuration PT1H). A key that signs earlier than that after it was published is unknown to some of them.
const MetadataCacheTime = time.Hour

// ExpiryWarning is how long before its end a key in use is said to expire soon.
const ExpiryWarning = 60 * 24 * time.Hour

// The refusals of a rotation.
var (
	errKeyRetired = models.Precondition("SIGNING_KEY_RETIRED", "This key is retired and signs nothing any more. Publish a new one.")
	errKeyExpired = models.Precondition("SIGNING_KEY_EXPIRED", "This key's certificate has expired. Retire it and publish a new one.")
	errKeyActive  = models.Precondition("SIGNING_KEY_ACTIVE", "This key signs at present. Publish the next one and activate it first.")
	errOtherNext  = models.Precondition("NEXT_KEY_EXISTS", "The platform has a next key of another size already. Activate or retire it first.")
)

// PublishNextSigningKey is the command to make a platform's next key. The platform is named by its partner or its id.
type PublishNextSigningKey struct {
	PartnerID  models.ID
	PlatformID string
	Algorithm  *models.SigningKeyAlgorithm // nil = that of the active RSA key, or RSA_2048
}

// PublishedNextSigningKey is the key that peers learn of from now on.
type PublishedNextSigningKey struct{ SigningKey models.SigningKey }

// ActivateNextSigningKey is the command to sign with a key that has been published.
type ActivateNextSigningKey struct {
	SigningKeyID models.ID
	Force        bool // before every peer can know it
}

// ActivatedNextSigningKey is the key that signs, and the one that did before; nil when there was none, or nothing changed.
type ActivatedNextSigningKey struct {
	SigningKey        models.SigningKey
	RetiredSigningKey *models.SigningKey
}

// RetireSigningKey is the command to take a key out of use.
type RetireSigningKey struct {
	SigningKeyID models.ID
	Remove       bool // destroy the private half too
}

// RetiredSigningKey is the key that is out of use.
type RetiredSigningKey struct{ SigningKey models.SigningKey }

// PublishNext makes a key that stands in the metadata beside the active one and does not sign yet. Again with a next
// key of the algorithm there, it returns that one. FORBIDDEN without EXPOSURE_WRITE, NOT_FOUND for platforms that the caller does
// not see, PRECONDITION_FAILED with NEXT_KEY_EXISTS when the next key of the family is of another size.
func (s *Service) PublishNext(ctx context.Context, who models.Principal, cmd PublishNextSigningKey) (PublishedNextSigningKey, error) {
	if err := access.Require(who, models.WriteExposure); err != nil {
		return PublishedNextSigningKey{}, err
	}
	column, value, err := cmd.platform()
	if err != nil {
		return PublishedNextSigningKey{}, err
	}
	if cmd.Algorithm != nil && !cmd.Algorithm.Valid() {
		return PublishedNextSigningKey{}, models.Invalid("algorithm", "algorithm must be RSA_2048, RSA_3072 or ECDSA_P256.")
	}
	config, found, err := selectPlatform(ctx, s.DB, who, column, value)
	if err == nil && !found {
		err = models.NotFound("access configuration")
	}
	if err != nil {
		return PublishedNextSigningKey{}, err
	}
	algorithm, next, err := s.nextOf(ctx, s.DB, config.PlatformID, cmd.Algorithm)
	if err != nil {
		return PublishedNextSigningKey{}, err
	}
	if next != nil {
		return PublishedNextSigningKey{SigningKey: *next}, nil
	}
	// Generating takes time, so that it happens before anything is locked.
	fresh, err := s.generate(config.PlatformID, models.KeyNext, algorithm)
	if err != nil {
		return PublishedNextSigningKey{}, err
	}
	done := PublishedNextSigningKey{SigningKey: s.shown(fresh)}
	err = s.changeKeys(ctx, who, column, value, func(ctx context.Context, tx bun.Tx, config models.AccessConfiguration) error {
		_, other, err := s.nextOf(ctx, tx, config.PlatformID, &algorithm)
		if err != nil {
			return err
		}
		if other != nil {
			done.SigningKey = *other
			return nil
		}
		if _, err := insertKey(ctx, tx, &fresh); err != nil {
			return err
		}
		return s.recordKey(ctx, tx, who, models.EventSigningKeyCreated, fresh, config.PartnerID, "")
	})
	if err != nil {
		return PublishedNextSigningKey{}, err
	}
	return done, nil
}

func (c PublishNextSigningKey) platform() (column, value string, err error) {
	if c.PlatformID != "" {
		return "platform_id", c.PlatformID, models.CheckPlatformID(c.PlatformID, "platformId")
	}
	return "partner_id", string(c.PartnerID), c.PartnerID.Require(models.PrefixPartner, "partnerId")
}

// nextOf returns the algorithm that is meant and the next key of its family, when there is one.
func (s *Service) nextOf(ctx context.Context, idb bun.IDB, platformID string, wanted *models.SigningKeyAlgorithm) (models.SigningKeyAlgorithm, *models.SigningKey, error) {
	algorithm := models.KeyRSA2048
	if wanted != nil {
		algorithm = *wanted
	} else if active, found, err := selectKeyIn(ctx, idb, platformID, models.KeyActive, models.KeyRSA2048); err != nil {
		return "", nil, err
	} else if found {
		algorithm = active.Algorithm
	}
	next, found, err := selectKeyIn(ctx, idb, platformID, models.KeyNext, algorithm)
	switch {
	case err != nil || !found:
		return algorithm, nil, err
	case wanted != nil && next.Algorithm != *wanted:
		return "", nil, errOtherNext
	}
	shown := s.shown(next)
	return algorithm, &shown, nil
}

// Activate makes a next key sign, and retires the one that did. Again it changes nothing. PRECONDITION_FAILED with
// SIGNING_KEY_TOO_FRESH while peers may still have metadata without the key, unless forced; with SIGNING_KEY_RETIRED and
// SIGNING_KEY_EXPIRED for keys that cannot sign. Other errors as PublishNext.
func (s *Service) Activate(ctx context.Context, who models.Principal, cmd ActivateNextSigningKey) (ActivatedNextSigningKey, error) {
	var done ActivatedNextSigningKey
	err := s.changeKey(ctx, who, cmd.SigningKeyID, func(ctx context.Context, tx bun.Tx, key models.SigningKey, partner models.ID) error {
		done.SigningKey = s.shown(key)
		if key.State == models.KeyActive {
			return nil
		}
		if err := s.mayActivate(key, cmd.Force); err != nil {
			return err
		}
		old, found, err := selectKeyIn(ctx, tx, key.PlatformID, models.KeyActive, key.Algorithm)
		if err != nil {
			return err
		}
		if found {
			old.State = models.KeyRetired
			if err := updateKey(ctx, tx, old); err != nil {
				return err
			}
			if err := s.recordKey(ctx, tx, who, models.EventSigningKeyRetired, old, partner, models.KeyActive); err != nil {
				return err
			}
			old = s.shown(old)
			done.RetiredSigningKey = &old
		}
		before := key.State
		key.State = models.KeyActive
		done.SigningKey = s.shown(key)
		if err := updateKey(ctx, tx, key); err != nil {
			return err
		}
		return s.recordKey(ctx, tx, who, models.EventSigningKeyActivated, key, partner, before)
	})
	if err != nil {
		return ActivatedNextSigningKey{}, err
	}
	return done, nil
}

func (s *Service) mayActivate(key models.SigningKey, force bool) error {
	now := s.now()
	switch {
	case key.State == models.KeyRetired:
		return errKeyRetired
	case !now.Before(key.ExpiresAt):
		return errKeyExpired
	case force:
		return nil
	}
	ready := key.CreatedAt.Add(MetadataCacheTime)
	if key.PublishedAt != nil {
		ready = key.PublishedAt.Add(MetadataCacheTime)
	}
	if now.Before(ready) {
		refusal := models.Precondition("SIGNING_KEY_TOO_FRESH", "Peers may hold metadata without this key until "+
			ready.Format(time.RFC3339)+". Activate it then, or force it and let their sign-ins fail meanwhile.")
		refusal.Details["readyAt"] = ready.Format(time.RFC3339)
		return refusal
	}
	return nil
}

// Retire takes a next key out of the metadata; it still opens what was encrypted to it, as every retired key does until it expires.
// With Remove its private half is destroyed, and nothing opens with it any more. Again it changes nothing. PRECONDITION_FAILED with
// SIGNING_KEY_ACTIVE for the key that signs. Other errors as PublishNext.
func (s *Service) Retire(ctx context.Context, who models.Principal, cmd RetireSigningKey) (RetiredSigningKey, error) {
	var done RetiredSigningKey
	err := s.changeKey(ctx, who, cmd.SigningKeyID, func(ctx context.Context, tx bun.Tx, key models.SigningKey, partner models.ID) error {
		if key.State == models.KeyActive {
			return errKeyActive
		}
		event, before := models.EventSigningKeyRetired, key.State
		switch {
		case cmd.Remove && key.RemovedAt == nil:
			now := s.now()
			key.RemovedAt, key.KeySealed, event = &now, []byte{}, models.EventSigningKeyRemoved
		case key.State == models.KeyRetired:
			done.SigningKey = s.shown(key)
			return nil
		}
		key.State = models.KeyRetired
		done.SigningKey = s.shown(key)
		if err := updateKey(ctx, tx, key); err != nil {
			return err
		}
		return s.recordKey(ctx, tx, who, event, key, partner, before)
	})
	if err != nil {
		return RetiredSigningKey{}, err
	}
	return done, nil
}

// changeKey runs change in a transaction that holds the key's platform.
func (s *Service) changeKey(ctx context.Context, who models.Principal, id models.ID,
	change func(ctx context.Context, tx bun.Tx, key models.SigningKey, partner models.ID) error,
) error {
	if err := access.Require(who, models.WriteExposure); err != nil {
		return err
	}
	if err := id.Require(models.PrefixSigningKey, "signingKeyId"); err != nil {
		return err
	}
	key, found, err := selectKeyByID(ctx, s.DB, id)
	if err == nil && !found {
		err = models.NotFound("signing key")
	}
	if err != nil {
		return err
	}
	err = s.changeKeys(ctx, who, "platform_id", key.PlatformID, func(ctx context.Context, tx bun.Tx, config models.AccessConfiguration) error {
		if key, found, err = selectKeyByID(ctx, tx, id); err != nil {
			return err
		}
		return change(ctx, tx, key, config.PartnerID)
	})
	// Whoever does not see the platform does not learn that it has this key.
	if models.CodeOf(err) == models.CodeNotFound {
		return models.NotFound("signing key")
	}
	return err
}

func (s *Service) changeKeys(ctx context.Context, who models.Principal, column, value string,
	change func(ctx context.Context, tx bun.Tx, config models.AccessConfiguration) error,
) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		config, found, err := lockPlatform(ctx, tx, who, column, value)
		if err == nil && !found {
			err = models.NotFound("access configuration")
		}
		if err != nil {
			return err
		}
		return change(ctx, tx, config)
	})
}

// shown is the row without its private half.
func (s *Service) shown(key models.SigningKey) models.SigningKey {
	key.KeySealed = nil
	key.ExpiresSoon = key.State != models.KeyRetired && !s.now().Before(key.ExpiresAt.Add(-ExpiryWarning))
	return key
}

// SigningKeysFor returns the keys of these access configurations that the caller may see, by configuration, with one statement: the
// active ones, the next ones, then retired ones that still open something. FORBIDDEN without EXPOSURE_READ.
func (s *Service) SigningKeysFor(ctx context.Context, who models.Principal, configurations []models.ID) (map[models.ID][]models.SigningKey, error) {
	if err := access.Require(who, models.ReadExposure); err != nil {
		return nil, err
	}
	keys := make(map[models.ID][]models.SigningKey, len(configurations))
	if len(configurations) == 0 {
		return keys, nil
	}
	rows, err := selectKeysFor(ctx, s.DB, who, configurations, s.now())
	for _, row := range rows {
		keys[row.ConfigurationID] = append(keys[row.ConfigurationID], s.shown(row.SigningKey))
	}
	return keys, err
}

// AllKeys returns every key of a platform, or with "" of all platforms, also those of the past, without their private halves. For
// this server's own use.
func (s *Service) AllKeys(ctx context.Context, platformID string) ([]models.SigningKey, error) {
	return s.show(selectAllKeys(ctx, s.DB, platformID))
}

// ActiveKeys returns the keys that sign now, of all platforms, without their private halves. For this server's own use.
func (s *Service) ActiveKeys(ctx context.Context) ([]models.SigningKey, error) {
	return s.show(selectActiveKeys(ctx, s.DB))
}

func (s *Service) show(keys []models.SigningKey, err error) ([]models.SigningKey, error) {
	for i := range keys {
		keys[i] = s.shown(keys[i])
	}
	return keys, err
}
