package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/partnergraph/partnergraph/models"
)

// reader answers the queries of bench/queries with structs and statements written for just them, as the partner that owns
// what is asked for: statements of one answer that do not wait for each other travel together.
type reader struct{ pool *pgxpool.Pool }

type (
	money struct {
		Amount   string `json:"amount"`
		Currency string `json:"currency,omitempty"`
	}
	pageInfo struct {
		HasNextPage bool    `json:"hasNextPage"`
		EndCursor   *string `json:"endCursor"`
	}
	page[T any] struct {
		Nodes    []T       `json:"nodes"`
		PageInfo *pageInfo `json:"pageInfo,omitempty"`
	}
	named struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
)

func (r *reader) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /q1", answered(r.q1))
	mux.HandleFunc("GET /q2", answered(r.q2))
	mux.HandleFunc("GET /q3", answered(r.q3))
	mux.HandleFunc("GET /q4", answered(r.q4))
}

func answered(query func(ctx context.Context, r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := query(r.Context(), r)
		if errors.Is(err, pgx.ErrNoRows) {
			http.Error(w, "NOT_FOUND", http.StatusNotFound)
			return
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		text, err := json.Marshal(map[string]any{"data": answer})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	}
}

// decimal writes minor units with two digits after the point.
func decimal(minor int64) string {
	if minor < 0 {
		return "-" + decimal(-minor)
	}
	text := strconv.FormatInt(minor, 10)
	for len(text) < 3 {
		text = "0" + text
	}
	return text[:len(text)-2] + "." + text[len(text)-2:]
}

// info says whether there is more than size rows, and returns how many of them to show.
func info(rows, size int, list string, last func(i int) string) (int, *pageInfo) {
	found := &pageInfo{HasNextPage: rows > size}
	rows = min(rows, size)
	if rows > 0 {
		cursor := models.Cursor(list, models.ID(last(rows-1)))
		found.EndCursor = &cursor
	}
	return rows, found
}

const customerBalance = `SELECT c.id, c.name, c.mode = 'RESALE', a.balance_minor - a.held_minor - a.earmarked_minor, a.asset, a.revision
	FROM customers c LEFT JOIN accounts a ON a.owner_id = c.id AND a.owner_kind = 'CUSTOMER' AND a.kind = 'BALANCE' AND a.asset = c.currency
	WHERE c.id = $1 AND c.partner_id = $2`

func (r *reader) q1(ctx context.Context, ask *http.Request) (any, error) {
	type balance struct {
		Available money `json:"available"`
		Version   int64 `json:"version"`
	}
	var customer struct {
		named
		Balance *balance `json:"balance"`
	}
	var resale bool
	var available, version *int64
	var currency *string
	err := r.pool.QueryRow(ctx, customerBalance, ask.FormValue("id"), ask.FormValue("partner")).
		Scan(&customer.ID, &customer.Name, &resale, &available, &currency, &version)
	if resale && available != nil {
		customer.Balance = &balance{money{decimal(*available), *currency}, *version}
	}
	return map[string]any{"customer": customer}, err
}

type (
	item struct {
		ID       string `json:"id"`
		SpecCode string `json:"specCode"`
		Quantity int    `json:"quantity"`
		Amount   money  `json:"amount"`
	}
	sub struct {
		named
		Status string `json:"status"`
	}
	resource struct {
		sub
		CreatedAt    time.Time `json:"createdAt"`
		SubResources []sub     `json:"subResources"`
	}
	order struct {
		ID        string    `json:"id"`
		Number    string    `json:"number"`
		Status    string    `json:"status"`
		Total     money     `json:"total"`
		CreatedAt time.Time `json:"createdAt"`
	}
	wholeOrder struct {
		order
		Items     []item     `json:"items"`
		Resources []resource `json:"resources"`
	}
)

const (
	customersOrders = `SELECT id, number, status, total_minor, currency, created_at FROM orders
		WHERE customer_id = $1 AND partner_id = $2 ORDER BY id DESC LIMIT 21`
	ordersItems     = `SELECT order_id, id, spec_code, quantity, amount_minor FROM order_items WHERE order_id = ANY($1) ORDER BY order_id, position`
	ordersResources = `SELECT order_id, id, name, status, created_at FROM resources WHERE order_id = ANY($1) AND partner_id = $2 ORDER BY id`
	ordersSubs      = `SELECT s.parent_id, s.id, s.name, s.status FROM resources r JOIN resources s ON s.parent_id = r.id
		WHERE r.order_id = ANY($1) AND s.partner_id = $2 ORDER BY s.id`
)

func (r *reader) q2(ctx context.Context, ask *http.Request) (any, error) {
	partner := ask.FormValue("partner")
	rows, err := r.pool.Query(ctx, customersOrders, ask.FormValue("id"), partner)
	if err != nil {
		return nil, err
	}
	orders, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o wholeOrder, err error) {
		var total int64
		err = row.Scan(&o.ID, &o.Number, &o.Status, &total, &o.Total.Currency, &o.CreatedAt)
		o.Total.Amount, o.CreatedAt, o.Items, o.Resources = decimal(total), o.CreatedAt.UTC(), []item{}, []resource{}
		return o, err
	})
	if err != nil {
		return nil, err
	}
	n, at := info(len(orders), 20, "customer.orders", func(i int) string { return orders[i].ID })
	orders = orders[:n]
	ids, byID := make([]string, n), make(map[string]*wholeOrder, n)
	for i := range orders {
		ids[i], byID[orders[i].ID] = orders[i].ID, &orders[i]
	}
	if err := r.below(ctx, ids, partner, byID); err != nil {
		return nil, err
	}
	return map[string]any{"customer": map[string]any{"orders": page[wholeOrder]{orders, at}}}, nil
}

// below reads what hangs below the orders in one round trip.
func (r *reader) below(ctx context.Context, ids []string, partner string, orders map[string]*wholeOrder) error {
	batch := &pgx.Batch{}
	batch.Queue(ordersItems, ids).Query(func(rows pgx.Rows) error {
		var of string
		var one item
		var amount int64
		_, err := pgx.ForEachRow(rows, []any{&of, &one.ID, &one.SpecCode, &one.Quantity, &amount}, func() error {
			one.Amount.Amount = decimal(amount)
			orders[of].Items = append(orders[of].Items, one)
			return nil
		})
		return err
	})
	type place struct {
		of string
		i  int
	}
	places := map[string]place{}
	batch.Queue(ordersResources, ids, partner).Query(func(rows pgx.Rows) error {
		var of string
		var one resource
		_, err := pgx.ForEachRow(rows, []any{&of, &one.ID, &one.Name, &one.Status, &one.CreatedAt}, func() error {
			one.CreatedAt, one.SubResources = one.CreatedAt.UTC(), []sub{}
			places[one.ID] = place{of, len(orders[of].Resources)}
			orders[of].Resources = append(orders[of].Resources, one)
			return nil
		})
		return err
	})
	batch.Queue(ordersSubs, ids, partner).Query(func(rows pgx.Rows) error {
		var of string
		var one sub
		_, err := pgx.ForEachRow(rows, []any{&of, &one.ID, &one.Name, &one.Status}, func() error {
			above := &orders[places[of].of].Resources[places[of].i]
			above.SubResources = append(above.SubResources, one)
			return nil
		})
		return err
	})
	return r.pool.SendBatch(ctx, batch).Close()
}

const (
	partnersCustomers = `SELECT c.id, c.name, c.mode = 'RESALE', a.balance_minor - a.held_minor - a.earmarked_minor
		FROM customers c LEFT JOIN accounts a ON a.owner_id = c.id AND a.owner_kind = 'CUSTOMER' AND a.kind = 'BALANCE' AND a.asset = c.currency
		WHERE c.partner_id = $1 ORDER BY c.id LIMIT 51`
	lastOrders = `SELECT o.* FROM unnest($1::text[]) AS c (id) CROSS JOIN LATERAL
		(SELECT customer_id, id, number, status, total_minor, created_at FROM orders WHERE customer_id = c.id AND partner_id = $2 ORDER BY id DESC LIMIT 3) AS o`
)

func (r *reader) q3(ctx context.Context, ask *http.Request) (any, error) {
	type balance struct {
		Available money `json:"available"`
	}
	type customer struct {
		named
		Balance *balance    `json:"balance"`
		Orders  page[order] `json:"orders"`
	}
	partner := ask.FormValue("id")
	rows, err := r.pool.Query(ctx, partnersCustomers, partner)
	if err != nil {
		return nil, err
	}
	customers, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c customer, err error) {
		var resale bool
		var available *int64
		err = row.Scan(&c.ID, &c.Name, &resale, &available)
		c.Orders.Nodes = []order{}
		if resale && available != nil {
			c.Balance = &balance{money{Amount: decimal(*available)}}
		}
		return c, err
	})
	if err != nil {
		return nil, err
	}
	n, at := info(len(customers), 50, "partner.customers", func(i int) string { return customers[i].ID })
	customers = customers[:n]
	ids, byID := make([]string, n), make(map[string]*customer, n)
	for i := range customers {
		ids[i], byID[customers[i].ID] = customers[i].ID, &customers[i]
	}
	if rows, err = r.pool.Query(ctx, lastOrders, ids, partner); err != nil {
		return nil, err
	}
	var of string
	var one order
	var total int64
	_, err = pgx.ForEachRow(rows, []any{&of, &one.ID, &one.Number, &one.Status, &total, &one.CreatedAt}, func() error {
		one.Total.Amount, one.CreatedAt = decimal(total), one.CreatedAt.UTC()
		byID[of].Orders.Nodes = append(byID[of].Orders.Nodes, one)
		return nil
	})
	return map[string]any{"partner": map[string]any{"customers": page[customer]{customers, at}}}, err
}

const somePage = `SELECT o.id, o.number, o.status, o.total_minor, o.created_at, c.id, c.name FROM orders o
	LEFT JOIN customers c ON c.id = o.customer_id AND c.partner_id = $1
	WHERE o.partner_id = $1 AND ($2 = '' OR o.id < $2) ORDER BY o.id DESC LIMIT 51`

func (r *reader) q4(ctx context.Context, ask *http.Request) (any, error) {
	type line struct {
		order
		Customer *named `json:"customer"`
	}
	rows, err := r.pool.Query(ctx, somePage, ask.FormValue("id"), ask.FormValue("after"))
	if err != nil {
		return nil, err
	}
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l line, err error) {
		var total int64
		var id, name *string
		err = row.Scan(&l.ID, &l.Number, &l.Status, &total, &l.CreatedAt, &id, &name)
		l.Total.Amount, l.CreatedAt = decimal(total), l.CreatedAt.UTC()
		if id != nil {
			l.Customer = &named{*id, *name}
		}
		return l, err
	})
	if err != nil {
		return nil, err
	}
	n, at := info(len(lines), 50, "orders", func(i int) string { return lines[i].ID })
	return map[string]any{"orders": page[line]{lines[:n], at}}, nil
}
