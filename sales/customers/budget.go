package customers

import (
	"context"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// maxAlerts is how many shares of a budget are told of at most.
const maxAlerts = 5

// budgetBatch is how many budgets are measured with one pair of statements.
const budgetBatch = 200

// The refusals of budgets.
var (
	ErrBudgetUnknown  = models.NotFound("budget")
	ErrBudgetAdvisory = models.Precondition("ADVISORY_CUSTOMER", "An advisory customer spends its own money, which its partner does not see (C01).")
)

// SetCustomerBudget says what a resale customer may spend, and what happens then.
type SetCustomerBudget struct {
	CustomerID    models.ID
	Kind          models.BudgetKind
	Amount        decimal.Decimal // in the customer's currency, more than zero, at most 2 fraction digits
	AlertPercents []int32         // shares to be told of, 1 to 100, at most 5; empty = 80 and 100
	Freeze        bool            // freeze the account when all of it is spent
}

// RemoveCustomerBudget says whose budget to take away.
type RemoveCustomerBudget struct {
	CustomerID models.ID
}

// SetBudget makes a resale customer's budget or changes it (C22). What is spent is what the customer has paid for orders with this partner's money, less what was
// refunded, in the billing cycle or, for a package, since it was set; it is looked at in the same transaction, so that a budget that is spent already tells at once. Setting it again
// tells anew. It limits nothing but by freezing: an order that is paid between two looks is paid. The partner of the customer, and operators. Reasons of
// PRECONDITION_FAILED: ADVISORY_CUSTOMER, NOT_ASSOCIATED.
func (s *Service) SetBudget(ctx context.Context, who models.Principal, cmd SetCustomerBudget) (CustomerChange, error) {
	return s.change(ctx, who, cmd.CustomerID, func(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
		if err := cmd.complete(); err != nil {
			return err
		}
		if err := spendsPartnersMoney(*customer); err != nil {
			return err
		}
		amount, err := models.ParseMoney(cmd.Amount, customer.Currency, "amount")
		if err != nil {
			return err
		}
		now := s.now()
		budget, found, err := selectBudget(ctx, tx, customer.ID)
		if err != nil {
			return err
		}
		before := budgetText(budget)
		if !found || budget.Kind != cmd.Kind {
			budget.Since = now // a package counts from the day it was made one
		}
		if !found {
			budget.CreatedAt = now
		}
		budget.CustomerID, budget.PartnerID, budget.Currency = customer.ID, customer.PartnerID, customer.Currency
		budget.Kind, budget.AmountMinor, budget.AlertPercents, budget.Freezes = cmd.Kind, amount.Minor, cmd.AlertPercents, cmd.Freeze
		budget.Cycle, budget.AlertedPercent, budget.UpdatedAt = "", 0, now
		budget.Version++
		budget = budget.At(now)
		if err := upsertBudget(ctx, tx, &budget); err != nil {
			return err
		}
		if err := s.Events.Record(ctx, tx, who, changed(models.EventBudgetSet, *customer, map[string]any{
			"kind": cmd.Kind, "amount": amount.Plain(), "currency": amount.Currency, "alertPercents": cmd.AlertPercents, "freeze": cmd.Freeze,
		}, models.Changed("budget", before, budgetText(budget)))); err != nil {
			return err
		}
		spent, err := s.spent(ctx, tx, []models.CustomerBudget{budget})
		if err != nil {
			return err
		}
		_, err = s.seeIn(ctx, tx, customer, budget, spent[customer.ID])
		return err
	})
}

// RemoveBudget takes a customer's budget away; NOT_FOUND when it has none. A freeze that it brought stays.
func (s *Service) RemoveBudget(ctx context.Context, who models.Principal, cmd RemoveCustomerBudget) (CustomerChange, error) {
	return s.change(ctx, who, cmd.CustomerID, func(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
		budget, found, err := selectBudget(ctx, tx, customer.ID)
		if err != nil || !found {
			if err == nil {
				err = ErrBudgetUnknown
			}
			return err
		}
		if err := deleteBudget(ctx, tx, customer.ID); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, changed(models.EventBudgetRemoved, *customer, nil, models.Changed("budget", budgetText(budget), "")))
	})
}

// budgetText is what the audit record says of a budget; "" when there is none.
func budgetText(b models.CustomerBudget) string {
	if b.CustomerID == "" {
		return ""
	}
	amount := models.NewMoney(b.AmountMinor, b.Currency)
	return fmt.Sprintf("%s %s %s, alerts %v, freezes %t", b.Kind, amount.Plain(), b.Currency, b.AlertPercents, b.Freezes)
}

// spendsPartnersMoney refuses customers whose spending is no business of a partner's.
func spendsPartnersMoney(customer models.Customer) error {
	if customer.PartnerID == "" {
		return ErrNotAssociated
	}
	if customer.Mode != models.Resale {
		return ErrBudgetAdvisory
	}
	return nil
}

func (cmd *SetCustomerBudget) complete() error {
	if cmd.Kind != models.MonthlyBudget && cmd.Kind != models.PackageBudget {
		return models.Invalid("kind", "A budget is MONTHLY or PACKAGE.")
	}
	if cmd.Amount.Sign() <= 0 {
		return models.Invalid("amount", "The budget must be above zero.")
	}
	if cmd.Amount.Exponent() > 0 || cmd.Amount.Exponent() < -20 {
		return models.Invalid("amount", "The budget must be a plain decimal.")
	}
	if len(cmd.AlertPercents) == 0 {
		cmd.AlertPercents = []int32{80, 100}
	}
	if len(cmd.AlertPercents) > maxAlerts {
		return models.Invalid("alertPercents", "At most 5 shares are told of.")
	}
	cmd.AlertPercents = slices.Compact(slices.Sorted(slices.Values(cmd.AlertPercents)))
	if cmd.AlertPercents[0] < 1 || cmd.AlertPercents[len(cmd.AlertPercents)-1] > 100 {
		return models.Invalid("alertPercents", "A share is from 1 to 100 percent.")
	}
	return nil
}

// WatchBudgets measures every budget, records customer.budget_alert once in a cycle for each share that is reached, and freezes whom a spent budget
// freezes. It returns how many alerts there were. It is a job of this server, asks nobody's permission, and any number of replicas may run it: what was seen is
// written over the version that was read only, so that one of them tells and the others find nothing left to do. Spending costs nobody anything for it.
func (s *Service) WatchBudgets(ctx context.Context) (told int, err error) {
	for after := models.ID(""); ; {
		budgets, err := selectBudgetsAfter(ctx, s.DB, after, budgetBatch)
		if err != nil || len(budgets) == 0 {
			return told, err
		}
		after = budgets[len(budgets)-1].CustomerID
		spent, err := s.spent(ctx, s.DB, budgets)
		if err != nil {
			return told, err
		}
		now := s.now()
		for _, budget := range budgets {
			if _, reached, freeze := budget.See(spent[budget.CustomerID], now); reached == 0 && !freeze {
				continue
			}
			crossed, err := s.cross(ctx, budget)
			if err != nil {
				return told, err
			}
			if crossed {
				told++
			}
		}
	}
}

// cross looks at one budget again in a transaction of its own, the customer's row first, and writes what it sees.
func (s *Service) cross(ctx context.Context, found models.CustomerBudget) (crossed bool, err error) {
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		crossed = false
		customer, known, err := selectCustomerForUpdate(ctx, tx, found.CustomerID)
		if err != nil || !known || customer.PartnerID != found.PartnerID || customer.Mode != models.Resale {
			return err
		}
		budget, exists, err := selectBudget(ctx, tx, customer.ID)
		if err != nil || !exists || budget.Version != found.Version {
			return err
		}
		spent, err := s.spent(ctx, tx, []models.CustomerBudget{budget})
		if err != nil {
			return err
		}
		crossed, err = s.seeIn(ctx, tx, &customer, budget, spent[customer.ID])
		return err
	})
	return crossed && err == nil, err
}

// seeIn writes what was spent of a budget, tells of the highest share that is reached now, and freezes the customer, whose row is locked, when that is asked for.
func (s *Service) seeIn(ctx context.Context, tx bun.IDB, customer *models.Customer, budget models.CustomerBudget, spentMinor int64) (crossed bool, err error) {
	seen, reached, freeze := budget.See(spentMinor, s.now())
	if reached == 0 && !freeze {
		return false, nil
	}
	if written, err := updateBudgetSeen(ctx, tx, &seen, budget.Version); err != nil || !written {
		return false, err
	}
	who := models.SystemPrincipal("budgets")
	if reached > 0 {
		data := map[string]any{
			"percent": reached, "spent": seen.Spent().Plain(), "amount": seen.Amount().Plain(), "currency": seen.Currency, "kind": seen.Kind,
		}
		if seen.Cycle != "" {
			data["cycle"] = seen.Cycle
		}
		if err := s.Events.Record(ctx, tx, who, happened(models.EventBudgetAlert, *customer, []string{"budget"}, data)); err != nil {
			return false, err
		}
	}
	if freeze && customer.Frozen == models.NotFrozen {
		err = s.freezeIn(ctx, tx, who, customer, models.FrozenAccount, "The budget is spent.", models.FrozenByBudget)
	}
	return reached > 0, err
}

// spent measures budgets of one batch.
func (s *Service) spent(ctx context.Context, db bun.IDB, budgets []models.CustomerBudget) (map[models.ID]int64, error) {
	now := s.now()
	periods := make([]models.SpendingPeriod, len(budgets))
	for i, b := range budgets {
		from, until := b.Period(now)
		periods[i] = models.SpendingPeriod{CustomerID: b.CustomerID, PartnerID: b.PartnerID, Currency: b.Currency, From: from, Until: until}
	}
	return s.Spending.SpentIn(ctx, db, periods)
}

// BudgetsFor returns the budgets of the customers whose balance the caller may see, with what is spent of them now. It needs BALANCES_READ.
func (s *Service) BudgetsFor(ctx context.Context, who models.Principal, customers []models.ID) (map[models.ID]models.CustomerBudget, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.CustomerBudget, len(customers))
	if len(customers) == 0 {
		return found, nil
	}
	for ids := range slices.Chunk(customers, budgetBatch) {
		budgets, err := selectBudgets(ctx, s.DB, who, ids)
		if err != nil || len(budgets) == 0 {
			if err != nil {
				return nil, err
			}
			continue
		}
		spent, err := s.spent(ctx, s.DB, budgets)
		if err != nil {
			return nil, err
		}
		now := s.now()
		for _, budget := range budgets {
			budget = budget.At(now)
			budget.SpentMinor = spent[budget.CustomerID]
			found[budget.CustomerID] = budget
		}
	}
	return found, nil
}
