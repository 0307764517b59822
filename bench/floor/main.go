package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/partnergraph/partnergraph/models"
)

func main() {
	database := flag.String("database-url", "", "postgres://..., migrated")
	listen := flag.String("listen", "127.0.0.1:0", "address to serve on")
	conns := flag.Int("conns", 32, "database connections")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *database, *listen, *conns); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func serve(ctx context.Context, database, listen string, conns int) error {
	config, err := pgxpool.ParseConfig(database)
	if err != nil {
		return errors.New("the database url is malformed")
	}
	config.MaxConns = int32(conns)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	mux := http.NewServeMux()
	(&reader{pool}).register(mux)
	mux.Handle("POST /fund", &handler{pool: pool, ids: models.RandomIDs()})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := pool.Ping(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type handler struct {
	pool *pgxpool.Pool
	ids  models.IDSource
}

type request struct {
	PartnerID      string `json:"partnerId"`
	CustomerID     string `json:"customerId"`
	AmountMinor    int64  `json:"amountMinor"`
	IdempotencyKey string `json:"idempotencyKey"`
}

// ServeHTTP funds the customer. 409 says that nothing moved.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked request
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.AmountMinor <= 0 || asked.IdempotencyKey == "" {
		http.Error(w, "INVALID", http.StatusBadRequest)
		return
	}
	answer, err := h.fund(r.Context(), asked)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		http.Error(w, "INSUFFICIENT_BALANCE", http.StatusConflict)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer)
}

func (h *handler) fund(ctx context.Context, asked request) ([]byte, error) {
	hash := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", asked.PartnerID, asked.CustomerID, asked.AmountMinor))
	var answer []byte
	err := h.pool.QueryRow(ctx, fund, asked.PartnerID, asked.CustomerID, asked.AmountMinor, h.ids(models.PrefixTransfer), asked.IdempotencyKey,
		h.ids(models.PrefixEntry), h.ids(models.PrefixEntry), hash[:], time.Now().UTC()).Scan(&answer)
	var taken *pgconn.PgError
	if !errors.As(err, &taken) || taken.Code != "23505" {
		return answer, err
	}
	var known []byte
	if err := h.pool.QueryRow(ctx, replay, asked.PartnerID, asked.IdempotencyKey).Scan(&known, &answer); err != nil {
		return nil, err
	}
	if !bytes.Equal(known, hash[:]) {
		return nil, errors.New("CONFLICT")
	}
	return answer, nil
}
