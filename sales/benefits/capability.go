package benefits

import (
	"context"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// ErrTagsFull refuses one tag more than the catalogue holds.
var ErrTagsFull = models.Precondition("TAGS_FULL", "The catalogue has 40 tags; retire or reuse one.")

// maxOpinion bounds an opinion, in characters.
const maxOpinion = 256

// SetTag adds a tag to the catalogue, or replaces what it says of one.
type SetTag struct {
	Code   string
	Name   string // 1 to 100 characters
	Level  int    // 1 or 2
	Scope  models.TagScope
	Active bool
}

// TagSet is a tag as it is after the operation.
type TagSet struct {
	CapabilityTag models.CapabilityTag
}

// SetTag keeps the catalogue of capability tags (P19, N06). Operators with BENEFITS_REVIEW only. Errors: INVALID with the field; TAGS_FULL.
func (s *Service) SetTag(ctx context.Context, who models.Principal, cmd SetTag) (TagSet, error) {
	if err := mayReview(who); err != nil {
		return TagSet{}, err
	}
	if err := cmd.check(); err != nil {
		return TagSet{}, err
	}
	row := models.CapabilityTag{Code: cmd.Code, Name: cmd.Name, Level: cmd.Level, Scope: cmd.Scope, Active: cmd.Active}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		before, found, err := selectTagForUpdate(ctx, tx, cmd.Code)
		if err != nil {
			return err
		}
		all, err := selectTags(ctx, tx)
		switch {
		case err != nil:
			return err
		case found:
			err = updateRow(ctx, tx, &row)
		case len(all) >= models.MaxCapabilityTags:
			return ErrTagsFull
		default:
			err = insertRow(ctx, tx, &row)
		}
		if err != nil {
			return err
		}
		var did changes
		did.add("name", before.Name, row.Name)
		did.add("level", number(before.Level), number(row.Level))
		did.add("scope", string(before.Scope), string(row.Scope))
		did.add("active", flag(found, before.Active), flag(true, row.Active))
		if len(did) == 0 {
			return nil
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventCapabilityTagSet, SubjectID: row.Code, Fields: did.fields(), Changes: did, Data: map[string]any{"code": row.Code},
		})
	})
	return TagSet{row}, err
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func flag(known, set bool) string {
	if !known {
		return ""
	}
	return strconv.FormatBool(set)
}

func (cmd SetTag) check() error {
	if err := models.CheckTagCode(cmd.Code, "code"); err != nil {
		return err
	}
	if err := models.CheckText(cmd.Name, "name", 100, false); err != nil {
		return err
	}
	switch {
	case cmd.Level != 1 && cmd.Level != 2:
		return models.Invalid("level", "A tag is of level 1 or 2.")
	case !cmd.Scope.Valid():
		return models.Invalid("scope", "There is no such scope.")
	}
	return nil
}

// SetStanding says how a partner stands; what is nil is none.
type SetStanding struct {
	PartnerID        models.ID
	Path             *models.DevelopmentPath
	Stage            *models.PathStage // required with a path
	Region           *int              // of a distributor, 1 to 3
	SoftwareStanding *models.SoftwareStanding
}

// StandingSet is how a partner stands after the operation.
type StandingSet struct {
	BenefitStanding models.BenefitStanding
}

// SetStanding notes how a partner stands in the partner network: its path and how far it has come (P02), its region and rank (N08). Operators
// with BENEFITS_REVIEW only. Errors: INVALID with the field; NOT_FOUND; RESELLER_HAS_NO_BENEFITS.
func (s *Service) SetStanding(ctx context.Context, who models.Principal, cmd SetStanding) (StandingSet, error) {
	if err := mayReview(who); err != nil {
		return StandingSet{}, err
	}
	if err := cmd.check(); err != nil {
		return StandingSet{}, err
	}
	var done StandingSet
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		partner, before, err := earner(ctx, tx, who, &cmd.PartnerID, s.now())
		if err != nil {
			return err
		}
		if cmd.Region != nil && partner.Kind != models.Distributor {
			return models.Invalid("region", "Only distributors have a region.")
		}
		row := before
		row.Path, row.Stage, row.Software, row.Region, row.UpdatedAt = value(cmd.Path), value(cmd.Stage), value(cmd.SoftwareStanding), 0, s.now()
		if cmd.Region != nil {
			row.Region = *cmd.Region
		}
		var did changes
		did.add("path", string(before.Path), string(row.Path))
		did.add("stage", string(before.Stage), string(row.Stage))
		did.add("region", number(before.Region), number(row.Region))
		did.add("softwareStanding", string(before.Software), string(row.Software))
		done.BenefitStanding = before
		if len(did) == 0 {
			return nil
		}
		done.BenefitStanding = row
		if err := updateRow(ctx, tx, &row); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventBenefitStandingSet, PartnerID: partner.ID, SubjectID: string(partner.ID), Fields: did.fields(), Changes: did,
		})
	})
	return done, err
}

func (cmd SetStanding) check() error {
	switch {
	case cmd.Path != nil && !cmd.Path.Valid():
		return models.Invalid("path", "There is no such path.")
	case cmd.Stage != nil && !cmd.Stage.Valid():
		return models.Invalid("stage", "There is no such stage.")
	case (cmd.Path == nil) != (cmd.Stage == nil):
		return models.Invalid("stage", "A path has a stage, and a stage a path.")
	case cmd.Region != nil && (*cmd.Region < 1 || *cmd.Region > 3):
		return models.Invalid("region", "A region is 1, 2 or 3.")
	case cmd.SoftwareStanding != nil && (!cmd.SoftwareStanding.Valid() || value(cmd.Path) != models.PathSoftware):
		return models.Invalid("softwareStanding", "A partner on the software path is CLOUD_SOFTWARE_CERTIFIED or ADVANCED.")
	}
	return nil
}

// ApplyForCapability asks to have a tag certified.
type ApplyForCapability struct {
	PartnerID *models.ID // nil = the caller's own partner
	TagCode   string
}

// DecideCapability grants a tag that was applied for, or fails it.
type DecideCapability struct {
	CapabilityID models.ID
	Granted      bool
	Opinion      *string    // why not, 1 to 256 characters, for the partner; required unless it is granted
	DecidedAt    *time.Time // nil = now; from the application to now. The right to the incentive is of its year
}

// CapabilityChange is how a partner stands with a tag after the operation.
type CapabilityChange struct {
	PartnerCapability models.CapabilityStatus
}

// ApplyForCapability asks to have a tag certified (P19). The partner itself may, and operators. It needs INCENTIVES_WRITE. Errors: INVALID,
// NOT_FOUND; reasons RESELLER_HAS_NO_BENEFITS, and those of models.CapabilityTag.MayApply.
func (s *Service) ApplyForCapability(ctx context.Context, who models.Principal, cmd ApplyForCapability) (CapabilityChange, error) {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return CapabilityChange{}, err
	}
	if err := models.CheckTagCode(cmd.TagCode, "tagCode"); err != nil {
		return CapabilityChange{}, err
	}
	var done CapabilityChange
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		partner, standing, err := earner(ctx, tx, who, cmd.PartnerID, s.now())
		if err != nil {
			return err
		}
		status, err := s.statusOf(ctx, tx, partner, standing, cmd.TagCode)
		if err != nil {
			return err
		}
		now := s.now()
		if err := status.Tag.MayApply(status.Capability, now); err != nil {
			return err
		}
		row := models.PartnerCapability{ID: s.IDs(models.PrefixPartnerCapability), PartnerID: partner.ID, TagCode: cmd.TagCode}
		var before models.CapabilityState
		write := insertRow
		if status.Capability != nil { // it was failed long enough ago
			row.ID, before, write = status.Capability.ID, status.Capability.State, updateRow
		}
		row.State, row.AppliedAt, row.UpdatedAt = models.CapabilityApplied, now, now
		if err := write(ctx, tx, &row); err != nil {
			return err
		}
		if err := s.recordCapability(ctx, tx, who, models.EventCapabilityApplied, row, before); err != nil {
			return err
		}
		done.PartnerCapability, err = s.statusOf(ctx, tx, partner, standing, cmd.TagCode)
		return err
	})
	return done, err
}

// DecideCapability grants or fails a tag that was applied for (P19). What is granted brings a right to the incentive until the end of the year, at
// which a job lets it lapse. Operators with BENEFITS_REVIEW only. Errors: INVALID, NOT_FOUND; CAPABILITY_DECIDED the second time.
func (s *Service) DecideCapability(ctx context.Context, who models.Principal, cmd DecideCapability) (CapabilityChange, error) {
	if err := mayReview(who); err != nil {
		return CapabilityChange{}, err
	}
	if err := cmd.check(); err != nil {
		return CapabilityChange{}, err
	}
	var done CapabilityChange
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		named, found, err := selectCapability(ctx, tx, cmd.CapabilityID)
		if err == nil && !found {
			err = ErrCapabilityUnknown
		}
		if err != nil {
			return err
		}
		partner, standing, err := earner(ctx, tx, who, &named.PartnerID, s.now())
		if err != nil {
			return err
		}
		status, err := s.statusOf(ctx, tx, partner, standing, named.TagCode)
		if err != nil {
			return err
		}
		row, now := *status.Capability, s.now()
		at := now
		if cmd.DecidedAt != nil {
			at = cmd.DecidedAt.UTC().Truncate(time.Microsecond)
		}
		switch {
		case row.State != models.CapabilityApplied:
			return models.ErrCapabilityDecided
		case at.After(now) || at.Before(row.AppliedAt):
			return models.Invalid("decidedAt", "It is decided between the application and now.")
		}
		row.State, row.DecidedAt, row.Opinion, row.UpdatedAt = models.CapabilityFailed, &at, text(cmd.Opinion), now
		what := models.EventCapabilityFailed
		if cmd.Granted {
			row.State, what = models.CapabilityGranted, models.EventCapabilityGranted
		}
		if err := updateRow(ctx, tx, &row); err != nil {
			return err
		}
		if err := s.recordCapability(ctx, tx, who, what, row, models.CapabilityApplied); err != nil {
			return err
		}
		if cmd.Granted && s.Jobs != nil {
			due := models.Due{Object: row.ID, At: models.BenefitYearEnds(models.BenefitYear(at))}
			if err := s.Jobs.ScheduleManyIn(ctx, tx, models.JobBenefitLapse, []models.Due{due}); err != nil {
				return err
			}
		}
		done.PartnerCapability, err = s.statusOf(ctx, tx, partner, standing, named.TagCode)
		return err
	})
	return done, err
}

func (cmd DecideCapability) check() error {
	if err := cmd.CapabilityID.Require(models.PrefixPartnerCapability, "capabilityId"); err != nil {
		return err
	}
	return checkOpinion(cmd.Granted, cmd.Opinion)
}

// checkOpinion applies the rule for opinions: a refusal has one, nothing else has.
func checkOpinion(passed bool, opinion *string) error {
	if passed {
		if opinion != nil {
			return models.Invalid("opinion", "Only a refusal has an opinion.")
		}
		return nil
	}
	return models.CheckText(text(opinion), "opinion", maxOpinion, false)
}

// statusOf is how a partner stands with one tag; NOT_FOUND for a tag that there is not.
func (s *Service) statusOf(ctx context.Context, db bun.IDB, partner models.Partner, standing models.BenefitStanding, code string) (models.CapabilityStatus, error) {
	all, err := s.statuses(ctx, db, partner, standing)
	if err != nil {
		return models.CapabilityStatus{}, err
	}
	for _, status := range all {
		if status.Tag.Code == code {
			return status, nil
		}
	}
	return models.CapabilityStatus{}, ErrTagUnknown
}

func (s *Service) recordCapability(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, row models.PartnerCapability, before models.CapabilityState) error {
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: row.PartnerID, SubjectID: string(row.ID), Fields: []string{"state"},
		Changes: []models.FieldChange{models.Changed("state", before, row.State)}, Data: map[string]any{"tagCode": row.TagCode},
	})
}
