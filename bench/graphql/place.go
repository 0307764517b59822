package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/partnergraph/partnergraph/bench/internal/process"
	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// place is where the contestants run.
type place struct {
	opts     options
	log      *slog.Logger
	dir      string
	servers  servers.Servers
	postgres *servers.Postgres
	db       *store.DB
	ready    float64 // milliseconds from the start of ours to its being ready, the median of three

	program, seal              string
	ours, floor                *process.Process
	oursAt, floorAt, profileAt string

	partner   models.ID
	secret    string      // of the partner's key
	customers []models.ID // resale customers of the partner, those with the most orders first
	after     []models.ID // orders where Q4 begins
}

func newPlace(ctx context.Context, log *slog.Logger, opts options) (_ *place, err error) {
	at := &place{opts: opts, log: log, servers: servers.Servers{Logger: log}, secret: "pgk_bench" + fmt.Sprintf("%038d", 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, at.close())
		}
	}()
	if at.dir, err = os.MkdirTemp("", "bench-graphql-"); err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	at.seal = "k1:" + base64.StdEncoding.EncodeToString(key)
	if at.program = opts.ours; at.program == "" {
		if at.program, err = process.Build(ctx, at.dir, "github.com/partnergraph/partnergraph/cmd/partnergraph"); err != nil {
			return nil, err
		}
	}
	if at.postgres, err = at.servers.Postgres(ctx, servers.PostgresOptions{Settings: []string{"shared_buffers=1GB", "autovacuum=off"}}); err != nil {
		return nil, err
	}
	if err := at.fill(ctx); err != nil {
		return nil, err
	}
	if err := at.startFloor(ctx); err != nil {
		return nil, err
	}
	err = at.startOurs(ctx)
	return at, err
}

// fill makes the data set, gives the largest partner a key, and picks what is asked for.
func (at *place) fill(ctx context.Context) (err error) {
	at.log.Info("filling the database", "orders", at.opts.orders)
	// Customers have ten orders each on average.
	seed := exec.CommandContext(ctx, at.program, "seed", "--database-url", at.postgres.URL(), "--orders", strconv.Itoa(at.opts.orders),
		"--customers", strconv.Itoa(max(at.opts.orders/10, 1000)), "--seal-keys", at.seal, "--quiet")
	if out, err := seed.CombinedOutput(); err != nil {
		return fmt.Errorf("seed: %w: %s", err, out)
	}
	if at.db, err = store.Open(ctx, at.postgres.URL(), store.WithMaxOpen(2)); err != nil {
		return err
	}
	if _, err := at.db.ExecContext(ctx, "VACUUM (ANALYZE)"); err != nil {
		return err
	}
	var partner models.Partner
	err = at.db.NewSelect().Model(&partner).Where("p.id = (SELECT partner_id FROM orders WHERE partner_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)").Scan(ctx)
	if err != nil {
		return err
	}
	at.partner = partner.ID
	hash := sha256.Sum256([]byte(at.secret))
	secret := models.APIKey{
		ID: models.RandomIDs()(models.PrefixAPIKey), Name: "bench", Kind: models.PartnerKey, PartnerID: partner.ID, Hash: hash[:], Prefix: at.secret[:10],
		Scopes: models.DefaultPermissions(models.PartnerKey, partner.Kind), CreatedAt: time.Now().UTC(),
	}
	if _, err := at.db.NewInsert().Model(&secret).Exec(ctx); err != nil {
		return err
	}
	err = at.db.NewRaw(`SELECT c.id FROM customers AS c JOIN orders AS o ON o.customer_id = c.id
		WHERE c.partner_id = ? AND c.mode = 'RESALE' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 500`, partner.ID).Scan(ctx, &at.customers)
	if err != nil {
		return err
	}
	var orders int
	if err := at.db.NewRaw("SELECT count(*) FROM orders WHERE partner_id = ?", partner.ID).Scan(ctx, &orders); err != nil {
		return err
	}
	first := max(min((at.opts.page-1)*20, orders-150), 1)
	err = at.db.NewRaw("SELECT id FROM orders WHERE partner_id = ? ORDER BY id DESC OFFSET ? LIMIT 64", partner.ID, first-1).Scan(ctx, &at.after)
	at.log.Info("asking as the largest partner", "orders", orders, "q4_after", first)
	return err
}

func (at *place) startFloor(ctx context.Context) (err error) {
	program, err := process.Build(ctx, at.dir, "github.com/partnergraph/partnergraph/bench/floor")
	if err != nil {
		return err
	}
	if at.floorAt, err = process.FreeAddress(ctx); err != nil {
		return err
	}
	at.floor, err = process.Start(ctx, at.logFile("floor"), "http://"+at.floorAt+"/readyz", program,
		"-database-url", at.postgres.URL(), "-listen", at.floorAt, "-conns", strconv.Itoa(at.opts.conns))
	return err
}

// startOurs starts the product three times as an operator would, and keeps the last one. The rate limit counts, but lets a
// benchmark through.
func (at *place) startOurs(ctx context.Context) (err error) {
	var took []float64
	for range 3 {
		if at.ours != nil {
			at.ours.Stop()
		}
		if at.oursAt, err = process.FreeAddress(ctx); err != nil {
			return err
		}
		if at.profileAt, err = process.FreeAddress(ctx); err != nil {
			return err
		}
		started := time.Now()
		at.ours, err = process.Start(ctx, at.logFile("partnergraph"), "http://"+at.oursAt+"/readyz", at.program, "serve",
			"--listen", at.oursAt, "--public-url", "https://bench.example.com", "--database-url", at.postgres.URL(),
			"--seal-keys", at.seal, "--max-conns", strconv.Itoa(at.opts.conns), "--rate-limit", "10000000", "--pprof-listen", at.profileAt)
		if err != nil {
			return err
		}
		took = append(took, float64(time.Since(started))/float64(time.Millisecond))
	}
	slices.Sort(took)
	at.ready = took[1]
	return nil
}

// logFile is where a program's output goes.
func (at *place) logFile(name string) string {
	return process.LogFile(at.opts.out, at.dir, "graphql-"+name)
}

// close stops everything.
func (at *place) close() error { return process.Clear(at.dir, at.db, &at.servers, at.ours, at.floor) }
