package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	gqltransport "github.com/99designs/gqlgen/graphql/handler/transport"
	coderws "github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// sse is graphql-sse in its distinct connections mode: gqlgen's transport behind the checks of a POST.
type sse struct {
	door
	inner gqltransport.SSE
}

var _ graphql.Transport = sse{}

// Supports accepts a POST that would rather have an event stream than JSON. Many clients name all three.
func (t sse) Supports(r *http.Request) bool {
	return r.Method == http.MethodPost && r.Header.Get("Upgrade") == "" &&
		negotiate(r, mediaJSON, mediaResponse, eventStream) == eventStream
}

// Do reads and checks the request here, and hands a clean one on: the inner transport has no limits and logs what it
// cannot read.
func (t sse) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	if refused := t.crossSite(r); refused != nil {
		writeRefusal(w, mediaJSON, refused)
		return
	}
	params, refused := readBody(w, r, t.cfg.BodyLimit)
	if refused != nil {
		writeRefusal(w, mediaJSON, refused)
		return
	}
	body, err := json.Marshal(params)
	if err != nil {
		writeRefusal(w, mediaJSON, refuse(http.StatusBadRequest, codeInvalid, "the request could not be read"))
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	// A stream outlives the time that a single answer may take. A writer without deadlines needs none lifted.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	w.Header().Set("X-Content-Type-Options", "nosniff")
	// Proxies that buffer would hold events back.
	w.Header().Set("X-Accel-Buffering", "no")
	t.inner.Do(w, r, present{exec})
}

// transportWS is the one websocket protocol served: gqlgen would also speak its predecessor.
const transportWS = "graphql-transport-ws"

// websocket is graphql-transport-ws: gqlgen's transport behind a check of the Origin, which browsers send and do not
// enforce for websockets.
type websocket struct {
	door
	inner gqltransport.Websocket
}

var _ graphql.Transport = websocket{}

func newWebsocket(d door) websocket {
	limit := d.cfg.BodyLimit
	return websocket{door: d, inner: gqltransport.Websocket{
		// The Origin is checked in Do, against the list instead of the Host alone.
		Implementation:   gqltransport.CoderWebsocketImplementation{AcceptOptions: coderws.AcceptOptions{InsecureSkipVerify: true}},
		InitFunc:         d.cfg.WebsocketInit,
		InitTimeout:      d.cfg.WebsocketInitTimeout,
		PingPongInterval: d.cfg.PingInterval,
		PayloadReadLimit: &limit,
	}}
}

// Supports accepts every request that asks for an upgrade.
func (t websocket) Supports(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }

// Do refuses foreign origins and other protocols, and otherwise serves the connection until it ends.
func (t websocket) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	if origin := r.Header.Get("Origin"); origin != "" && !t.cfg.CSRF.Allowed(r, origin) {
		writeRefusal(w, mediaJSON, refuse(http.StatusForbidden, codeForbidden, "websockets from this origin are not allowed"))
		return
	}
	if r.Header.Get("Origin") == "" && t.cfg.CookieAuthenticated != nil && t.cfg.CookieAuthenticated(r) {
		writeRefusal(w, mediaJSON, refuse(http.StatusForbidden, codeForbidden, "a websocket with a session cookie must carry an Origin header"))
		return
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || !slices.Contains(subprotocols(r), transportWS) {
		writeRefusal(w, mediaJSON, refuse(http.StatusBadRequest, codeInvalid,
			"this server speaks graphql-transport-ws; name it in Sec-WebSocket-Protocol"))
		return
	}
	r.Header.Set("Sec-WebSocket-Protocol", transportWS)
	t.inner.Do(w, r, &connection{GraphExecutor: present{exec}, limit: int32(t.cfg.OperationsPerConnection)})
}

func subprotocols(r *http.Request) []string {
	var names []string
	for _, value := range r.Header.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(value, ",") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// connection is the executor as one websocket sees it: with a limit of operations at once.
type connection struct {
	graphql.GraphExecutor
	limit  int32
	active atomic.Int32
}

// CreateOperationContext refuses an operation over the limit before any work.
func (c *connection) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	if c.active.Load() >= c.limit {
		err := newError("RATE_LIMITED", "this websocket runs as many operations at once as it may; complete one first")
		err.Extensions["details"] = map[string]any{"limit": "operationsPerConnection", "allowed": c.limit}
		return &graphql.OperationContext{}, gqlerror.List{err}
	}
	return c.GraphExecutor.CreateOperationContext(ctx, params)
}

// DispatchOperation counts the operation until its stream ends.
func (c *connection) DispatchOperation(ctx context.Context, opCtx *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	c.active.Add(1)
	handler, ctx := c.GraphExecutor.DispatchOperation(ctx, opCtx)
	ended := false
	end := func() {
		if !ended {
			ended = true
			c.active.Add(-1)
		}
	}
	return func(ctx context.Context) *graphql.Response {
		finished := true
		// A panic of the stream ends it as well.
		defer func() {
			if finished {
				end()
			}
		}()
		resp := handler(ctx)
		finished = resp == nil
		return resp
	}, ctx
}
