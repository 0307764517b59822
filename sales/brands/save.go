package brands

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/exposure"
)

// SaveDraft says what to change. A nil field stays as it is; an empty text or list clears it.
type SaveDraft struct {
	PartnerID    *models.ID // whose, for operators; nil = the caller's own
	NameEN       *string    // at most 64 characters
	NameZH       *string    // at most 64 characters
	LogoUploadID *models.ID // an upload of the caller's own for BRAND_LOGO
	RemoveLogo   *bool
	AccentColor  *string // #rrggbb; against white and the pages' light surfaces 4.5:1 at least
	Style        *models.BrandStyle
	SupportURL   *string // https
	SupportPhone *string
	FooterEN     *string            // at most 300 characters
	FooterZH     *string            // at most 300 characters
	PromoMenu    []models.PromoLink // at most 10, on the platform's allowed origins
	ServiceTypes []string           // at most 100 codes of the catalogue in force; none = all
	Notice       *models.BrandNotice
	RemoveNotice *bool
}

// Changed is a version as it is after the operation.
type Changed struct {
	BrandVersion models.BrandVersion
}

// change is what is to become of a content.
type change func(*models.BrandContent)

// SaveDraft saves the draft of a partner's brand; where there is none, one begins with what is published, else with the newest version. What is
// published stays. The partner itself may, and operators; it needs EXPOSURE_WRITE. Errors: INVALID with the field, for an accent colour with its ratio
// in the details; NOT_FOUND for another partner, and for an upload that is not the caller's to use; reasons of PRECONDITION_FAILED:
// EXPOSURE_NOT_AVAILABLE for a cloud reseller, BRAND_IN_REVIEW, ORIGIN_NOT_ALLOWED, SERVICE_TYPE_UNKNOWN. Nothing is saved unless all of it is valid.
func (s *Service) SaveDraft(ctx context.Context, who models.Principal, cmd SaveDraft) (Changed, error) {
	if err := access.Require(who, models.WriteExposure); err != nil {
		return Changed{}, err
	}
	partner, err := whose(who, cmd.PartnerID)
	if err != nil {
		return Changed{}, err
	}
	changes, err := s.check(cmd)
	if err != nil {
		return Changed{}, err
	}
	if err := s.allowed(ctx, partner, cmd.PromoMenu, cmd.ServiceTypes); err != nil {
		return Changed{}, err
	}
	var file *models.BrandLogoFile
	if cmd.LogoUploadID != nil {
		content, err := s.Uploads.Content(ctx, who, models.UploadLogo, *cmd.LogoUploadID)
		if err != nil {
			return Changed{}, err
		}
		logo, written, err := rewrite(content)
		if err != nil {
			return Changed{}, err
		}
		file = &models.BrandLogoFile{PartnerID: partner, Digest: logo.Digest, ContentType: logo.ContentType, Content: written, CreatedAt: s.now()}
		changes = append(changes, func(c *models.BrandContent) { c.Logo = &logo })
	}
	var done Changed
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		done.BrandVersion, err = s.saveIn(ctx, tx, who, partner, cmd, changes, file)
		return err
	})
	return done, err
}

// saveIn writes the draft, its logo and the record.
func (s *Service) saveIn(
	ctx context.Context, tx bun.IDB, who models.Principal, partner models.ID, cmd SaveDraft, changes []change, file *models.BrandLogoFile,
) (models.BrandVersion, error) {
	row, isNew, err := s.draftIn(ctx, tx, partner)
	if err != nil {
		return row, err
	}
	before := row.Content
	if isNew {
		before = models.BrandContent{}
	}
	for _, apply := range changes {
		apply(&row.Content)
	}
	former := row.LogoDigest
	row.LogoDigest, row.Revision, row.UpdatedAt = "", row.Revision+1, s.now()
	if row.Content.Logo != nil {
		row.LogoDigest = row.Content.Logo.Digest
	}
	data := map[string]any{"revision": row.Revision}
	if file != nil {
		data["uploadId"] = *cmd.LogoUploadID
		if err := insertLogo(ctx, tx, file); err != nil {
			return row, err
		}
		if err := s.Uploads.TakeIn(ctx, tx, who, models.UploadLogo, *cmd.LogoUploadID); err != nil {
			return row, err
		}
	}
	if isNew {
		err = insertRow(ctx, tx, &row)
	} else {
		err = updateRow(ctx, tx, &row)
	}
	if err == nil && former != "" && former != row.LogoDigest {
		err = deleteUnusedLogo(ctx, tx, partner, former)
	}
	if err != nil {
		return row, err
	}
	return row, s.record(ctx, tx, who, models.EventBrandSaved, row, differences(before, row.Content), data)
}

// draftIn finds the draft, or begins one, with the partner locked.
func (s *Service) draftIn(ctx context.Context, tx bun.IDB, partner models.ID) (row models.BrandVersion, isNew bool, err error) {
	kind, found, err := lockPartner(ctx, tx, partner)
	switch {
	case err != nil:
		return row, false, err
	case !found:
		return row, false, errPartner
	case !kind.HasExposure():
		return row, false, exposure.ErrNoExposure
	}
	latest, there, err := selectLatest(ctx, tx, partner)
	if err != nil {
		return row, false, err
	}
	if there && latest.State == models.BrandInReview {
		_, err := latest.Move(models.BrandSubmit, s.now()) // the refusal of its state
		return row, false, err
	}
	if there && latest.State == models.BrandDraft {
		return latest, false, nil
	}
	row = models.BrandVersion{
		ID: s.IDs(models.PrefixBrandVersion), PartnerID: partner, State: models.BrandDraft, Content: models.BrandContent{Style: models.BrandDual},
		CreatedAt: s.now(),
	}
	if there {
		row.Content, row.LogoDigest = latest.Content, latest.LogoDigest
	}
	return row, true, nil
}

// check checks every input by itself and collects what it would change.
func (s *Service) check(cmd SaveDraft) ([]change, error) {
	changes, err := s.checkTexts(cmd)
	if err != nil {
		return nil, err
	}
	if cmd.AccentColor != nil {
		accent := ""
		if *cmd.AccentColor != "" {
			if accent, err = models.CheckAccent(*cmd.AccentColor, "accentColor"); err != nil {
				return nil, err
			}
		}
		changes = append(changes, func(c *models.BrandContent) { c.Accent = accent })
	}
	if style := cmd.Style; style != nil {
		if !style.Valid() {
			return nil, models.Invalid("style", "The style is DUAL or PARTNER_ONLY.")
		}
		changes = append(changes, func(c *models.BrandContent) { c.Style = *style })
	}
	if cmd.RemoveLogo != nil && *cmd.RemoveLogo {
		if cmd.LogoUploadID != nil {
			return nil, models.Invalid("removeLogo", "A logo is brought or removed, not both.")
		}
		changes = append(changes, func(c *models.BrandContent) { c.Logo = nil })
	}
	if cmd.LogoUploadID != nil {
		if err := cmd.LogoUploadID.Require(models.PrefixUpload, "logoUploadId"); err != nil {
			return nil, err
		}
	}
	return s.checkLists(cmd, changes)
}

func (s *Service) checkTexts(cmd SaveDraft) (changes []change, err error) {
	plain := func(most int) func(text, field string) error {
		return func(text, field string) error { return models.CheckBrandText(text, field, most) }
	}
	address := func(text, field string) error {
		if text == "" {
			return nil
		}
		return models.CheckWebURL(text, field, s.Dev)
	}
	for _, one := range []struct {
		field string
		value *string
		check func(text, field string) error
		place func(*models.BrandContent) *string
	}{
		{"nameEn", cmd.NameEN, plain(models.MaxBrandName), func(c *models.BrandContent) *string { return &c.NameEN }},
		{"nameZh", cmd.NameZH, plain(models.MaxBrandName), func(c *models.BrandContent) *string { return &c.NameZH }},
		{"supportUrl", cmd.SupportURL, address, func(c *models.BrandContent) *string { return &c.SupportURL }},
		{"supportPhone", cmd.SupportPhone, models.CheckSupportPhone, func(c *models.BrandContent) *string { return &c.SupportPhone }},
		{"footerEn", cmd.FooterEN, plain(models.MaxBrandFooter), func(c *models.BrandContent) *string { return &c.FooterEN }},
		{"footerZh", cmd.FooterZH, plain(models.MaxBrandFooter), func(c *models.BrandContent) *string { return &c.FooterZH }},
	} {
		if one.value == nil {
			continue
		}
		text := strings.TrimSpace(*one.value)
		if err := one.check(text, one.field); err != nil {
			return nil, err
		}
		changes = append(changes, func(c *models.BrandContent) { *one.place(c) = text })
	}
	return changes, nil
}

func (s *Service) checkLists(cmd SaveDraft, changes []change) ([]change, error) {
	if cmd.PromoMenu != nil {
		if err := models.CheckPromoMenu(cmd.PromoMenu, "promoMenu", s.Dev); err != nil {
			return nil, err
		}
		menu := slices.Clone(cmd.PromoMenu)
		changes = append(changes, func(c *models.BrandContent) { c.PromoMenu = menu })
	}
	if cmd.ServiceTypes != nil {
		codes, err := models.CheckBrandServices(cmd.ServiceTypes, "serviceTypes")
		if err != nil {
			return nil, err
		}
		changes = append(changes, func(c *models.BrandContent) { c.Services = codes })
	}
	if notice := cmd.Notice; notice != nil {
		if cmd.RemoveNotice != nil && *cmd.RemoveNotice {
			return nil, models.Invalid("removeNotice", "A notice is set or removed, not both.")
		}
		if err := notice.Check("notice"); err != nil {
			return nil, err
		}
		kept := *notice
		kept.From, kept.Until = kept.From.UTC(), kept.Until.UTC()
		changes = append(changes, func(c *models.BrandContent) { c.Notice = &kept })
	} else if cmd.RemoveNotice != nil && *cmd.RemoveNotice {
		changes = append(changes, func(c *models.BrandContent) { c.Notice = nil })
	}
	return changes, nil
}

// allowed refuses entries of the menu off the platform's origins, and codes that the catalogue does not have.
func (s *Service) allowed(ctx context.Context, partner models.ID, menu []models.PromoLink, codes []string) error {
	if len(menu) > 0 {
		origins, err := s.origins(ctx, partner)
		if err != nil {
			return err
		}
		for _, link := range menu {
			if !slices.Contains(origins, originOf(link.URL)) {
				return detailed(ErrOriginNotAllowed, "url", link.URL)
			}
		}
	}
	if len(codes) == 0 {
		return nil
	}
	unknown, err := s.Catalogue.UnknownServiceTypes(ctx, codes)
	if err == nil && len(unknown) > 0 {
		return detailed(ErrServiceTypeUnknown, "serviceTypes", unknown)
	}
	return err
}

// detailed is a refusal that says what it is about.
func detailed(refusal *models.Error, name string, what any) error {
	refused := *refusal
	refused.Details = map[string]any{"reason": refusal.Reason(), name: what}
	return &refused
}

// origins are those that a partner's own platform may use; none while it is switched off.
func (s *Service) origins(ctx context.Context, partner models.ID) ([]string, error) {
	config, found, err := s.Platforms.ForPartner(ctx, partner)
	if err != nil || !found || config.PartnerID != partner {
		return nil, err
	}
	return config.AllowedOrigins, nil
}

// originOf returns the origin of an address as access configurations write it.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	}
	return u.Scheme + "://" + host
}

// shown writes a field of a content for the audit record.
func shown() []struct {
	field string
	write func(models.BrandContent) string
} {
	return []struct {
		field string
		write func(models.BrandContent) string
	}{
		{"nameEn", func(c models.BrandContent) string { return c.NameEN }},
		{"nameZh", func(c models.BrandContent) string { return c.NameZH }},
		{"logo", func(c models.BrandContent) string {
			if c.Logo == nil {
				return ""
			}
			return "sha256:" + c.Logo.Digest
		}},
		{"accentColor", func(c models.BrandContent) string { return c.Accent }},
		{"style", func(c models.BrandContent) string { return string(c.Style) }},
		{"supportUrl", func(c models.BrandContent) string { return c.SupportURL }},
		{"supportPhone", func(c models.BrandContent) string { return c.SupportPhone }},
		{"footerEn", func(c models.BrandContent) string { return c.FooterEN }},
		{"footerZh", func(c models.BrandContent) string { return c.FooterZH }},
		{"promoMenu", func(c models.BrandContent) string {
			lines := make([]string, len(c.PromoMenu))
			for i, link := range c.PromoMenu {
				lines[i] = link.TitleEN + " | " + link.TitleZH + " | " + link.URL
			}
			return strings.Join(lines, "; ")
		}},
		{"serviceTypes", func(c models.BrandContent) string { return strings.Join(c.Services, " ") }},
		{"notice", func(c models.BrandContent) string {
			if c.Notice == nil {
				return ""
			}
			return c.Notice.From.Format(time.RFC3339) + " " + c.Notice.Until.Format(time.RFC3339) + " | " + c.Notice.TextEN + " | " + c.Notice.TextZH
		}},
	}
}

// differences says what became of the fields.
func differences(before, after models.BrandContent) []models.FieldChange {
	changes := []models.FieldChange{}
	for _, one := range shown() {
		if was, is := one.write(before), one.write(after); was != is {
			changes = append(changes, models.Changed(one.field, was, is))
		}
	}
	return changes
}

func (s *Service) record(
	ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, row models.BrandVersion, changes []models.FieldChange, data map[string]any,
) error {
	fields := make([]string, len(changes))
	for i, change := range changes {
		fields[i] = change.Field
	}
	if data == nil {
		data = map[string]any{}
	}
	data["state"] = row.State
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: row.PartnerID, SubjectID: string(row.ID), Fields: fields, Changes: changes, Data: data,
	})
}
