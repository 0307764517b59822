package benefits

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Lapse ends the right to the capability-uplift incentive that a tag brought, at the end of its year in UTC+8, and the draft of an application with
// it (N05). It is for the job of that moment: a right that was used or has lapsed is left alone, and one whose year is not over is models.NotDue.
func (s *Service) Lapse(ctx context.Context, id models.ID) error {
	who := models.SystemPrincipal("benefit-lapse")
	named, found, err := selectCapability(ctx, s.DB, id)
	if err != nil || !found {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		now := s.now()
		if _, err := lockStanding(ctx, tx, named.PartnerID, now); err != nil {
			return err
		}
		row, found, err := selectCapability(ctx, tx, id)
		if err != nil || !found || row.State != models.CapabilityGranted || row.LapsedAt != nil {
			return err
		}
		if ends := models.BenefitYearEnds(models.BenefitYear(*row.DecidedAt)); now.Before(ends) {
			return models.NotDue{Until: ends}
		}
		uplifts, err := selectUplifts(ctx, tx, row.PartnerID)
		if err != nil {
			return err
		}
		for _, uplift := range uplifts {
			switch {
			case uplift.Subject != row.TagCode:
			case uplift.Status != models.BenefitDraft:
				return nil // the right was used in time
			default:
				if err := s.moveIn(ctx, tx, who, &uplift, models.MoveLapse, nil); err != nil {
					return err
				}
			}
		}
		row.LapsedAt, row.UpdatedAt = &now, now
		if err := updateRow(ctx, tx, &row); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventCapabilityLapsed, PartnerID: row.PartnerID, SubjectID: string(row.ID), Data: map[string]any{"tagCode": row.TagCode},
		})
	})
}
