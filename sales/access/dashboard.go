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

// Dashboards is how a room's table of monthly sums answers dashboards.
type Dashboards struct {
	DB *store.DB
	// Rows selects the rows that the caller sees, and no columns.
	Rows func() *bun.SelectQuery
	// OfPartner narrows them to those of a partner.
	OfPartner func(q *bun.SelectQuery, partner models.ID) *bun.SelectQuery
	// Alias is the table's, and Month and Partner the columns with the month and with what "by reseller" groups by.
	Alias, Month, Partner string
	// Largest is the column that rows are ordered by.
	Largest string
	// Columns are what is summed up.
	Columns []DashboardColumn
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
}

// Answer answers queries in their order. Those that sum the same rows up are answered together, with a single reading of the rows where the
// database can. Rows are the answer's: columns of theirs that are not shown are not summed up.
func Answer[Row any](ctx context.Context, who models.Principal, d Dashboards, present models.BillingCycle, queries []models.DashboardQuery) ([]models.Dashboard[Row], error) {
	answers := make([]models.Dashboard[Row], len(queries))
	together := map[read][]int{}
	for i, query := range queries {
		from, until, err := query.Check(present)
		if err == nil && d.key(who, query.By).Query == "" {
			err = models.Invalid("by", "There is no such grouping.")
		}
		if err != nil {
			answers[i].Err = err
			continue
		}
		one := read{from: from, until: until}
		if query.PartnerID != nil {
			one.partner = *query.PartnerID
		}
		if query.ManagerID != nil {
			one.manager = *query.ManagerID
		}
		together[one] = append(together[one], i)
	}
	for rows, asked := range together {
		var by []store.Grouping
		for _, i := range asked {
			by = d.join(who, by, queries[i])
		}
		found, err := store.SumUp[Row](ctx, d.DB, store.Sums{
			Rows: func() *bun.SelectQuery { return d.rows(who, rows) }, Alias: d.Alias, Columns: sumsOf[Row](ctx, d), Largest: d.sum(d.Largest),
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
func (d Dashboards) join(who models.Principal, by []store.Grouping, query models.DashboardQuery) []store.Grouping {
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
	return append(by, store.Grouping{Name: string(query.By), Key: d.key(who, query.By), Top: top})
}

// key is what rows are grouped by; its zero value for what is none.
func (d Dashboards) key(who models.Principal, by models.DashboardGrouping) schema.QueryWithArgs {
	switch by {
	case models.ByMonth:
		return d.column(d.Month)
	case models.ByMode:
		return d.column("mode")
	case models.ByServiceType:
		return d.column("service_type")
	case models.ByCustomer:
		return d.column("customer_id")
	case models.ByReseller:
		return d.column(d.Partner)
	case models.ByAccountManager:
		expression, args := ManagerOf(who, d.Alias+".customer_id")
		return bun.SafeQuery(expression, args...)
	}
	return schema.QueryWithArgs{}
}

func (d Dashboards) column(name string) schema.QueryWithArgs {
	return bun.SafeQuery("?.?", bun.Ident(d.Alias), bun.Ident(name))
}

func (d Dashboards) sum(name string) schema.QueryWithArgs {
	return bun.SafeQuery("SUM(?)", d.column(name))
}

// sumsOf are the sums that are shown of rows.
func sumsOf[Row any](ctx context.Context, d Dashboards) []store.SumColumn {
	shown, narrowed := store.ShownColumns[Row](ctx)
	columns := make([]store.SumColumn, 0, len(d.Columns))
	for _, column := range d.Columns {
		if narrowed && !slices.Contains(shown, column.Name) {
			continue
		}
		sum := d.column(column.Plus[0])
		for _, plus := range column.Plus[1:] {
			sum = bun.SafeQuery("? + ?", sum, d.column(plus))
		}
		if column.Less != "" {
			sum = bun.SafeQuery("? - ?", sum, d.column(column.Less))
		}
		columns = append(columns, store.SumOf(column.Name, sum))
	}
	return columns
}

func (d Dashboards) rows(who models.Principal, asked read) *bun.SelectQuery {
	month := d.column(d.Month)
	q := d.Rows().Where("? >= ?", month, asked.from).Where("? <= ?", month, asked.until)
	if asked.partner != "" {
		q = d.OfPartner(q, asked.partner)
	}
	if asked.manager != "" {
		manager, args := ManagerOf(who, d.Alias+".customer_id")
		q = q.Where(manager+" = ?", append(args, asked.manager)...)
	}
	return q
}
