package transport

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// door is what every transport of one server shares.
type door struct{ cfg Config }

// httpTransport serves GET and POST of GraphQL over HTTP. As the last transport of a server it also answers what nobody
// serves: other methods with 405, HEAD among them.
type httpTransport struct{ door }

var _ graphql.Transport = httpTransport{}

const allowedMethods = "GET, POST, OPTIONS"

// Supports accepts every request that does not ask for a websocket.
func (t httpTransport) Supports(r *http.Request) bool { return r.Header.Get("Upgrade") == "" }

// Do answers one request.
func (t httpTransport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	if r.Method == http.MethodOptions {
		w.Header().Set("Allow", allowedMethods)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	media := negotiate(r, mediaJSON, mediaResponse)
	if media == "" {
		writeRefusal(w, mediaJSON, refuse(http.StatusNotAcceptable, codeInvalid,
			"this server answers with application/graphql-response+json or application/json; the Accept header has neither"))
		return
	}
	if refused := t.crossSite(r); refused != nil {
		writeRefusal(w, media, refused)
		return
	}
	params, refused := t.read(w, r)
	if refused != nil {
		writeRefusal(w, media, refused)
		return
	}
	t.run(w, r, present{exec}, params, media)
}

func (t httpTransport) read(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *refusal) {
	switch r.Method {
	case http.MethodGet:
		return readURL(r)
	case http.MethodPost:
		return readBody(w, r, t.cfg.BodyLimit)
	default:
		w.Header().Set("Allow", allowedMethods)
		return nil, refuse(http.StatusMethodNotAllowed, codeInvalid, "send queries by GET or POST, and mutations by POST")
	}
}

func (t httpTransport) run(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor, params *graphql.RawParams, media string) {
	ctx := r.Context()
	opCtx, errs := exec.CreateOperationContext(ctx, params)
	if errs != nil {
		write(w, media, exec.DispatchError(graphql.WithOperationContext(ctx, opCtx), errs))
		return
	}
	if r.Method == http.MethodGet && opCtx.Operation.Operation != ast.Query {
		w.Header().Set("Allow", http.MethodPost)
		writeRefusal(w, media, refuse(http.StatusMethodNotAllowed, codeInvalid, "GET serves queries only; send this operation by POST"))
		return
	}
	if opCtx.Operation.Operation == ast.Subscription {
		writeRefusal(w, media, refuse(http.StatusBadRequest, codeInvalid,
			"subscribe with Accept: text/event-stream, or over a websocket with graphql-transport-ws"))
		return
	}
	handler, ctx := exec.DispatchOperation(ctx, opCtx)
	resp := handler(ctx)
	if resp == nil {
		// The client has gone; whoever still listens is told so.
		resp = &graphql.Response{Errors: gqlerror.List{newError(codeUnavailable, "the operation was cancelled")}}
	}
	write(w, media, resp)
}

// present gives every transport the errors of a request with their codes, and within their bounds.
type present struct{ graphql.GraphExecutor }

// CreateOperationContext is the executor's, its errors made presentable.
func (p present) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	opCtx, errs := p.GraphExecutor.CreateOperationContext(ctx, params)
	if len(errs) == 0 {
		return opCtx, nil
	}
	return opCtx, requestErrors(errs)
}
