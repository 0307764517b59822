package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/graph"
	"github.com/partnergraph/partnergraph/graph/guard"
	"github.com/partnergraph/partnergraph/graph/plan"
	"github.com/partnergraph/partnergraph/graph/transport"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/resolvers"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/session"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/web"
)

// routes is the mux with everything around it.
func (a *App) routes() (http.Handler, error) {
	proxies, err := parseProxies(a.cfg.TrustedProxies)
	if err != nil {
		return nil, err
	}
	crowd := transport.NewCrowd(a.cfg.MaxInFlight)
	gql, err := a.graphQL(crowd)
	if err != nil {
		return nil, err
	}
	limited := func(next http.Handler) http.Handler { return a.sessions.Middleware(a.limited(next)) }
	mux := http.NewServeMux()
	mux.Handle("/graphql", transport.CORS{AllowedOrigin: a.originAllowed, Credentials: true}.Wrap(crowd.Wrap(limited(gql))))
	mux.Handle("/saml/", limited(a.timed(a.sp)))
	mux.Handle("/saml/idp/", limited(a.timed(a.idp)))
	paged := func(next http.Handler) http.Handler { return a.sessions.Middleware(a.limited(a.known(a.timed(next)))) }
	a.site.Register(mux, paged)
	mux.Handle("GET "+funds.ExportPath+"{token}", a.sessions.Middleware(a.limited(a.known(http.HandlerFunc(a.export)))))
	a.mountFiles(mux)
	a.mountPayments(mux, func(next http.Handler) http.Handler { return limited(a.timed(next)) })
	if a.cfg.Introspection {
		graphiQL := web.GraphiQL(web.Config{})
		mux.Handle(web.PagePath, graphiQL)
		mux.Handle(web.AssetsPath, graphiQL)
	}
	mux.HandleFunc("GET /healthz", a.health.live)
	mux.HandleFunc("GET /readyz", a.health.ready)
	if a.cfg.MetricsListen == "" {
		mux.Handle("GET /metrics", loopbackOnly(a.metrics.handler()))
	}
	mux.Handle("/", limited(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.site.ShowError(w, r, http.StatusNotFound, string(models.CodeNotFound))
	})))
	https := strings.HasPrefix(a.cfg.PublicURL, "https:")
	handler := identify(proxies, logged(a.Log, a.metrics, recovered(a.Log, hardened(https, mux))))
	if _, nowhere := a.traces.(noop.TracerProvider); nowhere {
		return handler, nil
	}
	return otelhttp.NewHandler(handler, "http", otelhttp.WithTracerProvider(a.traces), otelhttp.WithPropagators(propagation.TraceContext{}),
		// A stranger's trace is linked to, not continued: it must not decide what is sampled here.
		otelhttp.WithPublicEndpointFn(func(r *http.Request) bool {
			_, viaProxy := clientAddr(r, proxies)
			return !viaProxy
		})), nil
}

// graphQL assembles the GraphQL door.
func (a *App) graphQL(crowd *transport.Crowd) (http.Handler, error) {
	r := a.Rooms
	resolver := &resolvers.Resolver{
		Events: r.EventLog, Identity: r.Identity, Codes: r.Codes, Partners: r.Partners, Exposure: r.Exposure, Federation: r.Federation,
		Customers: r.Customers, Catalog: r.Catalog, Companies: r.Companies, Coupons: r.Coupons, Funds: r.Funds, Incentives: r.Incentives, Payouts: r.Payouts, Billing: r.Billing, Benefits: r.Benefits, Brands: r.Brands, Staff: r.Staff, Resources: r.Resources, Packages: r.Packages, Orders: r.Orders, Settlements: r.Accounts,
		Webhooks: r.Webhooks, Files: r.Files, Verifications: r.Verify, Clock: r.Clock, Sessions: a.sessions, Who: session.Who,
		Again: session.Again, Log: a.Log, LoaderWait: a.options.LoaderWait, Whole: a.options.Walk,
	}
	cfg := graph.Config{Resolvers: resolver}
	cfg.Directives.Auth = resolver.Auth
	extensions := []graphql.HandlerExtension{operations{resolver, a.metrics, a.traces.Tracer(tracerName), a.Rooms.Now}}
	if !a.options.Walk {
		extensions = append(extensions, plan.New(resolver, resolver.Rounds, a.walked).Beside(a.options.Planned))
	}
	server := transport.Server(graph.NewExecutableSchema(cfg), transport.Config{
		Crowd: crowd,
		Guard: guard.Config{
			Depth: a.cfg.MaxDepth, Aliases: a.cfg.MaxAliases, RootFields: a.cfg.MaxRootFields, Cost: a.cfg.MaxCost, Introspection: a.cfg.Introspection,
		},
		Deadline: a.cfg.OperationTimeout, Suggestions: a.cfg.Dev, PersistedQueries: documents{a.cache}, TrustedDocuments: a.trusted,
		ErrorPresenter: resolver.Present, Recover: resolver.Recover, Extensions: extensions,
		CookieAuthenticated: func(r *http.Request) bool { return session.Who(r.Context()).SessionID != "" },
		CSRF:                transport.CSRF{PublicOrigin: a.cfg.origin(), AllowedOrigin: a.originAllowed},
	})
	// A credential that is not valid fails the whole request: nobody should mistake an expired key for an empty list.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := session.From(r.Context()); err != nil {
			shown := resolver.Present(r.Context(), err)
			status := http.StatusUnauthorized
			if models.CodeOf(err) != models.CodeUnauthenticated {
				status = http.StatusServiceUnavailable
			}
			writeErrors(w, status, shown)
			return
		}
		a.streams.serve(server, w, r)
	}), nil
}

// walked hears of a field that was not planned. That is nothing to tell anybody, unless the plan panicked: the ordinary
// executor then has answered, or panics itself.
func (a *App) walked(ctx context.Context, field string, why error) {
	if a.options.Walked != nil {
		a.options.Walked(field, why)
	}
	if broken, ok := errors.AsType[*plan.Panic](why); ok {
		a.Log.ErrorContext(ctx, "a plan panicked", slog.String("field", field), slog.Any("panic", broken.Value), slog.String("stack", string(broken.Stack)))
	}
}

func writeErrors(w http.ResponseWriter, status int, shown *gqlerror.Error) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(&graphql.Response{Errors: gqlerror.List{shown}}); err != nil {
		return // the caller has gone
	}
}

// operations gives each operation its loaders and measures it.
type operations struct {
	resolver *resolvers.Resolver
	metrics  *httpMetrics
	tracer   trace.Tracer
	now      func() time.Time
}

var (
	_ graphql.HandlerExtension     = operations{}
	_ graphql.OperationInterceptor = operations{}
	_ graphql.ResponseInterceptor  = operations{}
)

// ExtensionName names it for gqlgen.
func (operations) ExtensionName() string { return "operations" }

// Validate has nothing to refuse.
func (operations) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation puts the loaders on the context, and when the operation was read: what it waits for its turn counts against
// the patience of the lanes.
func (o operations) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription {
		return next(o.resolver.WithStream(ctx))
	}
	return next(o.resolver.WithLoaders(store.Arrived(ctx, o.now())))
}

// InterceptResponse measures the operation, counts its errors by code and puts it into the trace: its kind and name,
// never its text or variables.
func (o operations) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if op := graphql.GetOperationContext(ctx); op != nil && op.Operation != nil && op.Operation.Operation == ast.Subscription {
		return o.interceptEvent(ctx, next)
	}
	started := time.Now()
	kind, name, outcome := "unknown", "", "ok"
	if op := graphql.GetOperationContext(ctx); op != nil && op.Operation != nil {
		kind, name = string(op.Operation.Operation), shortened(op.Operation.Name)
	}
	ctx, span := o.tracer.Start(ctx, strings.TrimSpace(kind+" "+name), trace.WithAttributes(
		attribute.String("graphql.operation.type", kind), attribute.String("graphql.operation.name", name)))
	defer span.End()
	response := next(ctx)
	if response == nil {
		return nil
	}
	for _, e := range response.Errors {
		outcome = "error"
		code, _ := e.Extensions["code"].(string)
		o.metrics.rejected.WithLabelValues(code).Inc()
		span.SetStatus(codes.Error, code)
	}
	o.metrics.operations.WithLabelValues(kind, outcome).Observe(time.Since(started).Seconds())
	return response
}

// interceptEvent gives each event of a subscription loaders of its own, because what one event has seen is old for the next,
// and tells why a stream ended. How long an event lets itself be waited for says nothing about this server.
func (o operations) interceptEvent(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(o.resolver.WithLoaders(ctx))
	if response == nil && ctx.Err() == nil {
		if why := o.resolver.StreamError(ctx); why != nil {
			response = &graphql.Response{Errors: gqlerror.List{why}}
		}
	}
	if response == nil {
		return nil
	}
	for _, e := range response.Errors {
		code, _ := e.Extensions["code"].(string)
		o.metrics.rejected.WithLabelValues(code).Inc()
	}
	return response
}

// shortened cuts what a caller may make as long as a document.
func shortened(name string) string { return name[:min(len(name), 64)] }

// documents keeps automatic persisted queries for a day.
type documents struct{ cache cache.Bytes }

// Get returns a document by its hash.
func (d documents) Get(ctx context.Context, key string) (string, bool) {
	value, ok := d.cache.Get(ctx, "apq:"+key)
	return string(value), ok
}

// Add keeps a document.
func (d documents) Add(ctx context.Context, key, value string) {
	d.cache.Set(ctx, "apq:"+key, []byte(value), 24*time.Hour)
}

// readDocuments reads the trusted documents, or nothing when there is no file.
func readDocuments(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("setting trusted-documents: %w", err)
	}
	var documents map[string]string
	if err := json.Unmarshal(raw, &documents); err != nil {
		return nil, fmt.Errorf("setting trusted-documents: %s is not a JSON object of hash to document: %w", path, err)
	}
	// null is valid JSON too, and must not switch the restriction off.
	if len(documents) == 0 {
		return nil, fmt.Errorf("setting trusted-documents: %s holds no document", path)
	}
	return documents, nil
}

// originAllowed asks the platform that serves the caller; a preflight carries no credential, so it is asked whether any
// platform allows the origin.
func (a *App) originAllowed(ctx context.Context, origin string) bool {
	ask := a.Rooms.Exposure.OriginAllowed
	if who := session.Who(ctx); !who.IsAnonymous() {
		ask = func(ctx context.Context, origin string) (bool, error) {
			return a.Rooms.Exposure.OriginAllowedFor(ctx, who, origin)
		}
	}
	allowed, err := ask(ctx, origin)
	if err != nil {
		a.Log.WarnContext(ctx, "allowed origins not read", slog.Any("error", err))
	}
	return allowed && err == nil
}

// known shows an error page when it cannot be told who is asking: sending somebody who is signed in to sign in again helps
// nobody while the database is away.
func (a *App) known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := session.From(r.Context()); err != nil && models.CodeOf(err) != models.CodeUnauthenticated {
			a.site.Fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// timed ends what a page asks of the rooms when an operation would be ended; GraphQL does so by itself.
func (a *App) timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), a.cfg.OperationTimeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// limited bounds the calls of each key, session or, without either, address.
func (a *App) limited(next http.Handler) http.Handler {
	if a.cfg.RateLimit == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := session.Who(r.Context())
		key := "rate:" + who.ActorID()
		if who.IsAnonymous() {
			key = "rate:addr:" + who.RemoteAddr
		}
		ok, retryAfter := a.cache.Allow(r.Context(), key, int64(a.cfg.RateLimit), a.cfg.RateWindow)
		if ok {
			next.ServeHTTP(w, r)
			return
		}
		a.refuseRate(w, r, retryAfter)
	})
}

func (a *App) refuseRate(w http.ResponseWriter, r *http.Request, retryAfter time.Duration) {
	refusal := models.RateLimited(retryAfter)
	seconds, _ := refusal.Details["retryAfter"].(int64)
	w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	if r.URL.Path != "/graphql" {
		a.site.ShowError(w, r, http.StatusTooManyRequests, string(models.CodeRateLimited))
		return
	}
	writeErrors(w, http.StatusTooManyRequests, &gqlerror.Error{
		Message: refusal.Message, Extensions: map[string]any{"code": string(refusal.Code), "retryAfter": seconds, "details": refusal.Details},
	})
}

// loopbackOnly hides a handler from everybody but this machine.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		addr, parseErr := netip.ParseAddr(host)
		if err != nil || parseErr != nil || !addr.Unmap().IsLoopback() || r.Header.Get("X-Forwarded-For") != "" {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
