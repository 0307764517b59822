package customers_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"image/png"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// mailbox keeps the codes that were sent.
type mailbox struct {
	mu   sync.Mutex
	last string
}

func (m *mailbox) SendCode(_ context.Context, message identity.CodeMessage) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = sixDigits.FindString(message.Letter.Subject)
	return false, nil
}

var sixDigits = regexp.MustCompile(`[0-9]{6}`)

// withCodes gives the world one-time codes, and returns what asks for one.
func (w *world) withCodes() func(who models.Principal, purpose models.CodePurpose) string {
	w.t.Helper()
	box := &mailbox{}
	room := &identity.Codes{
		DB: w.DB, Now: w.Now, IDs: w.IDs, Events: w.Events, Random: rand.Reader, Seal: w.Seal, Addresses: w.Service, Sender: box, Logger: discard(),
	}
	w.Service.Codes = room
	return func(who models.Principal, purpose models.CodePurpose) string {
		w.t.Helper()
		w.at = w.at.Add(20 * time.Minute) // past the throttles
		if _, err := room.Send(w.ctx, who, identity.SendVerificationCode{Purpose: purpose}); err != nil {
			w.t.Fatal(err)
		}
		var asked []models.Event
		err := w.DB.NewSelect().Model(&asked).Where("ev.type = ?", models.EventCodeRequested).Order("ev.id DESC").Limit(1).Scan(w.ctx)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := room.SendCode(w.ctx, asked[0]); err != nil {
			w.t.Fatal(err)
		}
		return box.last
	}
}

// buyer makes a resale customer with an address.
func (w *world) mailed(name string, partner models.ID, mode models.AssociationMode) models.Customer {
	w.t.Helper()
	c, err := w.Create(w.ctx, operator(), customers.CreateCustomer{
		Name: name, PartnerID: partner, Mode: mode, Cloud: "hwc", Currency: models.CNY, Email: name + "@example.com",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) asksToAct(p models.Partner, c models.Customer, scope models.AuthorizationScope) (models.Authorization, error) {
	done, err := w.RequestAuthorization(w.ctx, asPartner(p), customers.RequestAuthorization{
		CustomerID: c.ID, Scope: scope, Reason: "to help", ValidUntil: w.at.AddDate(0, 6, 0),
	})
	return done.Authorization, err
}

// acts is what a room does that acts for a customer.
func (w *world) acts(who models.Principal, c models.Customer, scope models.AuthorizationScope) error {
	return w.DB.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error {
		return w.RequireAuthorisationIn(ctx, tx, who, c.ID, scope)
	})
}

func (w *world) want(what string, err error, reason string) {
	w.t.Helper()
	if got := reasonOf(err); got != reason {
		w.t.Errorf("%s: got %q (%v), want %q", what, got, err, reason)
	}
}

func (w *world) authorizationOf(id models.ID) models.Authorization {
	w.t.Helper()
	found, err := w.AuthorizationsByIDs(w.ctx, operator(), []models.ID{id})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[id]
}

// TestAPartnerActsWhenItsCustomerLetsIt is O16 from end to end.
func TestAPartnerActsWhenItsCustomerLetsIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		code := w.withCodes()
		c := w.mailed("letting", w.reseller.ID, models.Resale)
		partner, customer := asPartner(w.reseller), asCustomer(c)

		w.want("unasked", w.acts(partner, c, models.AuthorizedToOrder), "NOT_AUTHORISED")
		asked, err := w.asksToAct(w.reseller, c, models.AuthorizedToOrder)
		if err != nil || asked.State != models.AuthorizationRequested || asked.PartnerID != w.reseller.ID {
			t.Fatalf("%v %+v", err, asked)
		}
		w.want("asked, not granted", w.acts(partner, c, models.AuthorizedToOrder), "NOT_AUTHORISED")
		w.want("asked twice", second(w.asksToAct(w.reseller, c, models.AuthorizedToOrder)), "AUTHORISATION_OPEN")
		if _, err := w.asksToAct(w.reseller, c, models.AuthorizedToOperate); err != nil {
			t.Errorf("the other scope: %v", err)
		}

		grant := func(who models.Principal, code string) error {
			return second(w.GrantAuthorization(w.ctx, who, customers.GrantAuthorization{AuthorizationID: asked.ID, Code: code}))
		}
		right := code(customer, models.CodeGrantAuthorization)
		w.want("the partner itself", grant(partner, right), "FORBIDDEN")
		w.want("without a code", grant(customer, ""), "CODE_REQUIRED")
		wrong := "000000"
		if wrong == right {
			wrong = "000001"
		}
		w.want("a wrong code", grant(customer, wrong), "CODE_WRONG")
		if err := grant(customer, right); err != nil {
			t.Fatal(err)
		}
		w.want("twice", grant(customer, right), "AUTHORISATION_DECIDED")

		// The partner and its distributor act under it, and the record says so.
		for _, who := range []models.Principal{partner, asPartner(w.distributor)} {
			if err := w.acts(who, c, models.AuthorizedToOrder); err != nil {
				t.Errorf("%s: %v", who.PartnerKind, err)
			}
		}
		if n := w.told(models.EventAuthorizationUsed, asked.ID); n != 2 {
			t.Errorf("the record has %d acts", n)
		}
		w.want("the other scope", w.acts(partner, c, models.AuthorizedToOperate), "NOT_AUTHORISED")
		w.want("a stranger", w.acts(asPartner(w.stranger), c, models.AuthorizedToOrder), "NOT_FOUND")
		for _, who := range []models.Principal{customer, operator()} {
			if err := w.acts(who, c, models.AuthorizedToOperate); err != nil {
				t.Errorf("%s needs an authorisation: %v", who.Kind, err)
			}
		}

		revoke := func(who models.Principal, code *string) error {
			return second(w.RevokeAuthorization(w.ctx, who, customers.RevokeAuthorization{AuthorizationID: asked.ID, Reason: "enough", Code: code}))
		}
		w.want("revoked without a code", revoke(customer, nil), "CODE_REQUIRED")
		w.want("the distributor", revoke(asPartner(w.distributor), nil), "FORBIDDEN")
		right = code(customer, models.CodeRevokeAuthorization)
		if err := revoke(customer, &right); err != nil {
			t.Fatal(err)
		}
		w.want("after it", w.acts(partner, c, models.AuthorizedToOrder), "NOT_AUTHORISED")
		over := w.authorizationOf(asked.ID)
		if over.State != models.AuthorizationRevoked || over.EndedBy != models.SideCustomer || over.Answer != "enough" || over.EndedAt == nil {
			t.Errorf("revoked %+v", over)
		}
		w.want("revoked twice", revoke(partner, nil), "AUTHORISATION_CLOSED")
		if _, err := w.asksToAct(w.reseller, c, models.AuthorizedToOrder); err != nil {
			t.Errorf("asked again: %v", err)
		}
	})
}

func TestAuthorisationsAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.withCodes()
		c := w.mailed("refusing", w.reseller.ID, models.Resale)
		advised := w.mailed("advised", w.provider.ID, models.Advisory)
		request := func(who models.Principal, change func(*customers.RequestAuthorization)) error {
			cmd := customers.RequestAuthorization{CustomerID: c.ID, Scope: models.AuthorizedToOrder, Reason: "why", ValidUntil: w.at.Add(time.Hour)}
			change(&cmd)
			return second(w.RequestAuthorization(w.ctx, who, cmd))
		}
		partner := asPartner(w.reseller)
		french := models.Language("FR")
		for name, row := range map[string]struct {
			who    models.Principal
			change func(*customers.RequestAuthorization)
			want   string
		}{
			"the customer":      {asCustomer(c), func(*customers.RequestAuthorization) {}, "FORBIDDEN"},
			"its distributor":   {asPartner(w.distributor), func(*customers.RequestAuthorization) {}, "FORBIDDEN"},
			"an operator":       {operator(), func(*customers.RequestAuthorization) {}, "FORBIDDEN"},
			"a stranger":        {asPartner(w.stranger), func(*customers.RequestAuthorization) {}, "NOT_FOUND"},
			"another kind":      {partner, func(r *customers.RequestAuthorization) { r.CustomerID = w.reseller.ID }, "INVALID"},
			"no scope":          {partner, func(r *customers.RequestAuthorization) { r.Scope = "ALL" }, "INVALID"},
			"no reason":         {partner, func(r *customers.RequestAuthorization) { r.Reason = "" }, "INVALID"},
			"a long reason":     {partner, func(r *customers.RequestAuthorization) { r.Reason = strings.Repeat("x", 257) }, "INVALID"},
			"a reason of lines": {partner, func(r *customers.RequestAuthorization) { r.Reason = "a\nb" }, "INVALID"},
			"over already":      {partner, func(r *customers.RequestAuthorization) { r.ValidUntil = w.at }, "INVALID"},
			"too long":          {partner, func(r *customers.RequestAuthorization) { r.ValidUntil = w.at.AddDate(1, 0, 1) }, "INVALID"},
			"a language":        {partner, func(r *customers.RequestAuthorization) { r.Language = &french }, "INVALID"},
			"an advisory one": {
				asPartner(w.provider), func(r *customers.RequestAuthorization) { r.CustomerID = advised.ID }, "ADVISORY_BUYS_ITSELF",
			},
		} {
			w.want(name, request(row.who, row.change), row.want)
		}
		w.want("acting for an advisory one", w.acts(asPartner(w.provider), advised, models.AuthorizedToOrder), "ADVISORY_BUYS_ITSELF")

		asked, err := w.asksToAct(w.reseller, c, models.AuthorizedToOrder)
		if err != nil {
			t.Fatal(err)
		}
		refuse := func(who models.Principal, reason string) error {
			return second(w.RefuseAuthorization(w.ctx, who, customers.RefuseAuthorization{AuthorizationID: asked.ID, Reason: reason}))
		}
		foreign := asCustomer(advised)
		w.want("the partner refuses", refuse(partner, "no"), "FORBIDDEN")
		w.want("another customer", refuse(foreign, "no"), "NOT_FOUND")
		w.want("no reason", refuse(asCustomer(c), ""), "INVALID")
		w.want("no reason to revoke", second(w.RevokeAuthorization(w.ctx, partner, customers.RevokeAuthorization{AuthorizationID: asked.ID})), "INVALID")
		w.want("not an authorisation", second(w.RefuseAuthorization(w.ctx, asCustomer(c), customers.RefuseAuthorization{AuthorizationID: c.ID, Reason: "no"})), "INVALID")
		if err := refuse(asCustomer(c), "no"); err != nil {
			t.Fatal(err)
		}
		w.want("refused twice", refuse(asCustomer(c), "no"), "AUTHORISATION_CLOSED")
		if got := w.authorizationOf(asked.ID); got.State != models.AuthorizationRefused || got.EndedBy != models.SideCustomer {
			t.Errorf("refused %+v", got)
		}

		// The partner takes a request of its own back without a code.
		again, err := w.asksToAct(w.reseller, c, models.AuthorizedToOrder)
		if err != nil {
			t.Fatal(err)
		}
		done, err := w.RevokeAuthorization(w.ctx, partner, customers.RevokeAuthorization{AuthorizationID: again.ID, Reason: "not needed"})
		if err != nil || done.Authorization.State != models.AuthorizationRevoked || done.Authorization.EndedBy != models.SidePartner {
			t.Errorf("%v %+v", err, done)
		}
	})
}

func TestAuthorisationsEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		code := w.withCodes()
		granted := func(name string) (models.Customer, models.Authorization) {
			c := w.mailed(name, w.provider.ID, models.Resale)
			a, err := w.asksToAct(w.provider, c, models.AuthorizedToOperate)
			if err != nil {
				t.Fatal(err)
			}
			done, err := w.GrantAuthorization(w.ctx, asCustomer(c), customers.GrantAuthorization{
				AuthorizationID: a.ID, Code: code(asCustomer(c), models.CodeGrantAuthorization),
			})
			if err != nil {
				t.Fatal(err)
			}
			return c, done.Authorization
		}
		leaving, left := granted("leaving")
		turning, turned := granted("turning")
		lasting, lasted := granted("lasting")
		open, err := w.asksToAct(w.provider, lasting, models.AuthorizedToOrder)
		if err != nil {
			t.Fatal(err)
		}

		request, err := w.leave(asPartner(w.provider), leaving)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.confirm(asCustomer(leaving), request.ID); err != nil {
			t.Fatal(err)
		}
		if request, err = w.change(asPartner(w.provider), turning, models.Advisory); err != nil {
			t.Fatal(err)
		}
		if _, err := w.confirm(asCustomer(turning), request.ID); err != nil {
			t.Fatal(err)
		}
		w.want("after it left", w.acts(asPartner(w.provider), leaving, models.AuthorizedToOperate), "NOT_FOUND")
		w.want("after it turned", w.acts(asPartner(w.provider), turning, models.AuthorizedToOperate), "ADVISORY_BUYS_ITSELF")
		for _, id := range []models.ID{left.ID, turned.ID} {
			if got := w.authorizationOf(id); got.State != models.AuthorizationEnded || w.told(models.EventAuthorizationEnded, id) != 1 {
				t.Errorf("ended %+v", got)
			}
		}

		// Time ends the others: what is over lets nobody act even before it is swept.
		if err := w.acts(asPartner(w.provider), lasting, models.AuthorizedToOperate); err != nil {
			t.Fatal(err)
		}
		w.at = open.DecideBy
		w.want("too late to decide", second(w.RefuseAuthorization(w.ctx, asCustomer(lasting), customers.RefuseAuthorization{AuthorizationID: open.ID, Reason: "no"})), "AUTHORISATION_EXPIRED")
		w.at = lasted.ValidUntil
		w.want("too late to act", w.acts(asPartner(w.provider), lasting, models.AuthorizedToOperate), "NOT_AUTHORISED")
		if _, err := w.asksToAct(w.provider, lasting, models.AuthorizedToOperate); err != nil {
			t.Errorf("an expired one stands in the way: %v", err)
		}
		if err := w.SweepRelations(w.ctx); err != nil {
			t.Fatal(err)
		}
		for _, id := range []models.ID{open.ID, lasted.ID} {
			if got := w.authorizationOf(id); got.State != models.AuthorizationExpired || w.told(models.EventAuthorizationExpired, id) != 1 {
				t.Errorf("expired %+v", got)
			}
		}
		page, err := w.FindAuthorizations(w.ctx, asCustomer(lasting), customers.AuthorizationFilter{
			States: []models.AuthorizationState{models.AuthorizationExpired},
		}, models.PageArgs{})
		if err != nil || len(page.Edges) != 2 {
			t.Errorf("%v, %d found", err, len(page.Edges))
		}
	})
}

// A request is told to the customer, and nobody else.
func TestTheCustomerIsToldOfARequest(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		box, _ := w.post()
		w.Events.Consumers = map[models.EventType][]string{models.EventAuthorizationRequested: {customers.ConsumerAuthorizationMail}}
		relay := &events.Relay{DB: db, Consumer: customers.ConsumerAuthorizationMail, Handle: w.MailRequest, Now: w.Now, Logger: discard()}
		c := w.mailed("told-one", w.provider.ID, models.Resale)
		var want []string
		for _, scope := range models.AuthorizationScopes() {
			for _, language := range []models.Language{models.English, models.Chinese} {
				done, err := w.RequestAuthorization(w.ctx, asPartner(w.provider), customers.RequestAuthorization{
					CustomerID: c.ID, Scope: scope, Reason: "<why>", ValidUntil: w.at.Add(time.Hour), Language: &language,
				})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := relay.Deliver(w.ctx); err != nil {
					t.Fatal(err)
				}
				want = append(want, string(done.Authorization.ID))
				last := box.sent[len(box.sent)-1]
				if last.To != "told-one@example.com" || !strings.HasPrefix(last.Subject, "Provider ") || !strings.Contains(last.Text, "<why>") || !strings.Contains(last.HTML, "&lt;why&gt;") {
					t.Errorf("%+v", last)
				}
				if _, err := w.RevokeAuthorization(w.ctx, asPartner(w.provider), customers.RevokeAuthorization{AuthorizationID: done.Authorization.ID, Reason: "next"}); err != nil {
					t.Fatal(err)
				}
			}
		}
		var got []string
		for _, mail := range box.sent {
			got = append(got, mail.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// Where an organisation wants a code, a relation does not change without one (G04).
func TestRelationsAskForACode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Turns = []customers.Turn{w}
		code := w.withCodes()
		c := w.mailed("careful", w.provider.ID, models.Resale)
		customer := asCustomer(c)
		right := code(customer, models.CodeStepUp)
		if _, err := w.Codes.(*identity.Codes).SetStepUp(w.ctx, customer, identity.SetStepUp{Actions: []models.StepUpAction{models.StepUpRelations, models.StepUpWithdrawals}, Code: &right}); err != nil {
			t.Fatal(err)
		}
		ask := func(code *string) error {
			return second(w.RequestDisassociation(w.ctx, customer, customers.RequestDisassociation{Reason: "bye", Code: code}))
		}
		w.want("without", ask(nil), "CODE_REQUIRED")
		w.want("to switch", second(w.RequestModeSwitch(w.ctx, customer, customers.RequestModeSwitch{Mode: models.Advisory, Reason: "bye"})), "CODE_REQUIRED")
		request, err := w.change(asPartner(w.provider), c, models.Advisory) // the partner wants none
		if err != nil {
			t.Fatal(err)
		}
		confirm := func(code *string) error {
			return second(w.ConfirmRequest(w.ctx, customer, customers.ConfirmAssociationRequest{RequestID: request.ID, Code: code, IdempotencyKey: "once"}))
		}
		w.want("confirmed without", confirm(nil), "CODE_REQUIRED")
		right = code(customer, models.CodeRelation)
		if err := confirm(&right); err != nil {
			t.Fatal(err)
		}
		if err := confirm(&right); err != nil { // the key answers, though the code is spent
			t.Errorf("repeated: %v", err)
		}
		w.want("a spent code", ask(&right), "CODE_SPENT")
	})
}

// A reader of QR codes finds the link, whatever the size (C06).
func TestTheQRCodeIsTheLink(t *testing.T) {
	t.Parallel()
	link := "https://sales.example.com/invitation/" + strings.Repeat("aZ_-0", 8) + "xyz"
	for _, size := range []int{128, 256, 1000, 1024} {
		url, err := (customers.Invited{Link: &link}).QRCode(size)
		if err != nil {
			t.Fatal(err)
		}
		encoded, isPNG := strings.CutPrefix(*url, "data:image/png;base64,")
		drawn, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(encoded)))
		if err != nil || !isPNG || drawn.Bounds().Dx() != size || drawn.Bounds().Dy() != size {
			t.Fatalf("%d: %v", size, err)
		}
		bitmap, err := gozxing.NewBinaryBitmapFromImage(drawn)
		if err != nil {
			t.Fatal(err)
		}
		// As drawn: looking for a code in a photograph, this reader misses one of 200 that are larger.
		read, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
		if err != nil || read.GetText() != link {
			t.Errorf("%d: read %v, %v", size, read, err)
		}
	}
	for _, size := range []int{-1, 0, 127, 1025} {
		if _, err := (customers.Invited{Link: &link}).QRCode(size); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("%d: %v", size, err)
		}
	}
	if url, err := (customers.Invited{}).QRCode(256); url != nil || err != nil {
		t.Errorf("without a link: %v, %v", url, err)
	}
}
