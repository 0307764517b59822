package benefits

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// listApplications is the name that the list's cursors carry.
const listApplications = "benefitApplications"

// Filter narrows Find. Nil = no filter; an empty list matches nothing.
type Filter struct {
	PartnerID *models.ID
	Kinds     []models.BenefitKind
	Statuses  []models.BenefitStatus
	Year      *int
	Overdue   *bool // true = only those whose first review is due and has not come (N10), false = only others
}

// Find returns the applications that the caller may see, newest first: a partner its own. It needs INCENTIVES_READ.
func (s *Service) Find(ctx context.Context, who models.Principal, f Filter, args models.PageArgs) (models.BenefitApplicationConnection, error) {
	none := models.BenefitApplicationConnection{}
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return none, err
	}
	if f.PartnerID != nil {
		if err := f.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return none, err
		}
	}
	page, err := args.Page(listApplications)
	if err != nil {
		return none, err
	}
	now := s.now()
	return store.List[models.BenefitApplication](ctx, page, true, func() *bun.SelectQuery {
		q := visibleApplications(s.DB, who)
		if f.PartnerID != nil {
			q = q.Where("bap.partner_id = ?", *f.PartnerID)
		}
		if f.Kinds != nil {
			q = q.Where("bap.kind IN (?)", bun.List(f.Kinds))
		}
		if f.Statuses != nil {
			q = q.Where("bap.status IN (?)", bun.List(f.Statuses))
		}
		if f.Year != nil {
			q = q.Where("bap.year = ?", *f.Year)
		}
		if f.Overdue != nil {
			overdue := "bap.status = ? AND bap.decided_at IS NULL AND bap.review_due_at IS NOT NULL AND bap.review_due_at <= ?"
			if !*f.Overdue {
				overdue = "NOT (" + overdue + ")"
				overdue = "(bap.review_due_at IS NULL OR " + overdue + ")"
			}
			q = q.Where(overdue, models.BenefitReviewing, now)
		}
		return q
	})
}

// ByIDs returns the applications with these ids that the caller may see; the others are absent. It needs INCENTIVES_READ.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.BenefitApplication, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.BenefitApplication, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := selectApplications(ctx, s.DB, who, ids)
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, err
}

// Tags returns the catalogue of capability tags, which is the same for everybody. It needs INCENTIVES_READ.
func (s *Service) Tags(ctx context.Context, who models.Principal) ([]models.CapabilityTag, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	return selectTags(ctx, s.DB)
}

// Capabilities says how a partner stands with every tag of the catalogue, and for each what keeps it from the incentive (N05, N06). A partner
// asks about itself, an operator about anybody; without a name an operator is told nothing. It needs INCENTIVES_READ, and is NOT_FOUND for
// another partner.
func (s *Service) Capabilities(ctx context.Context, who models.Principal, named *models.ID) ([]models.CapabilityStatus, error) {
	partner, standing, err := s.reading(ctx, who, named)
	if err != nil || partner.ID == "" {
		return []models.CapabilityStatus{}, err
	}
	return s.statuses(ctx, s.DB, partner, standing)
}

// Standing is how a partner stands as far as benefits ask; nil when an operator names nobody. Errors as Capabilities.
func (s *Service) Standing(ctx context.Context, who models.Principal, named *models.ID) (*models.BenefitStanding, error) {
	partner, standing, err := s.reading(ctx, who, named)
	if err != nil || partner.ID == "" {
		return nil, err
	}
	return &standing, nil
}

func (s *Service) reading(ctx context.Context, who models.Principal, named *models.ID) (partner models.Partner, standing models.BenefitStanding, err error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return partner, standing, err
	}
	id, err := whose(who, named)
	if err != nil || id == "" {
		return partner, standing, err
	}
	partner, found, err := selectPartner(ctx, s.DB, id)
	if err == nil && !found {
		err = errPartner
	}
	if err != nil {
		return models.Partner{}, standing, err
	}
	standing, err = selectStanding(ctx, s.DB, id)
	return partner, standing, err
}

// statuses is how a partner stands with each tag, in the order of the catalogue.
func (s *Service) statuses(ctx context.Context, db bun.IDB, partner models.Partner, standing models.BenefitStanding) ([]models.CapabilityStatus, error) {
	tags, err := selectTags(ctx, db)
	if err != nil {
		return nil, err
	}
	capabilities, err := selectCapabilities(ctx, db, partner.ID)
	if err != nil {
		return nil, err
	}
	uplifts, err := selectUplifts(ctx, db, partner.ID)
	if err != nil {
		return nil, err
	}
	all := make([]models.CapabilityStatus, len(tags))
	for i, tag := range tags {
		facts := models.UpliftFacts{Now: s.now(), Partner: partner, Standing: standing, Tag: tag}
		for j := range capabilities {
			if capabilities[j].TagCode == tag.Code {
				facts.Capability = &capabilities[j]
			}
		}
		all[i] = models.CapabilityStatus{Tag: tag, Capability: facts.Capability}
		for _, uplift := range uplifts {
			if uplift.Subject == tag.Code {
				all[i].ApplicationID = uplift.ID
				facts.Used = uplift.Status != models.BenefitDraft && uplift.Status != models.BenefitLapsed
			}
		}
		all[i].Blockers = facts.Blockers()
	}
	return all, nil
}
