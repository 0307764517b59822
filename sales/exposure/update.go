package exposure

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// maxMetadata bounds an identity provider's metadata, in bytes (A02).
const maxMetadata = 2 << 20

// The refusals of this room that callers may want to tell apart.
var (
	// ErrNoExposure refuses a cloud reseller (A01, P12).
	ErrNoExposure = models.Precondition("EXPOSURE_NOT_AVAILABLE", "Partners of this kind have no capability exposure.")
	// ErrPlatformIDFixed refuses another platform id than the one saved first (A03): logins and bindings hang on it.
	ErrPlatformIDFixed = models.Precondition("PLATFORM_ID_FIXED", "The platform id cannot be changed once it is saved.")
)

// UpdateAccessConfiguration says what to change. A nil field stays as it is; an empty text or list clears it.
type UpdateAccessConfiguration struct {
	PartnerID           models.ID
	PlatformID          *string // required at the first save, unchangeable afterwards (A03)
	State               *models.ExposureState
	IDPMetadata         *string // XML, at most 2 MiB (A02)
	BindNotificationURL *string
	OrderPaidURL        *string
	OrderRechargeURL    *string
	SignInURL           *string                  // the storefront's own sign-in page
	AllowedOrigins      []string                 // at most 50
	AllowedServices     []string                 // at most 50
	AttachmentUpload    *bool                    // off takes the bucket and its keys away
	AttachmentBucket    *models.AttachmentBucket // tried before it is saved; an empty one clears it, and attachments are kept here
	IDPMetadataUploadID *models.ID               // instead of IDPMetadata, for what is larger than a request may be
	Contact             *models.InterfaceContact // an empty one clears it
	AllowCBC            *bool                    // accept AES-CBC encrypted assertions
	AttributeMapping    *models.AttributeMapping // replaces the whole mapping; what it leaves out has its default
	AuthnContexts       []string                 // at most models.MaxAuthnContexts URIs
	Display             *models.MetadataDisplay  // replaces the whole; an empty one clears it
	PublishContact      *bool                    // the contact's name and e-mail address stand in published metadata
	SubjectScopes       []string                 // at most 50; needed while the mapping identifies by subject-id or pairwise-id
}

// Updated is the configuration after a change.
type Updated struct{ AccessConfiguration models.AccessConfiguration }

// Update saves a platform's configuration, creating it at the first save; nothing is saved unless all of it is valid.
// Errors: UNAUTHENTICATED, FORBIDDEN without EXPOSURE_WRITE, NOT_FOUND for a partner that is not the caller's, INVALID
// with the field, CONFLICT with field platformId when another platform has it, ErrNoExposure, ErrPlatformIDFixed. An attachment bucket is
// tried first, with the errors of CheckBucket; an upload that is not the caller's to use is NOT_FOUND.
func (s *Service) Update(ctx context.Context, who models.Principal, cmd UpdateAccessConfiguration) (Updated, error) {
	if err := authorise(who, models.WriteExposure, cmd.PartnerID); err != nil {
		return Updated{}, err
	}
	if err := s.prepare(ctx, who, &cmd); err != nil {
		return Updated{}, err
	}
	changes, err := s.check(cmd)
	if err != nil {
		return Updated{}, err
	}
	var saved models.AccessConfiguration
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		config, exists, err := s.ownForUpdate(ctx, tx, who, cmd.PartnerID)
		if err != nil {
			return err
		}
		if !exists {
			if config, err = s.first(cmd); err != nil {
				return err
			}
		} else if cmd.PlatformID != nil && *cmd.PlatformID != config.PlatformID {
			return ErrPlatformIDFixed
		}
		if cmd.AttachmentBucket != nil && !cmd.AttachmentBucket.IsZero() && !config.AttachmentUpload && cmd.AttachmentUpload == nil {
			return models.Invalid("attachmentBucket", "Switch attachmentUpload on as well: only then attachments are read.")
		}
		if saved, err = s.save(ctx, tx, who, config, exists, changes); err != nil || cmd.IDPMetadataUploadID == nil {
			return err
		}
		return s.Uploads.TakeIn(ctx, tx, who, models.UploadIDPMetadata, *cmd.IDPMetadataUploadID)
	})
	if err == nil {
		err = s.openContact(&saved)
	}
	return Updated{AccessConfiguration: saved}, err
}

// authorise checks the permission and the shape of the id.
func authorise(who models.Principal, permission models.Permission, partnerID models.ID) error {
	if err := access.Require(who, permission); err != nil {
		return err
	}
	return partnerID.Require(models.PrefixPartner, "partnerId")
}

// ownForUpdate finds the partner among those whose business the caller may do, and locks its row and its configuration.
func (s *Service) ownForUpdate(ctx context.Context, tx bun.IDB, who models.Principal, partnerID models.ID) (models.AccessConfiguration, bool, error) {
	kind, found, err := lockPartner(ctx, tx, who, partnerID)
	switch {
	case err != nil:
		return models.AccessConfiguration{}, false, err
	case !found:
		return models.AccessConfiguration{}, false, models.NotFound("partner")
	case !kind.HasExposure():
		return models.AccessConfiguration{}, false, ErrNoExposure
	}
	return lockOfPartner(ctx, tx, who, partnerID)
}

// first is the configuration that the first save starts from.
func (s *Service) first(cmd UpdateAccessConfiguration) (models.AccessConfiguration, error) {
	if cmd.PlatformID == nil {
		return models.AccessConfiguration{}, models.Invalid("platformId", "The first save needs a platformId.")
	}
	config := models.AccessConfiguration{
		ID: s.IDs(models.PrefixAccessConfiguration), PartnerID: cmd.PartnerID, PlatformID: *cmd.PlatformID, State: models.ExposureEnabled,
		AllowedOrigins: []string{}, AllowedServices: []string{}, AuthnContexts: []string{}, SubjectScopes: []string{}, CreatedAt: s.now(),
	}
	secret, err := s.newSecret()
	config.ReturnSecretSealed = s.Seal.Seal([]byte(secret), secretContext(config.ID))
	return config, err
}

// change is one field's new value.
type change struct {
	field string // in API spelling, for the audit record
	apply func(*models.AccessConfiguration)
}

// check checks every input and collects what it would change.
func (s *Service) check(cmd UpdateAccessConfiguration) ([]change, error) {
	var changes []change
	add := func(field string, apply func(*models.AccessConfiguration)) {
		changes = append(changes, change{field, apply})
	}
	if cmd.PlatformID != nil {
		if err := models.CheckPlatformID(*cmd.PlatformID, "platformId"); err != nil {
			return nil, err
		}
	}
	if state := cmd.State; state != nil {
		if *state != models.ExposureEnabled && *state != models.ExposureDisabled {
			return nil, models.Invalid("state", "The state is ENABLED or DISABLED.")
		}
		add("state", func(c *models.AccessConfiguration) { c.State = *state })
	}
	if cmd.IDPMetadata != nil {
		facts, err := s.checkMetadata(*cmd.IDPMetadata)
		if err != nil {
			return nil, err
		}
		add("idpMetadata", func(c *models.AccessConfiguration) {
			c.IDPMetadata, c.IDPEntityID, c.IDPFacts = *cmd.IDPMetadata, facts.EntityID, facts
			c.IDPFacts.EntityID = "" // it has its own column
		})
	}
	for _, link := range []struct {
		field string
		value *string
		check func(raw, field string) error
		place func(*models.AccessConfiguration) *string
	}{
		{"bindNotificationUrl", cmd.BindNotificationURL, s.checkURL, func(c *models.AccessConfiguration) *string { return &c.BindNotificationURL }},
		{"orderPaidUrl", cmd.OrderPaidURL, s.checkReturnURL, func(c *models.AccessConfiguration) *string { return &c.OrderPaidURL }},
		{"orderRechargeUrl", cmd.OrderRechargeURL, s.checkURL, func(c *models.AccessConfiguration) *string { return &c.OrderRechargeURL }},
		{"signInUrl", cmd.SignInURL, s.checkSignInURL, func(c *models.AccessConfiguration) *string { return &c.SignInURL }},
	} {
		if link.value == nil {
			continue
		}
		if *link.value != "" {
			if err := link.check(*link.value, link.field); err != nil {
				return nil, err
			}
		}
		add(link.field, func(c *models.AccessConfiguration) { *link.place(c) = *link.value })
	}
	if contact := cmd.Contact; contact != nil {
		if err := contact.Check("contact"); err != nil {
			return nil, err
		}
		add("contact", func(c *models.AccessConfiguration) { s.sealContact(c, *contact) })
	}
	return s.checkLists(cmd, changes)
}

func (s *Service) checkLists(cmd UpdateAccessConfiguration, changes []change) ([]change, error) {
	for _, list := range []struct {
		field string
		value []string
		limit int
		check func(entry, field string) error
		place func(*models.AccessConfiguration) *[]string
	}{
		{"allowedOrigins", cmd.AllowedOrigins, maxEntries, s.checkOrigin, func(c *models.AccessConfiguration) *[]string { return &c.AllowedOrigins }},
		{"allowedServices", cmd.AllowedServices, maxEntries, s.checkService, func(c *models.AccessConfiguration) *[]string { return &c.AllowedServices }},
		{"authnContexts", cmd.AuthnContexts, models.MaxAuthnContexts, models.CheckAuthnContext, func(c *models.AccessConfiguration) *[]string { return &c.AuthnContexts }},
		{"subjectScopes", lower(cmd.SubjectScopes), maxEntries, models.CheckSubjectScope, func(c *models.AccessConfiguration) *[]string { return &c.SubjectScopes }},
	} {
		if list.value == nil {
			continue
		}
		kept, err := checkEach(list.value, list.field, list.limit, list.check)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change{list.field, func(c *models.AccessConfiguration) { *list.place(c) = kept }})
	}
	if upload := cmd.AttachmentUpload; upload != nil {
		changes = append(changes, change{"attachmentUpload", func(c *models.AccessConfiguration) {
			c.AttachmentUpload = *upload
		}})
		if !*upload { // what is off keeps no keys of others
			changes = append(changes, change{"attachmentBucket", func(c *models.AccessConfiguration) { s.setBucket(c, models.AttachmentBucket{}) }})
		}
	}
	if bucket := cmd.AttachmentBucket; bucket != nil && (cmd.AttachmentUpload == nil || *cmd.AttachmentUpload) {
		changes = append(changes, change{"attachmentBucket", func(c *models.AccessConfiguration) { s.setBucket(c, *bucket) }})
	}
	if allow := cmd.AllowCBC; allow != nil {
		changes = append(changes, change{"allowCbc", func(c *models.AccessConfiguration) { c.AllowCBC = *allow }})
	}
	if publish := cmd.PublishContact; publish != nil {
		changes = append(changes, change{"publishContact", func(c *models.AccessConfiguration) { c.PublishContact = *publish }})
	}
	if display := cmd.Display; display != nil {
		if err := display.Check("display", s.Dev); err != nil {
			return nil, err
		}
		changes = append(changes, change{"display", func(c *models.AccessConfiguration) { c.Display = *display }})
	}
	if mapping := cmd.AttributeMapping; mapping != nil {
		if err := mapping.Check("attributeMapping"); err != nil {
			return nil, err
		}
		changes = append(changes, change{"attributeMapping", func(c *models.AccessConfiguration) { c.AttributeMapping = *mapping }})
	}
	return changes, nil
}

// checkMetadata returns what the metadata says; empty metadata clears that as well.
func (s *Service) checkMetadata(xml string) (models.IDPFacts, error) {
	if xml == "" {
		return models.IDPFacts{}, nil
	}
	if len(xml) > maxMetadata {
		return models.IDPFacts{}, models.Invalid("idpMetadata", "The metadata is larger than 2 MiB.")
	}
	facts, err := s.Metadata.CheckIDPMetadata([]byte(xml))
	var known *models.Error
	switch {
	case errors.As(err, &known):
		return models.IDPFacts{}, err
	case err != nil:
		return models.IDPFacts{}, models.Invalid("idpMetadata", "The metadata cannot be used: "+err.Error())
	}
	return facts, nil
}

// save applies the changes and writes row and record.
func (s *Service) save(ctx context.Context, tx bun.IDB, who models.Principal, config models.AccessConfiguration, exists bool, changes []change) (models.AccessConfiguration, error) {
	var fields []string
	before := config
	for _, change := range changes {
		change.apply(&config)
		fields = append(fields, change.field)
	}
	if err := s.checkWhole(config); err != nil {
		return config, err
	}
	config.UpdatedAt = s.now()
	if !exists {
		fields = append(fields, "platformId")
		if err := insert(ctx, tx, &config); err != nil {
			if store.Conflicts(err, "access_configurations", "platform_id") {
				return config, &models.Error{Code: models.CodeConflict, Field: "platformId", Message: "Another platform has this platform id."}
			}
			return config, err
		}
	} else if err := update(ctx, tx, &config); err != nil {
		return config, err
	}
	slices.Sort(fields)
	if !exists {
		before = models.AccessConfiguration{}
	}
	return config, s.record(ctx, tx, who, models.EventExposureUpdated, config, fields, differences(before, config, fields)...)
}

// checkWhole refuses what no field is alone to blame for.
func (s *Service) checkWhole(config models.AccessConfiguration) error {
	contact, err := s.PublishedContact(config)
	switch {
	case err != nil:
		return err
	case config.PublishContact && (contact == nil || contact.Email == ""):
		return models.Invalid("publishContact", "What is published is the contact's e-mail address; set one, or switch this off.")
	}
	if config.AttributeMapping.Scoped() && len(config.SubjectScopes) == 0 {
		return models.Invalid("subjectScopes", "Who identifies people by subject-id or pairwise-id names the scopes that count.")
	}
	return nil
}

// shown writes a field for the audit record. Of metadata, which is long, it writes the digest: whoever has the file can tell whether it is
// this one.
var shown = map[string]func(models.AccessConfiguration) string{
	"platformId":          func(c models.AccessConfiguration) string { return c.PlatformID },
	"state":               func(c models.AccessConfiguration) string { return string(c.State) },
	"idpMetadata":         func(c models.AccessConfiguration) string { return digestOf(c.IDPMetadata) },
	"bindNotificationUrl": func(c models.AccessConfiguration) string { return c.BindNotificationURL },
	"orderPaidUrl":        func(c models.AccessConfiguration) string { return c.OrderPaidURL },
	"orderRechargeUrl":    func(c models.AccessConfiguration) string { return c.OrderRechargeURL },
	"allowedOrigins":      func(c models.AccessConfiguration) string { return strings.Join(c.AllowedOrigins, " ") },
	"allowedServices":     func(c models.AccessConfiguration) string { return strings.Join(c.AllowedServices, " ") },
	"authnContexts":       func(c models.AccessConfiguration) string { return strings.Join(c.AuthnContexts, " ") },
	"subjectScopes":       func(c models.AccessConfiguration) string { return strings.Join(c.SubjectScopes, " ") },
	"publishContact":      func(c models.AccessConfiguration) string { return strconv.FormatBool(c.PublishContact) },
	"display":             shownDisplay,
	"attachmentUpload":    func(c models.AccessConfiguration) string { return strconv.FormatBool(c.AttachmentUpload) },
	"attachmentBucket": func(c models.AccessConfiguration) string {
		return strings.TrimSpace(c.BucketName + " " + c.BucketEndpoint)
	},
}

// shownDisplay writes the names, and what else is set by its address.
func shownDisplay(c models.AccessConfiguration) string {
	var parts []string
	for _, list := range [][]models.LocalizedText{c.Display.DisplayNames, c.Display.InformationURLs, c.Display.PrivacyStatementURLs} {
		for _, text := range list {
			parts = append(parts, text.Language+": "+text.Text)
		}
	}
	if c.Display.Logo != nil {
		parts = append(parts, c.Display.Logo.URL)
	}
	return strings.Join(parts, ", ")
}

func digestOf(text string) string {
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// differences says what became of the fields. A save may leave a field as it was.
func differences(before, after models.AccessConfiguration, fields []string) []models.FieldChange {
	var changes []models.FieldChange
	for _, field := range fields {
		write, ok := shown[field]
		if !ok {
			continue
		}
		if was, is := write(before), write(after); was != is {
			changes = append(changes, models.Changed(field, was, is))
		}
	}
	return changes
}

func (s *Service) record(
	ctx context.Context, tx bun.IDB, who models.Principal, kind models.EventType, config models.AccessConfiguration, fields []string,
	changes ...models.FieldChange,
) error {
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: kind, SubjectID: string(config.ID), PartnerID: config.PartnerID, Fields: fields, Changes: changes,
		Data: map[string]any{"platformId": config.PlatformID, "state": config.State},
	})
}
