package seed

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
)

// months is how many statements a partner has that earns incentives.
const months = 12

// rates are the shares that the cloud pays, in per mille; the last product earns nothing.
var rates = []struct {
	service  string
	perMille int64
}{
	{serverService, 80}, {diskService, 60}, {"hws.service.type.obs", 50}, {"hws.service.type.rds", 100}, {"hws.service.type.vpc", 45},
	{"hws.service.type.cdn", 0},
}

// statements returns the statements of a partner for the twelve months that End closes, oldest first, and their lines;
// none for a reseller, whose performance counts for its distributor (P12, P14), and none for months before Start. The figures
// are made up: they agree among themselves (N01, N02), not with the orders.
func (g *generator) statements(partner int) ([]models.IncentiveStatement, []models.IncentiveLine) {
	if !g.kind(partner).EarnsIncentives() {
		return nil, nil
	}
	partnerID := g.partnerID(partner)
	zone := time.FixedZone("UTC+8", 8*60*60) // the vendor's months
	end := g.End.Add(-time.Microsecond).In(zone)
	var statements []models.IncentiveStatement
	var lines []models.IncentiveLine
	for back := months - 1; back >= 0; back-- {
		month := time.Date(end.Year(), end.Month()-time.Month(back), 1, 0, 0, 0, 0, zone)
		if month.Before(g.Start) {
			continue
		}
		g.dice.roll(statementStream, partner*months+back)
		at := month.UTC().Add(g.dice.upTo(time.Minute))
		updated := month.AddDate(0, 1, 4).UTC() // data is generated on the fifth of the following month (N03)
		if updated.After(g.End) {
			updated = g.End
		}
		s := models.IncentiveStatement{
			ID: g.dice.id(models.PrefixIncentiveStatement, at), PartnerID: partnerID, Period: models.BillingCycleAt(month),
			Status: progressOf(back), Currency: g.Currency, CreatedAt: at, UpdatedAt: updated,
		}
		lines = append(lines, g.lines(partner, &s)...)
		statements = append(statements, s)
	}
	return statements, lines
}

// progressOf is the state of the statement of the month so many months ago (N02).
func progressOf(back int) models.StatementStatus {
	switch back {
	case 0:
		return models.StatementEstimated
	case 1:
		return models.StatementToConfirm
	case 2:
		return models.StatementIssuing
	}
	return models.StatementDone
}

// lines makes three to eight lines of a statement and adds them up in it.
func (g *generator) lines(partner int, s *models.IncentiveStatement) []models.IncentiveLine {
	lines := make([]models.IncentiveLine, 3+g.dice.below(6))
	customers := make([]int, len(lines))
	for k := range lines {
		product := pick(&g.dice, rates)
		line := models.IncentiveLine{
			ID:          g.dice.id(models.PrefixIncentiveLine, s.CreatedAt.Add(time.Duration(k)*time.Microsecond)),
			StatementID: s.ID, ServiceType: product.service, Currency: s.Currency,
			PerformanceMinor: int64(10_000 + g.dice.below(50_000_000)), Rate: decimal.New(product.perMille, -3), Rule: models.RuleEarns,
		}
		switch {
		case product.perMille == 0:
			line.Reason, line.Rule = "The product counts as performance and brings no incentive.", models.RulePerformanceOnly
		case g.dice.percent(4): // what customers gave back weighs against the partner (N11)
			line.PerformanceMinor, line.Reason = -line.PerformanceMinor/10, "Customers unsubscribed in this period."
		}
		line.AmountMinor = models.IncentiveAmountMinor(line.PerformanceMinor, line.Rate)
		line.ConsumptionMinor = line.PerformanceMinor
		s.PerformanceMinor += line.PerformanceMinor
		s.TotalMinor += line.AmountMinor
		customers[k] = g.dice.below(g.Customers)
		lines[k] = line
	}
	// Last, because looking at another row rolls the dice for it.
	for k := range lines {
		lines[k].CustomerID = g.customerEarning(partner, customers[k], s.CreatedAt)
	}
	return lines
}

// customerEarning returns a customer of the partner, or of a distributor's reseller, that was there at t; zero when the
// draw names none: the line then is about no one customer.
func (g *generator) customerEarning(partner, draw int, t time.Time) models.ID {
	seller := partner
	if g.kind(partner) == models.Distributor {
		under := (g.resellers - partner + g.distributors - 1) / g.distributors
		if under == 0 {
			return ""
		}
		seller = g.distributors + partner + draw%under*g.distributors
	}
	share := max(g.customerTimes.before(t.Add(-g.settle))/max(g.sellers(), 1), 1)
	c := g.customerOf(g.sellerOf(seller), draw%share)
	if c >= g.Customers {
		return ""
	}
	id, _, at := g.customerBirth(c)
	if at.Add(g.settle).After(t) {
		return ""
	}
	return id
}
