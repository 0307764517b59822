package brands

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// maxReason bounds what is said of a decision, in characters.
const maxReason = 256

// Version names a version for a step that needs no more.
type Version struct {
	BrandVersionID models.ID
}

// Review is an operator's decision.
type Review struct {
	BrandVersionID models.ID
	Revision       int // of the version that was looked at
	Publish        bool
	Reason         *string // why not, 1 to 256 characters, for the partner; required unless it is published
}

// Retire takes a published brand off.
type Retire struct {
	BrandVersionID models.ID
	Reason         *string // at most 256 characters; required of operators
}

// Submit hands a draft in: its review is due after three working days. The partner itself may, and operators; it needs EXPOSURE_WRITE. Errors:
// NOT_FOUND; the reasons of models.BrandVersion.Move, ORIGIN_NOT_ALLOWED and SERVICE_TYPE_UNKNOWN, which are asked again.
func (s *Service) Submit(ctx context.Context, who models.Principal, cmd Version) (Changed, error) {
	if err := access.Require(who, models.WriteExposure); err != nil {
		return Changed{}, err
	}
	row, err := s.version(ctx, who, cmd.BrandVersionID)
	if err != nil {
		return Changed{}, err
	}
	if row.State == models.BrandDraft { // another one is refused for its state
		if err := s.allowed(ctx, row.PartnerID, row.Content.PromoMenu, row.Content.Services); err != nil {
			return Changed{}, err
		}
	}
	return s.move(ctx, who, row, models.BrandSubmit, models.EventBrandSubmitted, nil)
}

// Withdraw takes a version back from its review; it is a draft again. The partner itself may, and operators; it needs EXPOSURE_WRITE. Errors:
// NOT_FOUND; the reasons of models.BrandVersion.Move.
func (s *Service) Withdraw(ctx context.Context, who models.Principal, cmd Version) (Changed, error) {
	if err := access.Require(who, models.WriteExposure); err != nil {
		return Changed{}, err
	}
	row, err := s.version(ctx, who, cmd.BrandVersionID)
	if err != nil {
		return Changed{}, err
	}
	return s.move(ctx, who, row, models.BrandWithdraw, models.EventBrandWithdrawn, nil)
}

// Review publishes a version, in place of the one that was published, or rejects it. Operators with BRANDS_REVIEW only. Errors: INVALID; NOT_FOUND;
// CONFLICT when it was changed since it was looked at; the reasons of models.BrandVersion.Move.
func (s *Service) Review(ctx context.Context, who models.Principal, cmd Review) (Changed, error) {
	if err := mayReview(who); err != nil {
		return Changed{}, err
	}
	reason, err := checkReason(cmd.Reason, !cmd.Publish)
	if err == nil && cmd.Publish && reason != "" {
		err = models.Invalid("reason", "Only a rejection has a reason.")
	}
	if err != nil {
		return Changed{}, err
	}
	row, err := s.version(ctx, who, cmd.BrandVersionID)
	if err != nil {
		return Changed{}, err
	}
	move, what := models.BrandReject, models.EventBrandRejected
	if cmd.Publish {
		move, what = models.BrandPublish, models.EventBrandPublished
	}
	return s.move(ctx, who, row, move, what, func(ctx context.Context, tx bun.IDB, locked *models.BrandVersion) error {
		if locked.Revision != cmd.Revision {
			return ErrBrandChanged
		}
		locked.Reason = reason
		if !cmd.Publish {
			return nil
		}
		return s.replaceIn(ctx, tx, who, locked.PartnerID)
	})
}

// Retire takes a published version off: customers see the operator's brand from then on. The partner itself may, and operators, who say why; it
// needs EXPOSURE_WRITE. Errors: INVALID; NOT_FOUND; the reasons of models.BrandVersion.Move.
func (s *Service) Retire(ctx context.Context, who models.Principal, cmd Retire) (Changed, error) {
	if err := access.Require(who, models.WriteExposure); err != nil {
		return Changed{}, err
	}
	reason, err := checkReason(cmd.Reason, who.SeesAll())
	if err != nil {
		return Changed{}, err
	}
	row, err := s.version(ctx, who, cmd.BrandVersionID)
	if err != nil {
		return Changed{}, err
	}
	return s.move(ctx, who, row, models.BrandRetire, models.EventBrandRetired, func(_ context.Context, _ bun.IDB, locked *models.BrandVersion) error {
		locked.Reason = reason
		return nil
	})
}

// version reads a version that the caller may see.
func (s *Service) version(ctx context.Context, who models.Principal, id models.ID) (models.BrandVersion, error) {
	if err := id.Require(models.PrefixBrandVersion, "brandVersionId"); err != nil {
		return models.BrandVersion{}, err
	}
	rows, err := selectByIDs(ctx, s.DB, who, []models.ID{id})
	if err == nil && len(rows) == 0 {
		err = ErrUnknown
	}
	if err != nil {
		return models.BrandVersion{}, err
	}
	return rows[0], nil
}

// move makes a move of a version that the caller sees, with its partner locked first.
func (s *Service) move(
	ctx context.Context, who models.Principal, seen models.BrandVersion, move models.BrandMove, what models.EventType,
	more func(ctx context.Context, tx bun.IDB, locked *models.BrandVersion) error,
) (Changed, error) {
	var done Changed
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, found, err := lockPartner(ctx, tx, seen.PartnerID); err != nil || !found {
			return orUnknown(err)
		}
		row, found, err := selectForUpdate(ctx, tx, who, seen.ID)
		if err != nil || !found {
			return orUnknown(err)
		}
		if move == models.BrandSubmit && row.Revision != seen.Revision { // what was asked of it was asked of another
			return ErrBrandChanged
		}
		before, err := row.Move(move, s.now())
		if err != nil {
			return err
		}
		if more != nil {
			if err := more(ctx, tx, &row); err != nil {
				return err
			}
		}
		done.BrandVersion = row
		return s.writeIn(ctx, tx, who, what, before, &row)
	})
	return done, err
}

// replaceIn takes the published version of a partner off, if there is one: a later one is to be published.
func (s *Service) replaceIn(ctx context.Context, tx bun.IDB, who models.Principal, partner models.ID) error {
	former, found, err := selectPublished(ctx, tx, partner)
	if err != nil || !found {
		return err
	}
	before, err := former.Move(models.BrandReplace, s.now())
	if err != nil {
		return err
	}
	return s.writeIn(ctx, tx, who, models.EventBrandReplaced, before, &former)
}

func (s *Service) writeIn(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, before models.BrandState, row *models.BrandVersion) error {
	if err := updateRow(ctx, tx, row); err != nil {
		return err
	}
	changes := []models.FieldChange{models.Changed("state", before, row.State)}
	if row.Reason != "" {
		changes = append(changes, models.Changed("reason", "", row.Reason))
	}
	return s.record(ctx, tx, who, what, *row, changes, map[string]any{"revision": row.Revision})
}

func orUnknown(err error) error {
	if err == nil {
		err = ErrUnknown
	}
	return err
}

func checkReason(given *string, required bool) (string, error) {
	if given == nil || *given == "" {
		if required {
			return "", models.Invalid("reason", "Say why, for the partner.")
		}
		return "", nil
	}
	return *given, models.CheckBrandText(*given, "reason", maxReason)
}
