package transport

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	gqltransport "github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/partnergraph/partnergraph/graph/guard"
)

// Server assembles the HTTP handler of es: all transports, the guard and its validation rules, persisted and trusted
// documents, the deadline, and the last look at errors. Mount it at /graphql behind whatever puts the caller on the
// request, and CORS in front of that. Safe for concurrent use; add no extensions after the first request.
func Server(es graphql.ExecutableSchema, cfg Config) *handler.Server {
	cfg = cfg.withDefaults()
	srv := handler.New(es)
	d := door{cfg}
	srv.AddTransport(newWebsocket(d))
	srv.AddTransport(sse{door: d, inner: gqltransport.SSE{KeepAlivePingInterval: cfg.PingInterval}})
	srv.AddTransport(httpTransport{d})

	limits := guard.New(cfg.Guard)
	srv.SetQueryCache(modest{lru.New[*ast.QueryDocument](cfg.QueryCache)})
	srv.SetParserTokenLimit(cfg.TokenLimit)
	srv.SetDisableSuggestion(!cfg.Suggestions)
	srv.SetValidationRulesFn(func() *rules.Rules { return limits.Rules(cfg.Suggestions) })
	srv.SetErrorPresenter(presenter(cfg.ErrorPresenter))
	srv.SetRecoverFunc(recoverer(cfg.Recover))

	// The first one added is the outermost around answers, and the first to see a request: the documents put the
	// text in, the guard measures it, and only then is it remembered.
	srv.Use(bounded{})
	srv.Use(deadline{cfg.Deadline})
	if cfg.Crowd != nil {
		srv.Use(crowd{cfg.Crowd})
	}
	srv.Use(limits)
	srv.Use(&exactEnums{})
	srv.Use(newDocuments(cfg))
	for _, e := range cfg.Extensions {
		srv.Use(e)
	}
	return srv
}

func recoverer(inner graphql.RecoverFunc) graphql.RecoverFunc {
	if inner != nil {
		return inner
	}
	return func(context.Context, any) error { return newError(codeInternal, "internal error") }
}
