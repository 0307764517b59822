package federation

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// Limits of what a platform registers.
const (
	maxProviders = 200     // per platform
	maxMetadata  = 2 << 20 // bytes (A02)
	// How often an organisation lets this server fetch metadata.
	fetchesPerWindow = 30
	fetchWindow      = 10 * time.Minute
)

// The refusals of registering service providers.
var (
	// ErrEntityIDFixed refuses metadata of another service provider: names that people have there hang on the entity id.
	ErrEntityIDFixed = models.Precondition("ENTITY_ID_FIXED", "The metadata names another entity id. Register it as another service provider.")
	// ErrNoMetadataURL refuses to fetch what was uploaded.
	ErrNoMetadataURL = models.Precondition("NO_METADATA_URL", "This service provider's metadata was uploaded; upload the new file.")
	// ErrTooManyProviders refuses one more than a platform may have.
	ErrTooManyProviders = models.Precondition("TOO_MANY_SERVICE_PROVIDERS", fmt.Sprintf("A platform has at most %d service providers.", maxProviders))
)

// RegisterServiceProvider says what to register. Exactly one of Metadata and MetadataURL is given.
type RegisterServiceProvider struct {
	PartnerID          models.ID
	Metadata           *string // XML, at most 2 MiB
	MetadataURL        *string // https; fetched now, and again by RefreshServiceProvider
	Name               string  // 1 to 128 characters, for people
	NameIDFormat       *models.NameIDFormat
	Attributes         []models.ServiceProviderAttribute // nil = VendorAttributes
	BPID               *string                           // at most 64 characters
	IDPInitiated       *bool
	LoginURL           *string // https
	Encryption         *models.AssertionEncryption
	SignatureAlgorithm *models.SignatureAlgorithm
	State              *models.ServiceProviderState
}

// UpdateServiceProvider says what to change. A nil field stays as it is; an empty text clears it, an empty list too.
type UpdateServiceProvider struct {
	ServiceProviderID  models.ID
	Metadata           *string // at most one of the two; Metadata makes it an uploaded one
	MetadataURL        *string
	Name               *string
	NameIDFormat       *models.NameIDFormat
	Attributes         []models.ServiceProviderAttribute
	BPID               *string
	IDPInitiated       *bool
	LoginURL           *string
	Encryption         *models.AssertionEncryption
	SignatureAlgorithm *models.SignatureAlgorithm
	State              *models.ServiceProviderState
}

// RefreshServiceProvider names whose metadata to fetch again.
type RefreshServiceProvider struct{ ServiceProviderID models.ID }

// RemoveServiceProvider names what to remove.
type RemoveServiceProvider struct{ ServiceProviderID models.ID }

// SavedServiceProvider is a service provider after a change, with the remarks on metadata that was read.
type SavedServiceProvider struct {
	ServiceProvider models.ServiceProvider
	Findings        []models.MetadataFinding
}

// RemovedServiceProvider tells what is gone.
type RemovedServiceProvider struct{ RemovedServiceProviderID models.ID }

// document is metadata that was read.
type document struct {
	xml, url string
	facts    models.ProviderFacts
	findings []models.MetadataFinding
}

// RegisterServiceProvider registers a service provider at the platform of a partner. Errors: UNAUTHENTICATED, FORBIDDEN without
// EXPOSURE_WRITE, NOT_FOUND for a partner whose configuration the caller may not see or that has saved none, INVALID with the field
// and, for metadata, the findings; CONFLICT when the platform has this entity id; RATE_LIMITED, ErrTooManyProviders.
func (s *Service) RegisterServiceProvider(ctx context.Context, who models.Principal, cmd RegisterServiceProvider) (SavedServiceProvider, error) {
	if err := access.Require(who, models.WriteExposure); err != nil {
		return SavedServiceProvider{}, err
	}
	if err := cmd.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
		return SavedServiceProvider{}, err
	}
	changes, err := s.checkProvider(UpdateServiceProvider{
		Name: &cmd.Name, NameIDFormat: cmd.NameIDFormat, Attributes: cmd.Attributes, BPID: cmd.BPID, IDPInitiated: cmd.IDPInitiated,
		LoginURL: cmd.LoginURL, Encryption: cmd.Encryption, SignatureAlgorithm: cmd.SignatureAlgorithm, State: cmd.State,
	})
	if err != nil {
		return SavedServiceProvider{}, err
	}
	// Whoever has no platform here does not let this server fetch anything either.
	config, err := s.configurationOf(ctx, s.DB, who, cmd.PartnerID)
	if err != nil {
		return SavedServiceProvider{}, err
	}
	doc, err := s.read(ctx, who, cmd.Metadata, cmd.MetadataURL)
	switch {
	case err != nil:
		return SavedServiceProvider{}, err
	case doc == nil:
		return SavedServiceProvider{}, models.Invalid("metadata", "Give metadata or metadataUrl.")
	}
	now := s.now()
	row := models.ServiceProvider{
		ID: s.IDs(models.PrefixServiceProvider), AccessConfigurationID: config.ID, PartnerID: config.PartnerID, PlatformID: config.PlatformID,
		EntityID: doc.facts.EntityID, NameIDFormat: models.NameIDTransient, Attributes: models.VendorAttributes(), Encryption: models.EncryptAuto,
		SignatureAlgorithm: models.SignRSASHA256, State: models.ServiceProviderEnabled, CreatedAt: now,
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.roomForOne(ctx, tx, who, cmd.PartnerID); err != nil {
			return err
		}
		fields, err := apply(&row, changes, doc, now)
		if err != nil {
			return err
		}
		if err := insertRow(ctx, tx, &row); err != nil {
			if store.Conflicts(err, "service_providers", "platform_id", "entity_id") {
				return &models.Error{Code: models.CodeConflict, Field: doc.field(), Message: "This platform has registered a service provider with this entity id."}
			}
			return err
		}
		return s.recordProvider(ctx, tx, who, models.EventServiceProviderRegistered, row, fields, models.ServiceProvider{})
	})
	return SavedServiceProvider{ServiceProvider: row, Findings: doc.findings}, err
}

// roomForOne holds the platform's configuration, so that registrations at once do not pass the limit together.
func (s *Service) roomForOne(ctx context.Context, tx bun.IDB, who models.Principal, partnerID models.ID) error {
	config, found, err := lockConfiguration(ctx, tx, who, partnerID)
	if err != nil || !found {
		return unless(err, models.NotFound("access configuration"))
	}
	count, err := countProviders(ctx, tx, config.ID)
	if err == nil && count >= maxProviders {
		err = ErrTooManyProviders
	}
	return err
}

// UpdateServiceProvider changes a service provider; nothing is saved unless all of it is valid. Errors as RegisterServiceProvider,
// NOT_FOUND for one that the caller may not see, ErrEntityIDFixed.
func (s *Service) UpdateServiceProvider(ctx context.Context, who models.Principal, cmd UpdateServiceProvider) (SavedServiceProvider, error) {
	if err := s.visibleProvider(ctx, who, cmd.ServiceProviderID); err != nil {
		return SavedServiceProvider{}, err
	}
	changes, err := s.checkProvider(cmd)
	if err != nil {
		return SavedServiceProvider{}, err
	}
	doc, err := s.read(ctx, who, cmd.Metadata, cmd.MetadataURL)
	if err != nil {
		return SavedServiceProvider{}, err
	}
	return s.save(ctx, who, cmd.ServiceProviderID, changes, doc)
}

// RefreshServiceProvider fetches metadata again that was registered by its address. Errors as UpdateServiceProvider, ErrNoMetadataURL.
func (s *Service) RefreshServiceProvider(ctx context.Context, who models.Principal, cmd RefreshServiceProvider) (SavedServiceProvider, error) {
	if err := s.visibleProvider(ctx, who, cmd.ServiceProviderID); err != nil {
		return SavedServiceProvider{}, err
	}
	found, err := selectProviders(ctx, s.DB, who, []models.ID{cmd.ServiceProviderID})
	switch {
	case err != nil:
		return SavedServiceProvider{}, err
	case len(found) == 0:
		return SavedServiceProvider{}, models.NotFound("service provider")
	case found[0].MetadataURL == "":
		return SavedServiceProvider{}, ErrNoMetadataURL
	}
	doc, err := s.read(ctx, who, nil, &found[0].MetadataURL)
	if err != nil {
		return SavedServiceProvider{}, err
	}
	return s.save(ctx, who, cmd.ServiceProviderID, nil, doc)
}

// RemoveServiceProvider removes a service provider with all that it told; nobody is signed in to it any more, and nobody signed out.
// NOT_FOUND for one that the caller may not see.
func (s *Service) RemoveServiceProvider(ctx context.Context, who models.Principal, cmd RemoveServiceProvider) (RemovedServiceProvider, error) {
	if err := s.visibleProvider(ctx, who, cmd.ServiceProviderID); err != nil {
		return RemovedServiceProvider{}, err
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, found, err := lockProvider(ctx, tx, who, cmd.ServiceProviderID)
		if err != nil || !found {
			return unless(err, models.NotFound("service provider"))
		}
		if err := deleteProvider(ctx, tx, row.ID); err != nil {
			return err
		}
		return s.recordProvider(ctx, tx, who, models.EventServiceProviderRemoved, row, nil, row)
	})
	return RemovedServiceProvider{RemovedServiceProviderID: cmd.ServiceProviderID}, err
}

// save applies changes and metadata to one row.
func (s *Service) save(ctx context.Context, who models.Principal, id models.ID, changes []providerChange, doc *document) (SavedServiceProvider, error) {
	var saved SavedServiceProvider
	if doc != nil {
		saved.Findings = doc.findings
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, found, err := lockProvider(ctx, tx, who, id)
		switch {
		case err != nil:
			return err
		case !found:
			return models.NotFound("service provider")
		case doc != nil && doc.facts.EntityID != row.EntityID:
			return ErrEntityIDFixed
		}
		before := row
		fields, err := apply(&row, changes, doc, s.now())
		if err != nil {
			return err
		}
		saved.ServiceProvider = row
		if err := updateProvider(ctx, tx, &row); err != nil {
			return err
		}
		return s.recordProvider(ctx, tx, who, models.EventServiceProviderUpdated, row, fields, before)
	})
	return saved, err
}

// apply changes the row and returns the fields that changed, in API spelling. It refuses what the row as a whole cannot be.
func apply(row *models.ServiceProvider, changes []providerChange, doc *document, now time.Time) ([]string, error) {
	var fields []string
	for _, change := range changes {
		change.apply(row)
		fields = append(fields, change.field)
	}
	if doc != nil {
		row.Metadata, row.MetadataURL, row.Facts = doc.xml, doc.url, doc.facts
		fields = append(fields, doc.field())
	}
	if row.Encryption == models.EncryptAlways && !row.Facts.CanEncrypt {
		return nil, models.Invalid("encryption", "The metadata names no key that assertions could be encrypted for.")
	}
	row.UpdatedAt = now
	slices.Sort(fields)
	return fields, nil
}

// recordProvider tells of a change from what the service provider was. Metadata and the table of attributes are too long for a record.
func (s *Service) recordProvider(ctx context.Context, tx bun.IDB, who models.Principal, kind models.EventType, row models.ServiceProvider, fields []string, before models.ServiceProvider) error {
	changes := make([]models.FieldChange, len(fields))
	for i, field := range fields {
		changes[i] = models.FieldChange{Field: field}
		if from, to := providerValue(before, field), providerValue(row, field); from != to {
			changes[i] = models.Changed(field, from, to)
		}
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: kind, SubjectID: string(row.ID), PartnerID: row.PartnerID, Fields: fields, Changes: changes,
		Data: map[string]any{"platformId": row.PlatformID, "state": row.State},
	})
}

// providerValue is what the record says of a field, in API spelling; empty = nothing.
func providerValue(p models.ServiceProvider, field string) string {
	switch field {
	case "name":
		return p.Name
	case "metadataUrl":
		return p.MetadataURL
	case "nameIdFormat":
		return string(p.NameIDFormat)
	case "bpId":
		return p.BPID
	case "idpInitiated":
		return strconv.FormatBool(p.IDPInitiated)
	case "loginUrl":
		return p.LoginURL
	case "encryption":
		return string(p.Encryption)
	case "signatureAlgorithm":
		return string(p.SignatureAlgorithm)
	case "state":
		return string(p.State)
	}
	return ""
}

// visibleProvider checks the permission and that the caller may see the service provider, before anything is read or fetched for it.
func (s *Service) visibleProvider(ctx context.Context, who models.Principal, id models.ID) error {
	if err := access.Require(who, models.WriteExposure); err != nil {
		return err
	}
	if err := id.Require(models.PrefixServiceProvider, "serviceProviderId"); err != nil {
		return err
	}
	found, err := existsProvider(ctx, s.DB, who, id)
	if err == nil && !found {
		err = models.NotFound("service provider")
	}
	return err
}

func (s *Service) configurationOf(ctx context.Context, idb bun.IDB, who models.Principal, partnerID models.ID) (models.AccessConfiguration, error) {
	config, found, err := selectConfiguration(ctx, idb, who, partnerID)
	if err == nil && !found {
		err = models.NotFound("access configuration")
	}
	return config, err
}
