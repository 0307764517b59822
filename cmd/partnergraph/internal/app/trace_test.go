package app_test

import (
	"fmt"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
)

// traced serves the demo's world and keeps its spans.
func traced(t *testing.T, change func(*app.Config)) (*server, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	cfg := settings(worldURL(t))
	if change != nil {
		change(&cfg)
	}
	return serve(t, cfg, app.Options{Traces: provider}), spans
}

// find waits for a span of this name: the span of a request ends a moment after its answer.
func find(t *testing.T, spans *tracetest.SpanRecorder, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	var found sdktrace.ReadOnlySpan
	waitFor(t, "a span "+name, func() bool {
		for _, span := range spans.Ended() {
			if span.Name() == name {
				found = span
			}
		}
		return found != nil
	})
	return found
}

// dump is all that the spans tell.
func dump(spans *tracetest.SpanRecorder) string {
	var out strings.Builder
	for _, span := range spans.Ended() {
		fmt.Fprintln(&out, span.Name(), span.Status(), span.Attributes(), span.Events(), span.Links())
	}
	return out.String()
}

func TestOneCallIsOneTrace(t *testing.T) {
	t.Parallel()
	s, spans := traced(t, nil)
	got := s.ask(t, "POST", "/graphql", `{"query":"query Shop($q: String) { customers(query: $q) { nodes { name } } }","variables":{"q":"demo-bakery"}}`,
		append(bearer(demo.FixedKeys().SolutionProvider), "Content-Type", jsonType)...)
	if got.status != 200 || got.code(t) != "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	request := find(t, spans, "POST /graphql")
	operation := find(t, spans, "query Shop")
	statement := find(t, spans, "SELECT customers")
	if operation.Parent().SpanID() != request.SpanContext().SpanID() {
		t.Errorf("the operation is not below the request: %s", dump(spans))
	}
	if statement.Parent().SpanID() != operation.SpanContext().SpanID() {
		t.Errorf("the statement is not below the operation: %s", dump(spans))
	}
	text := dump(spans)
	if !strings.Contains(text, got.header.Get("X-Request-Id")) {
		t.Error("the trace does not name the request")
	}
	for _, secret := range []string{"demo-bakery", demo.FixedKeys().SolutionProvider, "nodes { name }"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the trace: %s", secret, text)
		}
	}
}

func TestFailedOperationCarriesItsCode(t *testing.T) {
	t.Parallel()
	s, spans := traced(t, nil)
	s.query(t, `query Gone { order(id: "ord_01h455vb4pex5vsknk084sn02q") { id } }`)
	if status := find(t, spans, "query Gone").Status(); status.Description != "UNAUTHENTICATED" {
		t.Errorf("%+v", status)
	}
}

func TestSAMLLoginIsInTheTrace(t *testing.T) {
	t.Parallel()
	s, spans := traced(t, nil)
	s.ask(t, "GET", "/saml/login?xAccountType=nobody_here&service=https%3A%2F%2Fsecret.example.com", "")
	span := find(t, spans, "GET /saml/")
	text := fmt.Sprint(span.Attributes())
	if !strings.Contains(text, "UNKNOWN_PLATFORM") || strings.Contains(text, "secret.example.com") {
		t.Errorf("%s", text)
	}
}

func TestWhoseTraceIsContinued(t *testing.T) {
	t.Parallel()
	const parent, id = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "4bf92f3577b34da6a3ce929d0e0e4736"
	alone, spans := traced(t, nil)
	alone.ask(t, "GET", "/sign-in", "", "traceparent", parent)
	if span := find(t, spans, "GET /sign-in"); span.SpanContext().TraceID().String() == id || len(span.Links()) != 1 {
		t.Error("a stranger's trace is continued, or not linked to")
	}
	behind, spans := traced(t, func(c *app.Config) { c.TrustedProxies = []string{"127.0.0.1"} })
	behind.ask(t, "GET", "/sign-in", "", "traceparent", parent)
	if span := find(t, spans, "GET /sign-in"); span.SpanContext().TraceID().String() != id {
		t.Error("the proxy's trace is not continued")
	}
}

func TestRedisIsInTheTrace(t *testing.T) {
	t.Parallel()
	s, spans := traced(t, func(c *app.Config) { c.CacheURL = redisURL(t) })
	s.ask(t, "GET", "/sign-in", "")
	request := find(t, spans, "GET /sign-in")
	for _, span := range spans.Ended() {
		if strings.HasPrefix(span.Name(), "redis ") && span.Parent().SpanID() == request.SpanContext().SpanID() {
			return
		}
	}
	t.Errorf("no call of Redis below the request: %s", dump(spans))
}
