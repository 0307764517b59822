package incentives

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// pageOfAccrual is how many statements are looked up at once.
const pageOfAccrual = 100

// Accrue works every estimated statement out anew, partner by partner, each in a transaction of its own, and closes those whose month has
// been over since the fourth day of the next (N02, N03). Its sums are made by the database, so that it holds a few rows at a time whatever
// the performance; an accrual that was cut short is simply begun again. It returns how many statements it worked out. It is what
// models.JobSweepIncentives does.
func (s *Service) Accrue(ctx context.Context) (int, error) {
	who := models.SystemPrincipal("incentives")
	var after models.ID
	var failed error
	for n := 0; ; {
		ids, err := selectEstimated(ctx, s.DB, after, pageOfAccrual)
		if err != nil || len(ids) == 0 {
			return n, errors.Join(failed, err)
		}
		for _, id := range ids {
			if err := ctx.Err(); err != nil {
				return n, err
			}
			// One that fails does not keep the others from theirs.
			if err := s.accrueOne(ctx, who, id); err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			n++
		}
		after = ids[len(ids)-1]
	}
}

func (s *Service) accrueOne(ctx context.Context, who models.Principal, id models.ID) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		statement, found, err := selectStatementForUpdate(ctx, tx, id)
		if err != nil || !found || statement.Status != models.StatementEstimated {
			return err
		}
		groups, err := sumPerformance(ctx, tx, statement)
		if err != nil {
			return err
		}
		write := updateStatement
		if len(groups) > 0 { // what Put wrote has none, and stays as it is
			lines, err := s.fill(ctx, tx, &statement, groups)
			if err != nil {
				return err
			}
			write = func(ctx context.Context, tx bun.IDB, statement *models.IncentiveStatement) error {
				return replaceLines(ctx, tx, *statement, lines)
			}
		}
		now := s.now()
		statement.UpdatedAt = now
		var happened []models.Event
		if !now.Before(models.StatementClosesAt(statement.Period)) {
			statement.Status, statement.ClosedAt = models.StatementToConfirm, &now
			happened = append(happened, moved(models.EventStatementToConfirm, statement, models.StatementEstimated))
		}
		if err := write(ctx, tx, &statement); err != nil || len(happened) == 0 {
			return err
		}
		return s.Events.Record(ctx, tx, who, happened...)
	})
}

// fill works the figures of a statement out of the sums of its performance lines.
func (s *Service) fill(ctx context.Context, db bun.IDB, statement *models.IncentiveStatement, groups []models.PerformanceGroup) ([]models.IncentiveLine, error) {
	var named []models.ID
	for _, group := range groups {
		if group.PolicyID != "" {
			named = append(named, group.PolicyID)
		}
	}
	policies, err := selectPoliciesByIDs(ctx, db, unique(named))
	if err != nil {
		return nil, err
	}
	var lines []models.IncentiveLine
	lines, statement.PerformanceMinor, statement.TotalMinor = models.StatementLines(groups, policies, statement.Currency)
	away, err := wasMoved(ctx, db, statement.ID)
	for i := range lines {
		lines[i].ID, lines[i].StatementID = s.IDs(models.PrefixIncentiveLine), statement.ID
		if away {
			lines[i].MovedAway()
		}
	}
	return lines, err
}

// Recompute works a statement out again from its performance lines, read one by one and added up here, and returns it as it would be
// written; nothing is. One that was received from another account is worked out from that account's. A closed statement that differs would mean
// that something changed which never does. It needs INCENTIVES_READ and is
// NOT_FOUND for a statement that the caller may not see.
func (s *Service) Recompute(ctx context.Context, who models.Principal, id models.ID) (models.IncentiveStatement, []models.IncentiveLine, error) {
	found, err := s.StatementsByIDs(ctx, who, []models.ID{id})
	if err != nil {
		return models.IncentiveStatement{}, nil, err
	}
	statement, seen := found[id]
	if !seen {
		return models.IncentiveStatement{}, nil, errStatementUnknown
	}
	root, err := selectRoot(ctx, s.DB, statement)
	if err != nil {
		return models.IncentiveStatement{}, nil, err
	}
	groups := tally[models.PerformanceGroup]{}
	err = eachPerformance(ctx, s.DB, root, func(line models.PerformanceLine) {
		group := groups.of(models.PerformanceGroup{PolicyID: line.PolicyID, ServiceType: line.ServiceType, Rule: line.Rule})
		group.Lines++
		group.AmountMinor += line.AmountMinor
		group.CountedMinor += line.CountedMinor
	})
	if err != nil {
		return models.IncentiveStatement{}, nil, err
	}
	lines, err := s.fill(ctx, s.DB, &statement, groups.sorted(asShown))
	return statement, lines, err
}

var errStatementUnknown = models.NotFound("incentive statement")

// ConfirmStatement names a statement.
type ConfirmStatement struct {
	StatementID models.ID
}

// CompleteStatement names a statement that was paid out.
type CompleteStatement struct {
	StatementID models.ID
	Reference   string // of the payment, 1 to 64 printable ASCII characters
}

// StatementChange is a statement as a command left it.
type StatementChange struct {
	IncentiveStatement models.IncentiveStatement
}

// Confirm lets a closed statement be paid out: TO_CONFIRM becomes ISSUING (N02). The partner itself may, and operators; a statement that was
// confirmed stays as it is. It needs INCENTIVES_WRITE, is NOT_FOUND for a statement that the caller may not see, and PRECONDITION_FAILED
// with the reasons STATEMENT_ESTIMATED while its month is open, STATEMENT_TRANSFERRED when another account has it (N12).
func (s *Service) Confirm(ctx context.Context, who models.Principal, cmd ConfirmStatement) (StatementChange, error) {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return StatementChange{}, err
	}
	return s.move(ctx, who, cmd.StatementID, models.StatementIssuing, models.EventStatementConfirmed, func(ctx context.Context, tx bun.IDB, statement *models.IncentiveStatement, now time.Time) error {
		statement.ConfirmedAt = &now
		if s.Jobs == nil {
			return nil
		}
		return s.Jobs.ScheduleIn(ctx, tx, models.JobPayoutDue, statement.ID, models.PayoutDueAt(statement.Period))
	})
}

// Complete notes that a statement was paid out elsewhere: ISSUING becomes DONE. It needs INCENTIVES_LOAD; operators only. A statement that is done
// stays as it is. Reasons of PRECONDITION_FAILED: STATEMENT_ESTIMATED, STATEMENT_TO_CONFIRM, STATEMENT_TRANSFERRED, STATEMENT_IN_PAYOUT for one that a
// payout will note.
func (s *Service) Complete(ctx context.Context, who models.Principal, cmd CompleteStatement) (StatementChange, error) {
	if err := mayLoad(who); err != nil {
		return StatementChange{}, err
	}
	if err := models.CheckReference(cmd.Reference, "reference", models.MaxReference); err != nil {
		return StatementChange{}, err
	}
	return s.move(ctx, who, cmd.StatementID, models.StatementDone, models.EventStatementDone, func(ctx context.Context, tx bun.IDB, statement *models.IncentiveStatement, now time.Time) error {
		statement.DoneAt, statement.Reference = &now, cmd.Reference
		if s.Payouts == nil {
			return nil
		}
		held, err := s.Payouts.HoldsIn(ctx, tx, statement.ID)
		if err == nil && held {
			err = models.Precondition("STATEMENT_IN_PAYOUT", "The statement is in a payout, which notes when it is done.")
		}
		return err
	})
}

// move brings a statement to its next state.
func (s *Service) move(ctx context.Context, who models.Principal, id models.ID, next models.StatementStatus, what models.EventType, set func(context.Context, bun.IDB, *models.IncentiveStatement, time.Time) error) (StatementChange, error) {
	if err := id.Require(models.PrefixIncentiveStatement, "statementId"); err != nil {
		return StatementChange{}, err
	}
	var done StatementChange
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		done = StatementChange{}
		statement, found, err := selectVisibleForUpdate(ctx, tx, who, id)
		switch {
		case err != nil:
			return err
		case !found:
			return errStatementUnknown
		case statement.Status == next || next == models.StatementIssuing && statement.Status == models.StatementDone:
			done.IncentiveStatement = statement
			return nil
		case statement.Status == models.StatementTransferred:
			return statement.Movable(statement.Currency)
		case !statement.Status.CanBecome(next):
			return models.Precondition("STATEMENT_"+string(statement.Status), "The statement is not that far yet.")
		}
		before, now := statement.Status, s.now()
		statement.Status, statement.UpdatedAt = next, now
		if err := set(ctx, tx, &statement, now); err != nil {
			return err
		}
		if err := updateStatement(ctx, tx, &statement); err != nil {
			return err
		}
		done.IncentiveStatement = statement
		return s.Events.Record(ctx, tx, who, moved(what, statement, before))
	})
	return done, err
}

// moved is the event of a statement that has reached a state.
func moved(what models.EventType, statement models.IncentiveStatement, before models.StatementStatus) models.Event {
	return models.Event{
		Type: what, PartnerID: statement.PartnerID, SubjectID: string(statement.ID), Fields: []string{"status"},
		Changes: []models.FieldChange{models.Changed("status", before, statement.Status)},
		Data: map[string]any{
			"period": statement.Period, "currency": statement.Currency,
			"performance": statement.Performance().Plain(),
			"total":       statement.Total().Plain(),
		},
	}
}
