package brands

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// listVersions is the name that the list's cursors carry.
const listVersions = "brandVersions"

// maxReviews is how many reviews are shown at once.
const maxReviews = 50

// The addresses that are ours.
const (
	// LogoPath is what the addresses of published logos begin with; models.BrandLogo.FileName follows.
	LogoPath = "/pages/brands/"
	// StylesheetPath is what the addresses of accents begin with; models.AccentStylesheetName follows.
	StylesheetPath = "/pages/accents/"
	// PreviewPath is what the addresses of previews begin with; the id of the version follows.
	PreviewPath = "/brand-previews/"
)

// Filter narrows Find. Nil = no filter; an empty list matches nothing.
type Filter struct {
	PartnerID *models.ID
	States    []models.BrandState
}

// Find returns the versions that the caller may see, newest first: a partner its own. It needs EXPOSURE_READ.
func (s *Service) Find(ctx context.Context, who models.Principal, f Filter, args models.PageArgs) (models.BrandVersionConnection, error) {
	none := models.BrandVersionConnection{}
	if err := access.Require(who, models.ReadExposure); err != nil {
		return none, err
	}
	if f.PartnerID != nil {
		if err := f.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return none, err
		}
	}
	page, err := args.Page(listVersions)
	if err != nil {
		return none, err
	}
	return store.List[models.BrandVersion](ctx, page, true, func() *bun.SelectQuery {
		q := visible(s.DB, who)
		if f.PartnerID != nil {
			q = q.Where("brv.partner_id = ?", *f.PartnerID)
		}
		if f.States != nil {
			q = q.Where("brv.state IN (?)", bun.List(f.States))
		}
		return q
	})
}

// ByIDs returns the versions with these ids that the caller may see; the others are absent. It needs EXPOSURE_READ.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.BrandVersion, error) {
	if err := access.Require(who, models.ReadExposure); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.BrandVersion, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := selectByIDs(ctx, s.DB, who, ids)
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, err
}

// Reviews returns the versions that wait for an operator's decision, the first due first, at most 50. Operators with BRANDS_REVIEW only.
func (s *Service) Reviews(ctx context.Context, who models.Principal) ([]models.BrandVersion, error) {
	if err := mayReview(who); err != nil {
		return nil, err
	}
	return selectDue(ctx, s.DB, maxReviews)
}

// Published returns what is published of a partner's brand, for whoever knows of the partner: a customer asks for its own partner's, a partner for its
// own when it names none. Nil when nothing is published. It needs PARTNERS_READ, and is NOT_FOUND for a partner that the caller does not see.
func (s *Service) Published(ctx context.Context, who models.Principal, named *models.ID) (*models.StorefrontBrand, error) {
	if err := access.Require(who, models.ReadPartners); err != nil {
		return nil, err
	}
	switch {
	case named != nil:
		if err := named.Require(models.PrefixPartner, "partnerId"); err != nil {
			return nil, err
		}
		seen, err := selectPartnerSeen(ctx, s.DB, who, *named)
		if err == nil && !seen {
			err = errPartner
		}
		if err != nil {
			return nil, err
		}
		return s.ofPartner(ctx, *named)
	case who.CustomerID != "":
		return s.shownOf(ctx)(selectPublishedOfCustomer(ctx, s.DB, who.CustomerID))
	case who.PartnerID != "":
		return s.ofPartner(ctx, who.PartnerID)
	}
	return nil, nil
}

// For returns what is published of the brand of whoever a principal belongs to: a customer's own partner, or its own. Nil when there is none. For
// this server's own pages.
func (s *Service) For(ctx context.Context, who models.Principal) (*models.StorefrontBrand, error) {
	who.Permissions = []models.Permission{models.ReadPartners}
	return s.Published(ctx, who, nil)
}

// OfPlatform returns what is published of the brand of whoever a platform in use belongs to. For this server's own pages.
func (s *Service) OfPlatform(ctx context.Context, platformID string) (*models.StorefrontBrand, error) {
	return s.shownOf(ctx)(selectPublishedOfPlatform(ctx, s.DB, platformID))
}

func (s *Service) ofPartner(ctx context.Context, partner models.ID) (*models.StorefrontBrand, error) {
	return s.shownOf(ctx)(selectPublished(ctx, s.DB, partner))
}

// shownOf makes of a version that was found what customers see now.
func (s *Service) shownOf(ctx context.Context) func(models.BrandVersion, bool, error) (*models.StorefrontBrand, error) {
	return func(row models.BrandVersion, found bool, err error) (*models.StorefrontBrand, error) {
		if err != nil || !found {
			return nil, err
		}
		brand, err := s.Shown(ctx, row)
		return &brand, err
	}
}

// Shown is what customers would see of a version now: without what its platform does not allow any more. It asks nobody's permission.
func (s *Service) Shown(ctx context.Context, row models.BrandVersion) (models.StorefrontBrand, error) {
	brand := models.StorefrontBrand{Content: row.Content, Notice: row.Content.NoticeAt(s.now())}
	if row.DecidedAt != nil {
		brand.PublishedAt = *row.DecidedAt
	}
	if logo := row.Content.Logo; logo != nil {
		address := s.Origin + LogoPath + logo.FileName()
		brand.LogoURL = &address
	}
	if accent := row.Content.Accent; accent != "" {
		address := s.Origin + StylesheetPath + models.AccentStylesheetName(accent)
		brand.StylesheetURL = &address
	}
	if len(row.Content.PromoMenu) > 0 {
		origins, err := s.origins(ctx, row.PartnerID)
		if err != nil {
			return brand, err
		}
		brand.Content.PromoMenu = slices.DeleteFunc(slices.Clone(row.Content.PromoMenu), func(link models.PromoLink) bool {
			return !slices.Contains(origins, originOf(link.URL))
		})
	}
	return brand, nil
}

// PreviewURL is where the partner's people, and operators, see a version as customers would.
func (s *Service) PreviewURL(row models.BrandVersion) string {
	return s.Origin + PreviewPath + string(row.ID)
}

// Logo returns a logo that is published, by its digest, or NOT_FOUND. Everybody may see it.
func (s *Service) Logo(ctx context.Context, digest string) (models.BrandLogoFile, error) {
	return orNoLogo(selectPublishedLogo(ctx, s.DB, digest))
}

// LogoOf returns the logo of a version that the caller may see, or NOT_FOUND. It needs EXPOSURE_READ.
func (s *Service) LogoOf(ctx context.Context, who models.Principal, id models.ID) (models.BrandLogoFile, error) {
	if err := access.Require(who, models.ReadExposure); err != nil {
		return models.BrandLogoFile{}, err
	}
	row, err := s.version(ctx, who, id)
	if err != nil {
		return models.BrandLogoFile{}, err
	}
	return orNoLogo(selectLogo(ctx, s.DB, row.PartnerID, row.LogoDigest))
}

func orNoLogo(file models.BrandLogoFile, found bool, err error) (models.BrandLogoFile, error) {
	if err == nil && !found {
		err = models.NotFound("logo")
	}
	return file, err
}
