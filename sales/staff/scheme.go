package staff

import (
	"context"
	"strconv"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Invite invites a partner to a scheme of dedicated staff.
type Invite struct {
	PartnerID        models.ID
	Code             string // of the scheme: 2 to 40 upper-case letters, digits and underscores
	Name             string // 1 to 100 characters
	Year             int    // this one or the next, in UTC+8
	HeadCount        int    // how many people at once, 1 to models.MaxStaffHeads
	Rates            []models.StaffRate
	Criteria         []models.StaffCriterion // nil = a month is worth its days
	AgreementVersion string                  // that the partner has to sign, 1 to 64 printable ASCII characters
}

// SchemeChanged is a scheme as it is after the operation.
type SchemeChanged struct {
	StaffScheme models.StaffScheme
}

// Scheme names a scheme for a step that needs no more.
type Scheme struct {
	SchemeID models.ID
}

// Invite invites a partner for a year; nobody takes part otherwise (N07). Operators with BENEFITS_REVIEW only. Errors: INVALID with the field,
// NOT_FOUND; reasons RESELLER_HAS_NO_BENEFITS, STAFF_INVITED_ALREADY.
func (s *Service) Invite(ctx context.Context, who models.Principal, cmd Invite) (SchemeChanged, error) {
	if err := mayReview(who); err != nil {
		return SchemeChanged{}, err
	}
	if err := cmd.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
		return SchemeChanged{}, err
	}
	now := s.now()
	row := models.StaffScheme{
		ID: s.IDs(models.PrefixStaffScheme), PartnerID: cmd.PartnerID, Code: cmd.Code, Name: cmd.Name, Year: cmd.Year, State: models.StaffInvited,
		Rates: cmd.Rates, Criteria: cmd.Criteria, HeadCount: cmd.HeadCount, AgreementVersion: cmd.AgreementVersion, CreatedAt: now, UpdatedAt: now,
	}
	if row.Criteria == nil {
		row.Criteria = []models.StaffCriterion{}
	}
	if this := models.BenefitYear(now); cmd.Year != this && cmd.Year != this+1 {
		return SchemeChanged{}, models.Invalid("year", "The year is this one or the next.")
	}
	if err := row.Check(); err != nil {
		return SchemeChanged{}, err
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		partner, found, err := selectPartner(ctx, tx, cmd.PartnerID)
		switch {
		case err != nil:
			return err
		case !found:
			return errPartner
		case !partner.Kind.EarnsIncentives():
			return models.ErrBenefitsNotReseller
		}
		row.Currency = partner.Currency
		if err := insertRow(ctx, tx, &row); err != nil {
			if store.Conflicts(err, "staff_schemes", "code") {
				return ErrInvitedAlready
			}
			return err
		}
		if s.Jobs != nil {
			if err := s.Jobs.ScheduleIn(ctx, tx, models.JobStaffYear, row.ID, models.BenefitYearEnds(row.Year)); err != nil {
				return err
			}
		}
		return s.Events.Record(ctx, tx, who, happened(models.EventStaffInvited, row, row.ID, []models.FieldChange{
			models.Changed("state", "", row.State), models.Changed("headCount", "", strconv.Itoa(row.HeadCount)),
			models.Changed("agreementVersion", "", row.AgreementVersion),
		}, map[string]any{"code": row.Code, "year": row.Year, "partnerId": row.PartnerID}))
	})
	if err != nil {
		return SchemeChanged{}, err
	}
	return SchemeChanged{row}, nil
}

// RequestScheme asks to be eligible and signs the agreement.
type RequestScheme struct {
	SchemeID         models.ID
	AgreementVersion string // as the invitation names it
	Signatory        string // who signs for the partner, 1 to 100 characters
}

// RequestScheme signs the agreement and asks to be eligible; version, signatory, credential and time are kept (N07). It needs INCENTIVES_WRITE and the
// partner's own credential. Errors: INVALID, NOT_FOUND; reasons STAFF_SCHEME_STATE, STAFF_AGREEMENT_VERSION, STAFF_YEAR_OVER, PARTNER_EXPIRED.
func (s *Service) RequestScheme(ctx context.Context, who models.Principal, cmd RequestScheme) (SchemeChanged, error) {
	if err := mayApply(who); err != nil {
		return SchemeChanged{}, err
	}
	if err := models.CheckText(cmd.Signatory, "signatory", 100, false); err != nil {
		return SchemeChanged{}, err
	}
	return s.moveScheme(ctx, who, cmd.SchemeID, models.StaffRequested, models.EventStaffRequested, func(ctx context.Context, tx bun.IDB, row *models.StaffScheme) error {
		now := s.now()
		switch {
		case models.BenefitYear(now) > row.Year:
			return ErrYearOver
		case cmd.AgreementVersion != row.AgreementVersion:
			return ErrAgreementVersion
		}
		partner, found, err := selectPartner(ctx, tx, row.PartnerID)
		switch {
		case err != nil || !found:
			return err
		case partner.State == models.PartnerExpired:
			return models.BenefitRefusal([]models.BenefitBlocker{models.BlockPartnerExpired.Blocker()})
		}
		row.SignedVersion, row.SignedBy, row.SignedAt = cmd.AgreementVersion, who.ActorID(), &now
		row.SignatorySealed = s.sealed(cmd.Signatory, columnSignatory, row.ID)
		return nil
	})
}

// WithdrawScheme takes the request back; the partner may ask again. It needs INCENTIVES_WRITE and the partner's own credential. NOT_FOUND;
// STAFF_SCHEME_STATE.
func (s *Service) WithdrawScheme(ctx context.Context, who models.Principal, cmd Scheme) (SchemeChanged, error) {
	if err := mayApply(who); err != nil {
		return SchemeChanged{}, err
	}
	return s.moveScheme(ctx, who, cmd.SchemeID, models.StaffWithdrawn, models.EventStaffWithdrawn, nil)
}

// ReviewScheme decides about a request.
type ReviewScheme struct {
	SchemeID models.ID
	Approve  bool
	Reason   *string // why not, 1 to 256 characters, for the partner; required unless it is approved
}

// ReviewScheme approves a request, or rejects it with a reason. Operators with BENEFITS_REVIEW only. INVALID, NOT_FOUND; STAFF_SCHEME_STATE,
// STAFF_YEAR_OVER.
func (s *Service) ReviewScheme(ctx context.Context, who models.Principal, cmd ReviewScheme) (SchemeChanged, error) {
	if err := mayReview(who); err != nil {
		return SchemeChanged{}, err
	}
	reason, err := checkReason(cmd.Approve, cmd.Reason)
	if err != nil {
		return SchemeChanged{}, err
	}
	next, what := models.StaffRejected, models.EventStaffRejected
	if cmd.Approve {
		next, what = models.StaffApproved, models.EventStaffApproved
	}
	return s.moveScheme(ctx, who, cmd.SchemeID, next, what, func(_ context.Context, _ bun.IDB, row *models.StaffScheme) error {
		if cmd.Approve && models.BenefitYear(s.now()) > row.Year {
			return ErrYearOver
		}
		row.Reason = reason
		return nil
	})
}

// RevokeScheme takes an invitation back.
type RevokeScheme struct {
	SchemeID models.ID
	Reason   string // 1 to 256 characters, for the partner
}

// RevokeScheme takes an invitation back that the partner has not answered, or has withdrawn its request for. Operators with BENEFITS_REVIEW only.
// INVALID, NOT_FOUND; STAFF_SCHEME_STATE.
func (s *Service) RevokeScheme(ctx context.Context, who models.Principal, cmd RevokeScheme) (SchemeChanged, error) {
	if err := mayReview(who); err != nil {
		return SchemeChanged{}, err
	}
	if _, err := checkReason(false, &cmd.Reason); err != nil {
		return SchemeChanged{}, err
	}
	return s.moveScheme(ctx, who, cmd.SchemeID, models.StaffRevoked, models.EventStaffRevoked, func(_ context.Context, _ bun.IDB, row *models.StaffScheme) error {
		row.Reason = cmd.Reason
		return nil
	})
}

func (s *Service) moveScheme(ctx context.Context, who models.Principal, id models.ID, next models.StaffSchemeState, what models.EventType,
	more func(ctx context.Context, tx bun.IDB, row *models.StaffScheme) error,
) (SchemeChanged, error) {
	if err := id.Require(models.PrefixStaffScheme, "schemeId"); err != nil {
		return SchemeChanged{}, err
	}
	var done SchemeChanged
	err := s.under(ctx, who, id, func(ctx context.Context, tx bun.IDB, row *models.StaffScheme) error {
		before := *row
		if err := row.Become(next, s.now()); err != nil {
			return err
		}
		if more != nil {
			if err := more(ctx, tx, row); err != nil {
				return err
			}
		}
		if err := updateRow(ctx, tx, row); err != nil {
			return err
		}
		changes := []models.FieldChange{models.Changed("state", before.State, row.State)}
		if before.SignedVersion != row.SignedVersion {
			changes = append(changes, models.Changed("signedVersion", before.SignedVersion, row.SignedVersion))
		}
		done.StaffScheme = *row
		return s.Events.Record(ctx, tx, who, happened(what, *row, row.ID, changes, nil))
	})
	if err != nil {
		return SchemeChanged{}, err
	}
	err = s.openScheme(&done.StaffScheme)
	return done, err
}

func (s *Service) openScheme(row *models.StaffScheme) (err error) {
	row.Signatory, err = s.opened(row.SignatorySealed, columnSignatory, row.ID)
	return err
}

// EndYear is what models.JobStaffYear does at the end of a scheme's year, in UTC+8: what was not approved lapses, and the people of what was may be in
// another scheme; their months are applied for and paid still. One whose year is not over is models.NotDue.
func (s *Service) EndYear(ctx context.Context, id models.ID) error {
	who := models.SystemPrincipal("staff-year")
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, found, err := selectSchemeForUpdate(ctx, tx, who, id)
		if err != nil || !found {
			return err
		}
		now := s.now()
		if ends := models.BenefitYearEnds(row.Year); now.Before(ends) {
			return models.NotDue{Until: ends}
		}
		switch row.State {
		case models.StaffInvited, models.StaffRequested, models.StaffWithdrawn:
			before := row.State
			if err := row.Become(models.StaffLapsed, now); err != nil {
				return err
			}
			if err := updateRow(ctx, tx, &row); err != nil {
				return err
			}
			return s.Events.Record(ctx, tx, who, happened(models.EventStaffLapsed, row, row.ID, []models.FieldChange{models.Changed("state", before, row.State)}, nil))
		case models.StaffApproved:
			freed, err := updateMembersFree(ctx, tx, row.ID, now)
			if err != nil || freed == 0 {
				return err
			}
			return s.Events.Record(ctx, tx, who, happened(models.EventStaffReleased, row, row.ID, nil, map[string]any{"people": freed}))
		case models.StaffRejected, models.StaffRevoked, models.StaffLapsed:
		}
		return nil
	})
}
