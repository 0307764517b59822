package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	coderws "github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/pages"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/resources"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// event is one message of a stream, whichever way it came.
type event struct {
	kind    string // next, complete, or closed when the connection ended
	version int64
	amount  string
	code    string
}

func eventOf(kind string, payload []byte) event {
	var body struct {
		Data *struct {
			BalanceChanged struct {
				Version   int64
				Available struct{ Amount string }
			}
		}
		Errors []struct{ Extensions struct{ Code string } }
	}
	e := event{kind: kind}
	if len(payload) == 0 || json.Unmarshal(payload, &body) != nil {
		return e
	}
	if body.Data != nil {
		e.version, e.amount = body.Data.BalanceChanged.Version, body.Data.BalanceChanged.Available.Amount
	}
	if len(body.Errors) > 0 {
		e.code = body.Errors[0].Extensions.Code
	}
	return e
}

const watching = `subscription { balanceChanged { version available { amount } } }`

// subscribeBySSE and subscribeByWebsocket send what a stream says into a channel, which is closed at its end.
func (s *server) subscribeBySSE(t *testing.T, document string, headers ...string) <-chan event {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/graphql", strings.NewReader(document2body(t, document)))
	if err != nil {
		t.Fatal(err)
	}
	headers = append(headers, "Content-Type", jsonType, "Accept", "text/event-stream")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Client{Transport: &http.Transport{}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan event, 100)
	go func() {
		defer close(events)
		defer func() { _ = resp.Body.Close() }()
		kind := ""
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			line := lines.Text()
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				kind = name
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok || line == "event: complete" {
				events <- eventOf(kind, []byte(data))
			}
		}
	}()
	return events
}

func (s *server) subscribeByWebsocket(t *testing.T, document string, headers ...string) <-chan event {
	t.Helper()
	header := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	ctx := t.Context()
	conn, resp, err := coderws.Dial(ctx, s.url+"/graphql", &coderws.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header})
	if err != nil {
		t.Fatalf("%v %v", resp, err)
	}
	type message struct {
		ID      string          `json:"id,omitempty"`
		Type    string          `json:"type"`
		Payload json.RawMessage `json:"payload,omitempty"`
	}
	for _, m := range []message{{Type: "connection_init"}, {ID: "1", Type: "subscribe", Payload: json.RawMessage(document2body(t, document))}} {
		if err := wsjson.Write(ctx, conn, m); err != nil {
			t.Fatal(err)
		}
	}
	events := make(chan event, 100)
	go func() {
		defer close(events)
		for {
			var m message
			if err := wsjson.Read(ctx, conn, &m); err != nil {
				events <- event{kind: fmt.Sprintf("closed %d", coderws.CloseStatus(err))}
				return
			}
			if m.ID == "1" {
				events <- eventOf(m.Type, m.Payload)
			}
		}
	}()
	return events
}

func heard(t *testing.T, events <-chan event) event {
	t.Helper()
	select {
	case e, more := <-events:
		if !more {
			return event{kind: "over"}
		}
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("nothing is said")
		return event{}
	}
}

// fund gives the demo's customer one unit of money.
func (s *server) fund(t *testing.T, customer models.ID, key string) {
	t.Helper()
	got := s.query(t, fmt.Sprintf(`mutation { fundCustomer(input: { customerId: %q, amount: "1.00", idempotencyKey: %q }) { transfer { id } } }`,
		customer, key), bearer(demo.FixedKeys().SolutionProvider)...)
	if got.status != 200 || got.code(t) != "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
}

// replicas are two servers on one PostgreSQL and one Redis, with the demo's world.
func replicas(t *testing.T) (here, there *server, customer models.ID) {
	t.Helper()
	cfg := settings(storetest.PostgresURL(t))
	cfg.CacheURL = redisURL(t)
	// Streams outlast what a single operation may take.
	cfg.OperationTimeout = time.Second
	here, there = serve(t, cfg, app.Options{}), serve(t, cfg, app.Options{})
	found, err := demo.Fill(t.Context(), here.Rooms)
	if err != nil {
		t.Fatal(err)
	}
	return here, there, found.Customer.ID
}

func TestSubscribersOfBothReplicasHearOfAChange(t *testing.T) {
	t.Parallel()
	here, there, customer := replicas(t)
	key := bearer(demo.FixedKeys().Customer)
	partners := `subscription { balanceChanged(customerId: "` + string(customer) + `") { version available { amount } } }`
	cookie := []string{"Cookie", there.cookieOf(t, "demo-bakery"), "Origin", publicOrigin}
	streams := map[string]<-chan event{
		"here by events":                     here.subscribeBySSE(t, watching, key...),
		"here by websocket":                  here.subscribeByWebsocket(t, watching, key...),
		"there by events":                    there.subscribeBySSE(t, watching, key...),
		"there by websocket and cookie":      there.subscribeByWebsocket(t, watching, cookie...),
		"there by events, as the partner":    there.subscribeBySSE(t, partners, bearer(demo.FixedKeys().SolutionProvider)...),
		"here by websocket, as the operator": here.subscribeByWebsocket(t, partners, bearer(demo.FixedKeys().Operator)...),
	}
	first := map[string]event{}
	for name, events := range streams {
		first[name] = heard(t, events)
		if first[name].kind != "next" || first[name].amount == "" {
			t.Fatalf("%s: %+v", name, first[name])
		}
	}
	time.Sleep(1500 * time.Millisecond) // longer than an operation may take
	for i, mover := range []*server{here, there} {
		mover.fund(t, customer, fmt.Sprint("replica-", i))
		for name, events := range streams {
			if got := heard(t, events); got.kind != "next" || got.version != first[name].version+int64(i)+1 || got.amount == first[name].amount {
				t.Errorf("%s, change %d: %+v after %+v", name, i, got, first[name])
			}
		}
	}
	// Someone else's is not there, here as everywhere.
	for _, events := range []<-chan event{
		here.subscribeBySSE(t, partners, bearer(demo.FixedKeys().Distributor)...), here.subscribeByWebsocket(t, partners, bearer(demo.FixedKeys().Distributor)...),
	} {
		if got, end := heard(t, events), heard(t, events); got.code != "NOT_FOUND" || got.amount != "" || end.kind != "complete" {
			t.Errorf("a stranger: %+v, %+v", got, end)
		}
	}
}

func TestStreamsEndWithTheirCredential(t *testing.T) {
	t.Parallel()
	here, there, customer := replicas(t)
	ctx := context.Background()
	made, err := here.Rooms.Identity.CreateKey(ctx, models.SystemPrincipal("test"), identity.CreateKey{
		Name: "short-lived", CustomerID: &customer, Scopes: []models.Permission{models.ReadBalances},
	})
	if err != nil {
		t.Fatal(err)
	}
	cookie := there.cookieOf(t, "demo-bakery")
	byKey, byCookie := there.subscribeBySSE(t, watching, bearer(made.Secret)...), there.subscribeByWebsocket(t, watching, "Cookie", cookie, "Origin", publicOrigin)
	for _, events := range []<-chan event{byKey, byCookie} {
		if got := heard(t, events); got.kind != "next" || got.code != "" {
			t.Fatalf("%+v", got)
		}
	}
	if _, err := here.Rooms.Identity.RevokeKey(ctx, models.SystemPrincipal("test"), identity.RevokeKey{APIKeyID: made.APIKey.ID}); err != nil {
		t.Fatal(err)
	}
	form := formToken.FindStringSubmatch(there.ask(t, "GET", "/console", "", "Cookie", cookie).body)
	if form == nil {
		t.Fatal("no form to sign out with")
	}
	out := there.ask(t, "POST", "/sign-out", url.Values{pages.FieldCSRF: {form[1]}}.Encode(),
		"Content-Type", "application/x-www-form-urlencoded", "Cookie", cookie, "Origin", publicOrigin)
	if out.status != 303 {
		t.Fatalf("%d %.300s", out.status, out.body)
	}
	here.fund(t, customer, "after")
	for name, events := range map[string]<-chan event{"a revoked key": byKey, "a session that ended": byCookie} {
		if got, end := heard(t, events), heard(t, events); got.code != "UNAUTHENTICATED" || got.amount != "" || end.kind != "complete" {
			t.Errorf("%s: %+v, %+v", name, got, end)
		}
	}
}

func TestStreamsEndWithTheServer(t *testing.T) {
	t.Parallel()
	s := world(t, nil)
	key := bearer(demo.FixedKeys().Customer)
	events, socket := s.subscribeBySSE(t, watching, key...), s.subscribeByWebsocket(t, watching, key...)
	idle := s.subscribeByWebsocket(t, `{ viewer { kind } }`, key...)
	for _, stream := range []<-chan event{events, socket, idle} {
		if got := heard(t, stream); got.kind != "next" || got.code != "" {
			t.Fatalf("%+v", got)
		}
	}
	if got := heard(t, idle); got.kind != "complete" {
		t.Errorf("%+v", got)
	}
	began := time.Now()
	s.end(t)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the server took %s to stop", took)
	}
	for name, stream := range map[string]<-chan event{"events": events, "websocket": socket} {
		if got, end := heard(t, stream), heard(t, stream); got.code != "UNAVAILABLE" || end.kind != "complete" {
			t.Errorf("%s: %+v, %+v", name, got, end)
		}
	}
	for name, stream := range map[string]<-chan event{"websocket": socket, "idle websocket": idle} {
		if got := heard(t, stream); got.kind != "closed 1000" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if logs := s.logs.String(); strings.Contains(logs, "panic") {
		t.Errorf("%s", logs)
	}
}

func TestSubscribersOfBothReplicasHearOfAResource(t *testing.T) {
	t.Parallel()
	here, there, customer := replicas(t)
	ctx, onlyMain := t.Context(), true
	found, err := here.Rooms.Resources.Find(ctx, models.SystemPrincipal("test"), resources.ResourceFilter{CustomerID: &customer, OnlyMain: &onlyMain}, models.PageArgs{})
	if err != nil || len(found.Edges) == 0 {
		t.Fatal(err)
	}
	id := found.Edges[0].Node.ID
	document := fmt.Sprintf(`subscription { resourceChanged(resourceId: %q) { id expirePolicy subResources { expirePolicy } } }`, id)
	key, partner := bearer(demo.FixedKeys().Customer), bearer(demo.FixedKeys().SolutionProvider)
	streams := map[string]<-chan event{
		"here by events":                  here.subscribeBySSE(t, document, key...),
		"there by websocket":              there.subscribeByWebsocket(t, document, key...),
		"there by events, as the partner": there.subscribeBySSE(t, document, partner...),
	}
	for name, events := range streams {
		if got := heard(t, events); got.kind != "next" || got.code != "" {
			t.Fatalf("%s: %+v", name, got)
		}
	}
	began := time.Now()
	if _, err := here.Rooms.Resources.SetAutoRenewal(ctx, models.SystemPrincipal("test"), resources.SetAutoRenewal{ResourceID: id, Times: 1}); err != nil {
		t.Fatal(err)
	}
	for name, events := range streams {
		if got := heard(t, events); got.kind != "next" || got.code != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if took := time.Since(began); took > 10*time.Second { // without being told a watch looks after 12 to 15 seconds
		t.Errorf("they heard of it after %s", took)
	}
	stranger := here.subscribeByWebsocket(t, document, bearer(demo.FixedKeys().Distributor)...)
	if got := heard(t, stranger); got.code != "NOT_FOUND" {
		t.Errorf("a stranger: %+v", got)
	}
}
