package store

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"strings"
	"sync"

	"github.com/uptrace/bun"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Statement is one statement as counted: what it does and to which table, never its values.
type Statement struct {
	Operation string // SELECT, INSERT, UPDATE, DELETE, ...
	Table     string // the first table named; empty when unknown
}

// String is "SELECT orders".
func (s Statement) String() string { return strings.TrimSpace(s.Operation + " " + s.Table) }

// Counter collects the statements that ran under one context. It is safe for concurrent use.
type Counter struct {
	mu         sync.Mutex
	statements []Statement
}

// Count returns the number of statements so far; BEGIN, COMMIT, ROLLBACK and savepoints are not counted.
func (c *Counter) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.statements)
}

// Statements returns what ran so far, in order.
func (c *Counter) Statements() []Statement {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Statement(nil), c.statements...)
}

func (c *Counter) add(s Statement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statements = append(c.statements, s)
}

type counterKey struct{}

// CountStatements returns a context under which every statement is counted. A counter under another counter counts alone.
func CountStatements(ctx context.Context) (context.Context, *Counter) {
	counter := new(Counter)
	return context.WithValue(ctx, counterKey{}, counter), counter
}

// hook counts statements and opens a span around each.
type hook struct {
	tracer trace.Tracer
	engine Engine
}

var _ bun.QueryHook = (*hook)(nil)

func newHook(provider trace.TracerProvider, engine Engine) *hook {
	return &hook{tracer: provider.Tracer("github.com/partnergraph/partnergraph/store"), engine: engine}
}

// BeforeQuery opens the span.
func (h *hook) BeforeQuery(ctx context.Context, event *bun.QueryEvent) context.Context {
	counter, _ := ctx.Value(counterKey{}).(*Counter)
	// Outside a trace and a test there is nobody to tell, so naming the statement would be wasted.
	if counter == nil && !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	statement := describe(event)
	if counter != nil && !transactional(statement.Operation) {
		counter.add(statement)
	}
	ctx, span := h.start(ctx, statement)
	event.Stash = map[any]any{counterKey{}: span}
	return ctx
}

// begin counts a statement and opens a span for one that does not go through bun; done ends it. name is asked only when somebody
// listens.
func (h *hook) begin(ctx context.Context, name func() Statement) (_ context.Context, done func(error)) {
	counter, _ := ctx.Value(counterKey{}).(*Counter)
	if counter == nil && !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, func(error) {}
	}
	statement := name()
	if counter != nil {
		counter.add(statement)
	}
	ctx, span := h.start(ctx, statement)
	return ctx, func(err error) { finish(span, err) }
}

func (h *hook) start(ctx context.Context, statement Statement) (context.Context, trace.Span) {
	return h.tracer.Start(ctx, statement.String(), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes( //nolint:spancheck // the caller ends it
		attribute.String("db.system.name", h.system()),
		attribute.String("db.operation.name", statement.Operation),
		attribute.String("db.collection.name", statement.Table),
	))
}

// AfterQuery ends the span. The error's text is left out: drivers quote values in it.
func (h *hook) AfterQuery(_ context.Context, event *bun.QueryEvent) {
	span, ok := event.Stash[counterKey{}].(trace.Span)
	if !ok {
		return
	}
	finish(span, event.Err)
}

func finish(span trace.Span, err error) {
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

func (h *hook) system() string {
	if h.engine == Postgres {
		return "postgresql"
	}
	return "sqlite"
}

// tableName finds the table of a statement written by hand.
var tableName = regexp.MustCompile(`(?i)\b(?:FROM|INTO|UPDATE|JOIN|TABLE)\s+(?:ONLY\s+)?"?([a-z_][a-z0-9_.]*)"?`)

func describe(event *bun.QueryEvent) Statement {
	text := event.Query
	if len(text) > 4096 { // a long statement names its table early, or is a list of rows
		text = text[:4096]
	}
	operation := strings.ToUpper(event.Operation())
	if _, raw := event.IQuery.(*bun.RawQuery); raw || event.IQuery == nil {
		word := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == '(' || r == ';' })
		if len(word) > 0 {
			operation = strings.ToUpper(word[0])
		}
	}
	statement := Statement{Operation: operation}
	if found := tableName.FindStringSubmatch(text); found != nil {
		statement.Table = found[1]
	}
	return statement
}

func transactional(operation string) bool {
	switch operation {
	case "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE":
		return true
	}
	return false
}
