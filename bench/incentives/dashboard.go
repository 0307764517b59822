package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/bench/internal/load"
	"github.com/partnergraph/partnergraph/bench/internal/process"
	"github.com/partnergraph/partnergraph/bench/queries"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// year gives the partners the eleven months before what they have in this one, in the tables that dashboards read, and returns how many monthly
// sums there are then.
func (m *month) year(ctx context.Context) (int64, error) {
	var statements []models.IncentiveStatement
	if err := m.DB.NewSelect().Model(&statements).Scan(ctx); err != nil {
		return 0, err
	}
	var before []models.IncentiveStatement
	present := models.BillingCycleAt(m.now)
	period := func(ago int) models.BillingCycle { return models.BillingCycleAt(present.Begins().AddDate(0, -ago, 0)) }
	for ago := 1; ago <= 11; ago++ {
		for _, s := range statements {
			s.ID, s.Period, s.Status = m.IDs(models.PrefixIncentiveStatement), period(ago), models.StatementDone
			before = append(before, s)
		}
	}
	if err := insert(ctx, m.DB, before); err != nil {
		return 0, err
	}
	fresh := "'bmo_' || replace(CAST(gen_random_uuid() AS text), '-', '')" // no dashboard reads it
	if m.DB.Engine() == store.SQLite {
		fresh = "'bmo_' || lower(hex(randomblob(16)))"
	}
	for ago := range 12 {
		if ago > 0 {
			_, err := m.DB.NewRaw(`INSERT INTO performance_months (partner_id, period, customer_id, reseller_id, mode, service_type, currency, lines, amount_minor, counted_minor)
				SELECT partner_id, ?, customer_id, reseller_id, mode, service_type, currency, lines, amount_minor, counted_minor
				FROM performance_months WHERE period = ?`, period(ago), present).Exec(ctx)
			if err != nil {
				return 0, err
			}
		}
		_, err := m.DB.NewRaw(`INSERT INTO bill_months (id, customer_id, partner_id, mode, cycle, service_type, currency, lines, discount_minor, payable_minor, cash_minor, credit_minor,
				coupon_minor, debt_minor, debt_paid_minor)
			SELECT ?, customer_id, partner_id, mode, ?, service_type, currency, lines, 0, amount_minor, amount_minor, 0, 0, 0, 0 FROM performance_months WHERE period = ?`,
			bun.Safe(fresh), period(ago), present).Exec(ctx)
		if err != nil {
			return 0, err
		}
	}
	if err := m.totals(ctx); err != nil {
		return 0, err
	}
	if _, err := m.DB.ExecContext(ctx, "ANALYZE"); err != nil {
		return 0, err
	}
	return m.DB.NewSelect().Model((*models.PerformanceMonth)(nil)).Count(ctx)
}

// totals adds the sums of the months before up, in as many parts as customers make of them.
func (m *month) totals(ctx context.Context) error {
	for _, table := range []string{"bill_totals", "performance_totals"} {
		if _, err := m.DB.NewDelete().Table(table).Where("1 = 1").Exec(ctx); err != nil {
			return err
		}
	}
	for part := range models.PartsOfTotals {
		var customers []models.ID
		for _, c := range m.customers {
			if models.PartOf(c) == int64(part) {
				customers = append(customers, c)
			}
		}
		for _, text := range []string{
			`INSERT INTO bill_totals SELECT partner_id, cycle, mode, service_type, currency, ?0, SUM(lines), SUM(discount_minor), SUM(payable_minor), SUM(cash_minor),
				SUM(credit_minor), SUM(coupon_minor), SUM(debt_minor), SUM(debt_paid_minor) FROM bill_months WHERE customer_id IN (?1) GROUP BY 1, 2, 3, 4, 5`,
			`INSERT INTO performance_totals SELECT partner_id, period, reseller_id, mode, service_type, currency, ?0, SUM(lines), SUM(amount_minor), SUM(counted_minor)
				FROM performance_months WHERE customer_id IN (?1) GROUP BY 1, 2, 3, 4, 5, 6`,
		} {
			if _, err := m.DB.NewRaw(text, part, bun.List(customers)).Exec(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// asked is how fast dashboards were answered, and the processor time of one: the program's, and PostgreSQL's, which is zero for SQLite.
type asked struct {
	load.Figures
	program, database time.Duration
}

// dashboards lets clients ask for a partner's dashboard through the API. postgres is the server's process, 0 = none.
func (m *month) dashboards(ctx context.Context, o options, url, dir, program string, postgres int) (figures asked, err error) {
	keys := make([]models.APIKey, o.clients)
	secrets := make([]string, o.clients)
	for i := range keys {
		secrets[i] = fmt.Sprintf("pgk_bench%038d", i)
		hash := sha256.Sum256([]byte(secrets[i]))
		keys[i] = models.APIKey{
			ID: m.IDs(models.PrefixAPIKey), Name: "bench", Kind: models.PartnerKey, PartnerID: m.partners[i%len(m.partners)], Hash: hash[:], Prefix: secrets[i][:10],
			Scopes: models.DefaultPermissions(models.PartnerKey, models.SolutionProvider), CreatedAt: time.Now().UTC(),
		}
	}
	if err := insert(ctx, m.DB, keys); err != nil {
		return figures, err
	}
	profiles, err := process.FreeAddress(ctx)
	if err != nil {
		return figures, err
	}
	seal := make([]byte, 32)
	if _, err := rand.Read(seal); err != nil {
		return figures, err
	}
	address, err := process.FreeAddress(ctx)
	if err != nil {
		return figures, err
	}
	ours, err := process.Start(ctx, filepath.Join(dir, "partnergraph.log"), "http://"+address+"/readyz", program, "serve", "--listen", address,
		"--public-url", "https://bench.example.com", "--database-url", url, "--seal-keys", "k1:"+base64.StdEncoding.EncodeToString(seal),
		"--max-conns", strconv.Itoa(8), "--rate-limit", "10000000", "--pprof-listen", profiles)
	if err != nil {
		return figures, err
	}
	defer ours.Stop()
	present := models.BillingCycleAt(m.now)
	first := models.BillingCycleAt(present.Begins().AddDate(0, -11, 0))
	body, err := json.Marshal(map[string]any{"query": queries.Q5, "variables": map[string]any{"from": first, "until": present}})
	if err != nil {
		return figures, err
	}
	profiled := make(chan error, 1)
	begin := func() {
		figures.program, figures.database = -process.CPU(ours.PID()), -process.CPU(postgres)
		go func() {
			if o.profile == "" {
				profiled <- nil
				return
			}
			profiled <- process.Profile(ctx, profiles, max(1, int(o.duration.Seconds())-1), o.profile)
		}()
	}
	end := func() {
		figures.program, figures.database = figures.program+process.CPU(ours.PID()), figures.database+process.CPU(postgres)
	}
	figures.Figures, err = load.Run(load.Plan{Clients: o.clients, Warm: time.Second, Duration: o.duration}, begin, end, func(client int) (load.Call, error) {
		conn, err := load.Dial(address)
		if err != nil {
			return nil, err
		}
		request := fmt.Appendf(nil, "POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
			address, secrets[client], len(body), body)
		return func() string { return refusal(conn.Do(request)) }, nil
	})
	if err == nil && (figures.Accepted == 0 || len(figures.Refused) > 0) {
		err = fmt.Errorf("%d dashboards, and refused were %v", figures.Accepted, figures.Refused)
	}
	if err != nil {
		return figures, err
	}
	figures.program /= time.Duration(figures.Accepted)
	figures.database /= time.Duration(figures.Accepted)
	return figures, <-profiled
}

// refusal returns "" for a dashboard with a year of months and ten customers.
func refusal(status int, body []byte, err error) string {
	if err != nil {
		return "CONNECTION: " + err.Error()
	}
	var answer struct {
		Data   struct{ Consumption, Customers, Performance, Incentives []any }
		Errors any
	}
	if err := json.Unmarshal(body, &answer); err != nil || status != 200 || answer.Errors != nil {
		return fmt.Sprintf("status %d: %s", status, body)
	}
	if d := answer.Data; len(d.Consumption) != 12 || len(d.Performance) != 12 || len(d.Incentives) != 12 || len(d.Customers) == 0 {
		return fmt.Sprintf("NOT A YEAR: %s", body)
	}
	return ""
}
