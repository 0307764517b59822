package access

import (
	"context"
	"slices"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// ManagerOf is an expression of the account manager that a customer has now, as far as the principal may know: a partner its own people, nobody
// else's (C18). customer is the column with the customer's id.
func ManagerOf(who models.Principal, customer string) (expression string, args []any) {
	switch {
	case who.SeesAll():
		return "COALESCE((SELECT mc.account_manager_id FROM customers AS mc WHERE mc.id = ?), '')", []any{bun.Safe(customer)}
	case who.CustomerID != "" || who.PartnerID == "":
		return "''", nil
	}
	return "COALESCE((SELECT mc.account_manager_id FROM customers AS mc WHERE mc.id = ? AND mc.partner_id = ?), '')", []any{bun.Safe(customer), who.PartnerID}
}

// Dashboards is how a room's tables of monthly sums answer dashboards.
type Dashboards struct {
	DB *store.DB
	// Months tells customers apart; Totals does not, and has far fewer rows.
	Months, Totals DashboardTable
	// OfPartner narrows rows of a table to those of a partner.
	OfPartner func(q *bun.SelectQuery, table bun.Ident, partner models.ID) *bun.SelectQuery
	// Month and Partner are the columns with the month and with what "by reseller" groups by.
	Month, Partner string
	// Largest is the column that rows are ordered by.
	Largest string
	// Columns are what is summed up.
	Columns []DashboardColumn
}

// DashboardTable is a table of sums.
type DashboardTable struct {
	Alias string
	// Rows selects the rows that the caller sees, and no columns.
	Rows func() *bun.SelectQuery
}

// DashboardColumn is a column of the answer that adds some of the table's up and takes one off.
type DashboardColumn struct {
	Name string
	Plus []string
	Less string // empty = none
}

// read are the rows that dashboards sum up.
type read struct {
	from, until      models.BillingCycle
	partner, manager models.ID // empty = all
	totals           bool      // of the table that does not tell customers apart
}

// table returns the table that the rows are of.
func (d Dashboards) table(asked read) DashboardTable {
	if asked.totals {
		return d.Totals
	}
	return d.Months
}

// inTotals says whether totals answer a query: one that is not about customers or what is known of them.
func inTotals(who models.Principal, query models.DashboardQuery) bool {
	return who.CustomerID == "" && query.ManagerID == nil && query.By != models.ByCustomer && query.By != models.ByAccountManager
}

// Answer answers queries in their order. Those that sum the same rows up are answered together, with a single reading of the rows where the
// database can. Rows are the answer's: columns of theirs that are not shown are not summed up.
func Answer[Row any](ctx context.Context, who models.Principal, d Dashboards, present models.BillingCycle, queries []models.DashboardQuery) ([]models.Dashboard[Row], error) {
	answers := make([]models.Dashboard[Row], len(queries))
	together := map[read][]int{}
	for i, query := range queries {
		from, until, err := query.Check(present)
		if err == nil && d.key(who, d.Months.Alias, query.By).Query == "" {
			err = models.Invalid("by", "There is no such grouping.")
		}
		if err != nil {
			answers[i].Err = err
			continue
		}
		one := read{from: from, until: until, totals: inTotals(who, query)}
		if query.PartnerID != nil {
			one.partner = *query.PartnerID
		}
		if query.ManagerID != nil {
			one.manager = *query.ManagerID
		}
		together[one] = append(together[one], i)
	}
	for rows, asked := range together {
		alias := d.table(rows).Alias
		var by []store.Grouping
		for _, i := range asked {
			by = d.join(who, alias, by, queries[i])
		}
		found, err := store.SumUp[Row](ctx, d.DB, store.Sums{
			Rows: func() *bun.SelectQuery { return d.rows(who, rows) }, Alias: alias, Columns: sumsOf[Row](ctx, d, alias),
			Largest: bun.SafeQuery("SUM(?)", column(alias, d.Largest)),
		}, by...)
		if err != nil {
			return nil, err
		}
		for _, i := range asked {
			sums := found[string(queries[i].By)]
			if queries[i].By != models.ByMonth {
				sums = sums[:min(len(sums), queries[i].Top)]
			}
			answers[i].Rows = sums
		}
	}
	return answers, nil
}

// join adds a query's grouping to those that there are.
func (d Dashboards) join(who models.Principal, alias string, by []store.Grouping, query models.DashboardQuery) []store.Grouping {
	top := query.Top
	if query.By == models.ByMonth {
		top = 0
	}
	for i := range by {
		if by[i].Name == string(query.By) {
			by[i].Top = max(by[i].Top, top)
			return by
		}
	}
	return append(by, store.Grouping{Name: string(query.By), Key: d.key(who, alias, query.By), Top: top})
}

// key is what rows are grouped by; its zero value for what is none.
func (d Dashboards) key(who models.Principal, alias string, by models.DashboardGrouping) schema.QueryWithArgs {
	switch by {
	case models.ByMonth:
		return column(alias, d.Month)
	case models.ByMode:
		return column(alias, "mode")
	case models.ByServiceType:
		return column(alias, "service_type")
	case models.ByCustomer:
		return column(alias, "customer_id")
	case models.ByReseller:
		return column(alias, d.Partner)
	case models.ByAccountManager:
		expression, args := ManagerOf(who, alias+".customer_id")
		return bun.SafeQuery(expression, args...)
	}
	return schema.QueryWithArgs{}
}

func column(alias, name string) schema.QueryWithArgs {
	return bun.SafeQuery("?.?", bun.Ident(alias), bun.Ident(name))
}

// sumsOf are the sums that are shown of rows.
func sumsOf[Row any](ctx context.Context, d Dashboards, alias string) []store.SumColumn {
	shown, narrowed := store.ShownColumns[Row](ctx)
	columns := make([]store.SumColumn, 0, len(d.Columns))
	for _, one := range d.Columns {
		if narrowed && !slices.Contains(shown, one.Name) {
			continue
		}
		sum := column(alias, one.Plus[0])
		for _, plus := range one.Plus[1:] {
			sum = bun.SafeQuery("? + ?", sum, column(alias, plus))
		}
		if one.Less != "" {
			sum = bun.SafeQuery("? - ?", sum, column(alias, one.Less))
		}
		columns = append(columns, store.SumOf(one.Name, sum))
	}
	return columns
}

func (d Dashboards) rows(who models.Principal, asked read) *bun.SelectQuery {
	table := d.table(asked)
	month := column(table.Alias, d.Month)
	q := table.Rows().Where("? >= ?", month, asked.from).Where("? <= ?", month, asked.until)
	if asked.partner != "" {
		q = d.OfPartner(q, bun.Ident(table.Alias), asked.partner)
	}
	if asked.manager != "" {
		manager, args := ManagerOf(who, table.Alias+".customer_id")
		q = q.Where(manager+" = ?", append(args, asked.manager)...)
	}
	return q
}
