package staff

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// ApplyForMonth says what a person did in a month.
type ApplyForMonth struct {
	MemberID models.ID
	Month    models.BillingCycle // of the scheme's year, over
	Days     decimal.Decimal     // above zero, whole or half, at most those of the month on which the person was there
	Met      []string            // the codes of the criteria that were met; nil = none
}

// MonthChanged is a month as it is after the operation.
type MonthChanged struct {
	StaffMonth models.StaffMonth
}

// Month names a month for a step that needs no more.
type Month struct {
	MonthID models.ID
}

// ApplyForMonth applies for a month of a person (N07), for the first time or again after it was rejected or withdrawn. What it is worth is reckoned with
// the present rate of the role. It needs INCENTIVES_WRITE and the partner's own credential. Errors: INVALID with the field, NOT_FOUND; reasons
// STAFF_SCHEME_STATE, STAFF_MONTH_OPEN, STAFF_MONTH_TWICE, STAFF_QUARTER_REQUESTED.
func (s *Service) ApplyForMonth(ctx context.Context, who models.Principal, cmd ApplyForMonth) (MonthChanged, error) {
	if err := mayApply(who); err != nil {
		return MonthChanged{}, err
	}
	member, err := s.member(ctx, who, cmd.MemberID)
	if err != nil {
		return MonthChanged{}, err
	}
	if _, err := models.ParseBillingCycle(string(cmd.Month), "month"); err != nil {
		return MonthChanged{}, err
	}
	var done MonthChanged
	err = s.under(ctx, who, member.SchemeID, func(ctx context.Context, tx bun.IDB, scheme *models.StaffScheme) error {
		rows, err := selectMembers(ctx, tx, who, []models.ID{cmd.MemberID}) // as it is now that nobody changes it
		if err != nil || len(rows) == 0 {
			return err
		}
		row, found, err := selectMonthOf(ctx, tx, cmd.MemberID, cmd.Month)
		if err != nil {
			return err
		}
		before := row.State
		if err := s.fill(&row, *scheme, rows[0], cmd); err != nil {
			return err
		}
		if err := notRequested(ctx, tx, *scheme, cmd.Month); err != nil {
			return err
		}
		if found {
			if before == models.StaffMonthApplied || before == models.StaffMonthConfirmed {
				return ErrMonthTwice
			}
			if err := row.Become(models.StaffMonthApplied, s.now()); err != nil {
				return err
			}
			err = updateRow(ctx, tx, &row)
		} else {
			row.ID, row.State, row.CreatedAt = s.IDs(models.PrefixStaffMonth), models.StaffMonthApplied, s.now()
			row.UpdatedAt = row.CreatedAt
			err = insertRow(ctx, tx, &row)
		}
		if err != nil {
			if store.Conflicts(err, "staff_months", "id_blind") {
				return ErrMonthTwice
			}
			return err
		}
		done.StaffMonth = row
		return s.Events.Record(ctx, tx, who, monthEvent(models.EventStaffMonthApplied, *scheme, row, before))
	})
	if err != nil {
		return MonthChanged{}, err
	}
	return done, nil
}

// fill writes what an application says into a month, and what it is worth.
func (s *Service) fill(row *models.StaffMonth, scheme models.StaffScheme, member models.StaffMember, cmd ApplyForMonth) error {
	if err := scheme.Running(); err != nil {
		return err
	}
	switch {
	case cmd.Month.Begins().Year() != scheme.Year:
		return models.Invalid("month", fmt.Sprintf("The month lies in %d, the scheme's year.", scheme.Year))
	case s.now().Before(cmd.Month.Ends()):
		return ErrMonthOpen
	}
	there := member.DaysIn(cmd.Month)
	if halves := cmd.Days.Mul(decimal.NewFromInt(2)); cmd.Days.Exponent() > 0 || cmd.Days.Exponent() < -2 || !halves.Equal(halves.Truncate(0)) || !cmd.Days.IsPositive() ||
		cmd.Days.GreaterThan(decimal.NewFromInt(int64(there))) {
		return models.Invalid("days", fmt.Sprintf("The person was there on %d days of this month; days are whole or half, and more than none.", there))
	}
	share, err := scheme.Share(cmd.Met, "met")
	if err != nil {
		return err
	}
	rate, known := scheme.Rate(member.Role)
	if !known {
		return models.Invalid("memberId", "The person's role has no rate.")
	}
	row.SchemeID, row.PartnerID, row.MemberID, row.IDBlind, row.Month, row.Currency = scheme.ID, scheme.PartnerID, member.ID, member.IDBlind, cmd.Month, scheme.Currency
	row.Days, row.Met, row.DayRate, row.Exact = cmd.Days, append([]string{}, cmd.Met...), rate, models.StaffAmount(cmd.Days, rate, share)
	return nil
}

// notRequested is nil unless the quarter of a month is in a payment that lives.
func notRequested(ctx context.Context, tx bun.IDB, scheme models.StaffScheme, month models.BillingCycle) error {
	quarter := (int(month.Begins().Month()) + 2) / 3
	taken, err := paymentLives(ctx, tx, scheme.ID, scheme.Year, quarter)
	if err == nil && taken {
		err = ErrMonthPaid
	}
	return err
}

func monthEvent(what models.EventType, scheme models.StaffScheme, row models.StaffMonth, before models.StaffMonthState) models.Event {
	return happened(what, scheme, row.ID, []models.FieldChange{models.Changed("state", before, row.State)},
		map[string]any{"memberId": row.MemberID, "month": row.Month, "days": row.Days.String(), "amount": row.Exact.String(), "currency": row.Currency})
}

// WithdrawMonth takes the application for a month back until it is decided. It needs INCENTIVES_WRITE and the partner's own credential. NOT_FOUND;
// STAFF_MONTH_STATE.
func (s *Service) WithdrawMonth(ctx context.Context, who models.Principal, cmd Month) (MonthChanged, error) {
	if err := mayApply(who); err != nil {
		return MonthChanged{}, err
	}
	return s.moveMonth(ctx, who, cmd.MonthID, models.StaffMonthWithdrawn, models.EventStaffMonthWithdrawn, "")
}

// ReviewMonth decides about a month.
type ReviewMonth struct {
	MonthID models.ID
	Confirm bool
	Reason  *string // why not, 1 to 256 characters, for the partner; required unless it is confirmed
}

// ReviewMonth confirms a month, or rejects it with a reason. Operators with BENEFITS_REVIEW only. INVALID, NOT_FOUND; STAFF_MONTH_STATE.
func (s *Service) ReviewMonth(ctx context.Context, who models.Principal, cmd ReviewMonth) (MonthChanged, error) {
	if err := mayReview(who); err != nil {
		return MonthChanged{}, err
	}
	reason, err := checkReason(cmd.Confirm, cmd.Reason)
	if err != nil {
		return MonthChanged{}, err
	}
	if cmd.Confirm {
		return s.moveMonth(ctx, who, cmd.MonthID, models.StaffMonthConfirmed, models.EventStaffMonthConfirmed, "")
	}
	return s.moveMonth(ctx, who, cmd.MonthID, models.StaffMonthRejected, models.EventStaffMonthRejected, reason)
}

func (s *Service) moveMonth(ctx context.Context, who models.Principal, id models.ID, next models.StaffMonthState, what models.EventType, reason string) (MonthChanged, error) {
	if err := id.Require(models.PrefixStaffMonth, "monthId"); err != nil {
		return MonthChanged{}, err
	}
	seen, err := selectMonths(ctx, s.DB, who, []models.ID{id})
	switch {
	case err != nil:
		return MonthChanged{}, err
	case len(seen) == 0:
		return MonthChanged{}, ErrMonthUnknown
	}
	var done MonthChanged
	err = s.under(ctx, who, seen[0].SchemeID, func(ctx context.Context, tx bun.IDB, scheme *models.StaffScheme) error {
		rows, err := selectMonths(ctx, tx, who, []models.ID{id})
		switch {
		case err != nil:
			return err
		case len(rows) == 0:
			return ErrMonthUnknown
		}
		row := &rows[0]
		before := row.State
		if err := row.Become(next, s.now()); err != nil {
			return err
		}
		row.Reason = reason
		if err := updateRow(ctx, tx, row); err != nil {
			return err
		}
		done.StaffMonth = *row
		return s.Events.Record(ctx, tx, who, monthEvent(what, *scheme, *row, before))
	})
	if err != nil {
		return MonthChanged{}, err
	}
	return done, nil
}
