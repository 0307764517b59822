package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
	"modernc.org/sqlite"
)

// Engine tells the two databases apart. Only this package and migrations should need it.
type Engine string

// The engines.
const (
	Postgres Engine = "postgres"
	SQLite   Engine = "sqlite"
)

// DB is an open database. It is a bun.IDB, so whatever takes one outside a transaction takes a *DB. It is safe for
// concurrent use.
type DB struct {
	*bun.DB
	engine Engine
	// writer serialises transactions on SQLite, which has one writer anyway: waiting here is fair and ends with the
	// context, waiting inside SQLite is polling that ends with SQLITE_BUSY. It is nil on PostgreSQL.
	writer chan struct{}
	logger *slog.Logger
	// prepares says that Read may leave prepared statements behind, which not every connection pooler bears.
	prepares bool
	hook     *hook
	// jitter returns a factor in [0,1) that spreads the retries of callers that collided.
	jitter func() float64
}

// Options are the settings of a pool. The zero value of each field means the default named with it.
type Options struct {
	MaxOpen     int                  // connections at most; default 20 on PostgreSQL, 8 on SQLite
	MaxIdle     int                  // connections kept; default MaxOpen
	MaxLifetime time.Duration        // age at which a connection is replaced; default 30 minutes, never on SQLite
	MaxIdleTime time.Duration        // idle time after which a connection is closed; default 5 minutes, never on SQLite
	BusyTimeout time.Duration        // how long SQLite waits for another process's write; default 10 seconds
	Logger      *slog.Logger         // default slog.Default()
	Tracer      trace.TracerProvider // default otel.GetTracerProvider()
}

// Option changes one of the Options.
type Option func(*Options)

// WithMaxOpen sets the size of the pool.
func WithMaxOpen(n int) Option { return func(o *Options) { o.MaxOpen = n } }

// WithOptions replaces all settings at once, as program configuration does.
func WithOptions(options Options) Option { return func(o *Options) { *o = options } }

// WithLogger sets where retries and slow starts are reported.
func WithLogger(logger *slog.Logger) Option { return func(o *Options) { o.Logger = logger } }

// WithTracerProvider sets where the span of each statement goes.
func WithTracerProvider(provider trace.TracerProvider) Option {
	return func(o *Options) { o.Tracer = provider }
}

// Open opens the database at url and pings it. The url is one of
//
//	postgres://user:password@host:port/name?sslmode=require   with &default_query_exec_mode=simple_protocol nothing is prepared
//	sqlite:///var/lib/partnergraph.db   an absolute path; sqlite://relative.db is relative
//	sqlite::memory:                     gone when closed
//
// An unknown scheme is a plain error, a database that does not answer is ErrUnavailable. Errors never contain the url,
// which may carry a password.
func Open(ctx context.Context, url string, opts ...Option) (*DB, error) {
	var options Options
	for _, opt := range opts {
		opt(&options)
	}
	options = options.withDefaults()
	db, err := open(url, options)
	if err != nil {
		return nil, err
	}
	db.hook = newHook(options.Tracer, db.engine)
	db.DB = db.WithQueryHook(db.hook)
	if err := db.Ping(ctx); err != nil {
		return nil, fmt.Errorf("store: open %s: %w", db.engine, joinClose(err, db))
	}
	return db, nil
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Tracer == nil {
		o.Tracer = otel.GetTracerProvider()
	}
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 10 * time.Second
	}
	return o
}

func open(url string, options Options) (*DB, error) {
	switch {
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		return openPostgres(url, options)
	case url == "sqlite::memory:":
		// The memdb VFS is one database for all connections that know its name, with the ordinary locks; a shared cache
		// would answer readers with SQLITE_LOCKED, and each connection's own memory would be a database of its own.
		return openSQLite("file:/"+rand.Text()+"?vfs=memdb", options), nil
	case strings.HasPrefix(url, "sqlite://"):
		return openSQLite(sqliteFile(strings.TrimPrefix(url, "sqlite://")), options), nil
	default:
		return nil, errors.New("store: the database url is none of postgres://... and sqlite:...; see Open")
	}
}

func openPostgres(url string, options Options) (*DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("store: the url of postgres is malformed")
	}
	// Behind a pooler that hands connections on between statements, a url says default_query_exec_mode=simple_protocol.
	prepares := config.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement
	// bun writes arguments into the statement itself, so preparing each text on the server would only fill its memory.
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	setDefault(config.RuntimeParams, "application_name", "partnergraph")
	setDefault(config.RuntimeParams, "timezone", "UTC")
	setDefault(config.RuntimeParams, "idle_in_transaction_session_timeout", "60000")

	pool := sql.OpenDB(stdlib.GetConnector(*config, stdlib.OptionAfterConnect(utc)))
	pool.SetMaxOpenConns(or(options.MaxOpen, 20))
	pool.SetMaxIdleConns(or(options.MaxIdle, or(options.MaxOpen, 20)))
	pool.SetConnMaxLifetime(or(options.MaxLifetime, 30*time.Minute))
	pool.SetConnMaxIdleTime(or(options.MaxIdleTime, 5*time.Minute))
	return &DB{DB: bun.NewDB(pool, pgdialect.New()), engine: Postgres, prepares: prepares, logger: options.Logger, jitter: jitter}, nil
}

// utc has instants read in UTC in the binary format too, which carries no zone.
func utc(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
	return nil
}

func openSQLite(name string, options Options) *DB {
	query := url.Values{}
	query.Set("_txlock", "immediate") // a transaction that upgrades from reading to writing can deadlock; one that starts as a writer cannot
	query.Set("_busy_timeout", fmt.Sprint(options.BusyTimeout.Milliseconds()))
	query.Set("_foreign_keys", "on")
	query.Set("_synchronous", "FULL") // acknowledged means durable
	// Statements of many rows keep what they may have to undo in memory instead of in a file of their own, pages stay where they
	// are found again, and the log is written back less often.
	query["_pragma"] = []string{"temp_store(MEMORY)", "cache_size(-16000)", "wal_autocheckpoint(4000)"}
	inMemory := strings.Contains(name, "vfs=memdb")
	separator := "&"
	if !inMemory {
		query.Set("_journal_mode", "WAL") // readers and the writer do not wait for each other
		separator = "?"
	}

	pool := sql.OpenDB(connector{dsn: name + separator + query.Encode(), driver: &sqlite.Driver{}})
	pool.SetMaxOpenConns(or(options.MaxOpen, 8))
	pool.SetMaxIdleConns(or(options.MaxOpen, 8)) // a memory database lives as long as its last connection
	return &DB{
		DB: bun.NewDB(pool, sqlitedialect.New()), engine: SQLite, logger: options.Logger, jitter: jitter,
		writer: make(chan struct{}, 1),
	}
}

// sqliteFile makes the URI that SQLite understands of a path that may contain any character.
func sqliteFile(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath()
}

func setDefault(params map[string]string, key, value string) {
	if _, given := params[key]; !given {
		params[key] = value
	}
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// Engine says which database this is.
func (db *DB) Engine() Engine { return db.engine }

// AheadLanes returns in how many lanes groups may go ahead of each other (see Turn): as many as leave connections over when a group of each waits with
// one and another needs one. None where statements cannot be prepared.
func (db *DB) AheadLanes() int {
	if !db.prepares {
		return 0
	}
	return max(0, (db.Stats().MaxOpenConnections-aheadSpare)/mostUnderWay)
}

// aheadSpare are the connections that are left to everybody else.
const aheadSpare = 2

// Ping asks the database for an answer; ErrUnavailable when there is none.
func (db *DB) Ping(ctx context.Context) error { return Translate(db.DB.PingContext(ctx)) }

// EngineOf says which database db belongs to, for SQL that has only a transaction at hand.
func EngineOf(db bun.IDB) Engine {
	if db.Dialect().Name().String() == "pg" {
		return Postgres
	}
	return SQLite
}

// ForUpdate locks the selected rows until the transaction ends. SQLite has no row locks and needs none: its transactions
// start as the only writer.
func ForUpdate(q *bun.SelectQuery) *bun.SelectQuery {
	if q.DB().Dialect().Name().String() == "pg" {
		return q.For("UPDATE")
	}
	return q
}

// ForShare keeps the selected rows from changing until the transaction ends, and lets others share them. On SQLite it is,
// as ForUpdate, not needed.
func ForShare(q *bun.SelectQuery) *bun.SelectQuery {
	if q.DB().Dialect().Name().String() == "pg" {
		return q.For("SHARE")
	}
	return q
}
