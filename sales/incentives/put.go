package incentives

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Put writes a statement with its lines and returns them with their ids and times. The figures must agree, or it is
// INVALID: a line's amount is its performance times its rate (models.IncentiveAmountMinor), the statement's performance and
// total are the sums over its lines, all in one currency. A second statement of a partner, period and currency is CONFLICT.
func (s *Service) Put(ctx context.Context, tx bun.IDB, statement models.IncentiveStatement, lines []models.IncentiveLine) (models.IncentiveStatement, []models.IncentiveLine, error) {
	if err := checkFigures(statement, lines); err != nil {
		return models.IncentiveStatement{}, nil, err
	}
	now := s.Now().UTC()
	statement.ID, statement.CreatedAt, statement.UpdatedAt = s.IDs(models.PrefixIncentiveStatement), now, now
	written := make([]models.IncentiveLine, len(lines))
	for i, line := range lines {
		line.ID, line.StatementID = s.IDs(models.PrefixIncentiveLine), statement.ID
		if line.Rule == "" {
			line.Rule = models.RuleEarns
		}
		written[i] = line
	}
	err := insertStatement(ctx, tx, &statement, written)
	if store.Conflicts(err, "incentive_statements", "partner_id", "period", "currency") {
		return models.IncentiveStatement{}, nil, models.Conflict("This partner has a statement for this period and currency.")
	}
	return statement, written, err
}

func checkFigures(statement models.IncentiveStatement, lines []models.IncentiveLine) error {
	if _, err := models.ParseBillingCycle(string(statement.Period), "period"); err != nil {
		return err
	}
	if err := statement.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
		return err
	}
	if !statement.Currency.Valid() {
		return models.Invalid("currency", "The currency must be CNY or USD.")
	}
	performance, total := models.NewMoney(0, statement.Currency), models.NewMoney(0, statement.Currency)
	for i, line := range lines {
		field := fmt.Sprintf("lines[%d]", i)
		// A rate far outside this would overflow the product, and no partner earns more than was sold.
		if line.Rate.Abs().GreaterThan(decimal.NewFromInt(1)) || line.Performance().Minor > models.MaxMinor || line.Performance().Minor < -models.MaxMinor {
			return models.Invalid(field, "The rate is a fraction of at most 1, and the performance a usual amount.")
		}
		if line.AmountMinor != line.Earned() {
			return models.Invalid(field, "The amount of a line is its performance times its rate, and at most its cap.")
		}
		var err error
		if performance, err = performance.Add(line.Performance()); err != nil {
			return err
		}
		if total, err = total.Add(line.Amount()); err != nil {
			return err
		}
	}
	if performance != statement.Performance() || total != statement.Total() {
		return models.Invalid("total", "A statement's performance and total are the sums over its lines.")
	}
	return nil
}
