package staff

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// AddMember adds a person to a scheme.
type AddMember struct {
	SchemeID    models.ID
	Name        string // 1 to 100 characters
	NationalID  string // 5 to 30 letters and digits; spaces and hyphens do not count
	Email       string
	Role        string // of the scheme's rates
	Certificate string // what qualifies the person, 1 to 200 characters
	From        models.Date
	Until       models.Date // inclusive; both lie in the scheme's year
}

// MemberChanged is a person as it is after the operation.
type MemberChanged struct {
	StaffMember models.StaffMember
}

// AddMember adds a person to an approved scheme of the partner's (N07). A person, by national id or by e-mail address, is in one scheme only, of all
// partners; the refusal does not say in which. It needs INCENTIVES_WRITE and the partner's own credential. Errors: INVALID with the field, NOT_FOUND;
// reasons STAFF_SCHEME_STATE, STAFF_YEAR_OVER, STAFF_HEAD_COUNT, STAFF_ELSEWHERE.
func (s *Service) AddMember(ctx context.Context, who models.Principal, cmd AddMember) (MemberChanged, error) {
	if err := mayApply(who); err != nil {
		return MemberChanged{}, err
	}
	national, err := cmd.check()
	if err != nil {
		return MemberChanged{}, err
	}
	now := s.now()
	row := models.StaffMember{
		ID: s.IDs(models.PrefixStaffMember), SchemeID: cmd.SchemeID, Role: cmd.Role, Certificate: cmd.Certificate, From: cmd.From, Until: cmd.Until, Living: true,
		IDLastFour: national[len(national)-4:], IDBlind: s.Seal.Blind(national, columnNational), EmailBlind: blindEmail(s.Seal, cmd.Email),
		CreatedAt: now, UpdatedAt: now,
	}
	row.NameSealed, row.EmailSealed, row.IDSealed = s.sealed(cmd.Name, columnName, row.ID), s.sealed(cmd.Email, columnEmail, row.ID), s.sealed(national, columnNational, row.ID)
	err = s.under(ctx, who, cmd.SchemeID, func(ctx context.Context, tx bun.IDB, scheme *models.StaffScheme) error {
		if err := s.fits(*scheme, row); err != nil {
			return err
		}
		living, ever, err := countMembers(ctx, tx, scheme.ID)
		switch {
		case err != nil:
			return err
		case living >= scheme.HeadCount || ever >= models.MaxStaffPeople:
			return ErrHeadCount
		}
		row.PartnerID = scheme.PartnerID
		if err := insertRow(ctx, tx, &row); err != nil {
			if store.Conflicts(err, "staff_members", "id_blind") || store.Conflicts(err, "staff_members", "email_blind") {
				return ErrElsewhere
			}
			return err
		}
		return s.Events.Record(ctx, tx, who, happened(models.EventStaffMemberAdded, *scheme, row.ID, memberChanges(models.StaffMember{}, row), nil))
	})
	if err != nil {
		return MemberChanged{}, err
	}
	err = s.openMember(&row)
	return MemberChanged{row}, err
}

func (cmd AddMember) check() (national string, err error) {
	if err := cmd.SchemeID.Require(models.PrefixStaffScheme, "schemeId"); err != nil {
		return "", err
	}
	if err := models.CheckText(cmd.Name, "name", 100, false); err != nil {
		return "", err
	}
	if err := models.CheckEmail(cmd.Email, "email"); err != nil {
		return "", err
	}
	if err := models.CheckText(cmd.Certificate, "certificate", 200, false); err != nil {
		return "", err
	}
	return models.NormalNationalID(cmd.NationalID, "nationalId")
}

// fits is nil when a person may be kept so under the scheme now.
func (s *Service) fits(scheme models.StaffScheme, row models.StaffMember) error {
	if err := scheme.Running(); err != nil {
		return err
	}
	if models.BenefitYear(s.now()) > scheme.Year {
		return ErrYearOver
	}
	if _, known := scheme.Rate(row.Role); !known {
		return models.Invalid("role", "The role is one of the scheme's.")
	}
	for _, day := range []struct {
		text  models.Date
		field string
	}{{row.From, "from"}, {row.Until, "until"}} {
		parsed, err := time.Parse(time.DateOnly, string(day.text))
		if err != nil {
			return models.Invalid(day.field, "A date is a day such as 2026-11-21.")
		}
		if parsed.Year() != scheme.Year {
			return models.Invalid(day.field, fmt.Sprintf("The day lies in %d, the scheme's year.", scheme.Year))
		}
	}
	if row.Until < row.From {
		return models.Invalid("until", "The time ends before it begins.")
	}
	return nil
}

// memberChanges are what the record says of a person: no name, no address, no number.
func memberChanges(before, after models.StaffMember) (changes []models.FieldChange) {
	add := func(field, was, is string) {
		if was != is {
			changes = append(changes, models.Changed(field, was, is))
		}
	}
	add("role", before.Role, after.Role)
	add("certificate", before.Certificate, after.Certificate)
	add("from", string(before.From), string(after.From))
	add("until", string(before.Until), string(after.Until))
	return changes
}

// EditMember changes what is kept of a person; who it is does not change.
type EditMember struct {
	MemberID    models.ID
	Role        *string // nil = as it is, here and below
	Certificate *string
	From        *models.Date
	Until       *models.Date
}

// EditMember changes role, certificate or time of a person. Months that were applied for keep the rate that they were applied for with. It needs
// INCENTIVES_WRITE and the partner's own credential. Errors: INVALID, NOT_FOUND, also for a person that was removed; STAFF_SCHEME_STATE, STAFF_YEAR_OVER.
func (s *Service) EditMember(ctx context.Context, who models.Principal, cmd EditMember) (MemberChanged, error) {
	if err := mayApply(who); err != nil {
		return MemberChanged{}, err
	}
	if cmd.Certificate != nil {
		if err := models.CheckText(*cmd.Certificate, "certificate", 200, false); err != nil {
			return MemberChanged{}, err
		}
	}
	return s.withMember(ctx, who, cmd.MemberID, func(ctx context.Context, tx bun.IDB, scheme models.StaffScheme, row *models.StaffMember) error {
		before := *row
		set(&row.Role, cmd.Role)
		set(&row.Certificate, cmd.Certificate)
		set(&row.From, cmd.From)
		set(&row.Until, cmd.Until)
		if err := s.fits(scheme, *row); err != nil {
			return err
		}
		changes := memberChanges(before, *row)
		if len(changes) == 0 {
			return nil
		}
		row.UpdatedAt = s.now()
		if err := updateRow(ctx, tx, row); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, happened(models.EventStaffMemberChanged, scheme, row.ID, changes, nil))
	})
}

func set[T any](to, given *T) {
	if given != nil {
		*to = *given
	}
}

// Member names a person for a step that needs no more.
type Member struct {
	MemberID models.ID
}

// RemoveMember takes a person out of its scheme, who may then be in another. Its months stay and are paid; those after its last day are not to be had.
// It needs INCENTIVES_WRITE and the partner's own credential. Errors: NOT_FOUND, also the second time.
func (s *Service) RemoveMember(ctx context.Context, who models.Principal, cmd Member) (MemberChanged, error) {
	if err := mayApply(who); err != nil {
		return MemberChanged{}, err
	}
	return s.withMember(ctx, who, cmd.MemberID, func(ctx context.Context, tx bun.IDB, scheme models.StaffScheme, row *models.StaffMember) error {
		now := s.now()
		before := row.Until
		row.Living, row.RemovedAt, row.UpdatedAt = false, &now, now
		if today := models.Date(now.In(billZone).Format(time.DateOnly)); today < row.Until {
			row.Until = max(today, row.From)
		}
		if err := updateRow(ctx, tx, row); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, happened(models.EventStaffMemberRemoved, scheme, row.ID, []models.FieldChange{
			models.Changed("living", "true", "false"), models.Changed("until", before, row.Until),
		}, nil))
	})
}

// billZone is where days begin and end.
var billZone = time.FixedZone("UTC+8", 8*60*60)

// withMember runs a step about a living person with its scheme locked.
func (s *Service) withMember(ctx context.Context, who models.Principal, id models.ID, run func(ctx context.Context, tx bun.IDB, scheme models.StaffScheme, row *models.StaffMember) error) (MemberChanged, error) {
	var done MemberChanged
	seen, err := s.member(ctx, who, id)
	if err != nil {
		return done, err
	}
	err = s.under(ctx, who, seen.SchemeID, func(ctx context.Context, tx bun.IDB, scheme *models.StaffScheme) error {
		rows, err := selectMembers(ctx, tx, who, []models.ID{id})
		switch {
		case err != nil:
			return err
		case len(rows) == 0 || !rows[0].Living:
			return ErrMemberUnknown
		}
		if err := run(ctx, tx, *scheme, &rows[0]); err != nil {
			return err
		}
		done.StaffMember = rows[0]
		return nil
	})
	if err != nil {
		return MemberChanged{}, err
	}
	err = s.openMember(&done.StaffMember)
	return done, err
}

// member is a person that the caller may see, as it was a moment ago.
func (s *Service) member(ctx context.Context, who models.Principal, id models.ID) (models.StaffMember, error) {
	if err := id.Require(models.PrefixStaffMember, "memberId"); err != nil {
		return models.StaffMember{}, err
	}
	rows, err := selectMembers(ctx, s.DB, who, []models.ID{id})
	if err == nil && len(rows) == 0 {
		err = ErrMemberUnknown
	}
	if err != nil {
		return models.StaffMember{}, err
	}
	return rows[0], nil
}
