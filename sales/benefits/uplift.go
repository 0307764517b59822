package benefits

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// DraftUplift is an application for the capability-uplift incentive that is not handed in yet.
type DraftUplift struct {
	PartnerID *models.ID // nil = the caller's own partner
	TagCode   string
	Form      models.UpliftForm
}

// DraftUplift begins an application for the incentive that a tag brings (N05), or changes the form of the draft that there is. A partner has one
// application per tag. The partner itself may, and operators. It needs INCENTIVES_WRITE. Errors: INVALID, NOT_FOUND; RESELLER_HAS_NO_BENEFITS and
// the reasons of models.UpliftFacts.Blockers.
func (s *Service) DraftUplift(ctx context.Context, who models.Principal, cmd DraftUplift) (Changed, error) {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return Changed{}, err
	}
	if err := models.CheckTagCode(cmd.TagCode, "tagCode"); err != nil {
		return Changed{}, err
	}
	if !cmd.Form.Valid() {
		return Changed{}, models.Invalid("form", "The incentive is taken as TRAINING, EXAM_VOUCHER or CASH.")
	}
	var done Changed
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		partner, standing, err := earner(ctx, tx, who, cmd.PartnerID, s.now())
		if err != nil {
			return err
		}
		status, err := s.statusOf(ctx, tx, partner, standing, cmd.TagCode)
		if err == nil {
			err = models.BenefitRefusal(status.Blockers)
		}
		if err != nil {
			return err
		}
		if status.ApplicationID != "" {
			return s.editUplift(ctx, tx, who, status.ApplicationID, cmd, &done)
		}
		now := s.now()
		row := models.BenefitApplication{
			ID: s.IDs(models.PrefixBenefitApplication), PartnerID: partner.ID, Kind: models.BenefitUplift, Status: models.BenefitDraft,
			Year: models.BenefitYear(*status.Capability.DecidedAt), Subject: cmd.TagCode, Currency: partner.Currency,
			Details: models.BenefitDetails{Uplift: &models.CapabilityUplift{TagCode: cmd.TagCode, Form: cmd.Form}}, CreatedAt: now, UpdatedAt: now,
		}
		done.BenefitApplication = row
		return s.add(ctx, tx, who, &row, map[string]any{"tagCode": cmd.TagCode, "form": cmd.Form})
	})
	return done, err
}

func (s *Service) editUplift(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, cmd DraftUplift, done *Changed) error {
	row, found, err := selectApplicationForUpdate(ctx, tx, who, id)
	if err == nil && !found {
		err = ErrApplicationUnknown
	}
	if err != nil {
		return err
	}
	defer func() { done.BenefitApplication = row }()
	if row.Details.Uplift.Form == cmd.Form {
		return nil
	}
	return s.moveIn(ctx, tx, who, &row, models.MoveEdit, func(_ context.Context, _ bun.IDB, row *models.BenefitApplication, did *changes, _ map[string]any) error {
		did.add("form", string(row.Details.Uplift.Form), string(cmd.Form))
		row.Details.Uplift = &models.CapabilityUplift{TagCode: cmd.TagCode, Form: cmd.Form}
		return nil
	})
}
