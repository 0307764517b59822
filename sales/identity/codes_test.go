package identity_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// codes is the world with a room for codes and a mailbox.
type codes struct {
	*world
	*identity.Codes
	t       *testing.T
	email   *string // of the customer's account
	sent    []identity.CodeMessage
	refused bool
	down    error
}

// EmailOfIn stands for sales/customers, which lives above this room.
func (c *codes) EmailOfIn(context.Context, bun.IDB, models.ID) (*string, error) { return c.email, nil }

func (c *codes) deliver(_ context.Context, m identity.CodeMessage) (bool, error) {
	c.sent = append(c.sent, m)
	return c.refused, c.down
}

type sender func(context.Context, identity.CodeMessage) (bool, error)

func (s sender) SendCode(ctx context.Context, m identity.CodeMessage) (bool, error) { return s(ctx, m) }

func newCodes(t *testing.T, db *store.DB) *codes {
	t.Helper()
	sealer, err := seal.New("test:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	must(t, err)
	address := "Mei.Lin@Example.com"
	c := &codes{world: newWorld(t, db), t: t, email: &address}
	c.Codes = &identity.Codes{
		DB: db, Now: c.Service.Now, IDs: c.Service.IDs, Events: c.Service.Events, Random: rand.Reader, Seal: sealer, Addresses: c,
		Sender: sender(c.deliver), Attempts: c.Service.Attempts, Logger: slog.New(slog.DiscardHandler),
	}
	c.buyer.UserID, c.member.UserID = "usr_buyer", "usr_member"
	return c
}

var digits = regexp.MustCompile(`[0-9]{6}`)

// ask asks for a code and returns it from the letter.
func (c *codes) ask(who models.Principal, cmd identity.SendVerificationCode) (string, identity.SentCode) {
	c.t.Helper()
	done, err := c.Send(c.t.Context(), who, cmd)
	must(c.t, err)
	c.post()
	return digits.FindString(c.sent[len(c.sent)-1].Letter.Subject), done
}

// post hands the newest request for a code to the sender, as the relay does.
func (c *codes) post() {
	c.t.Helper()
	must(c.t, c.SendCode(c.t.Context(), c.lastEvent(models.EventCodeRequested)))
}

func (c *codes) lastEvent(kind models.EventType) models.Event {
	c.t.Helper()
	var events []models.Event
	must(c.t, c.Codes.DB.NewSelect().Model(&events).Where("ev.type = ?", kind).Order("ev.id DESC").Limit(1).Scan(c.t.Context()))
	if len(events) == 0 {
		c.t.Fatalf("no event %s", kind)
	}
	return events[0]
}

var errLater = errors.New("what the code was for has failed")

// use tries and spends a code, and fails afterwards when told to.
func (c *codes) use(who models.Principal, purpose models.CodePurpose, code *string, failing error) error {
	c.t.Helper()
	proof, err := c.Try(c.t.Context(), who, purpose, code)
	must(c.t, err)
	return c.Codes.DB.InTx(c.t.Context(), func(ctx context.Context, tx bun.Tx) error {
		if err := c.Use(ctx, tx, who, proof); err != nil {
			return err
		}
		return failing
	})
}

func (c *codes) want(what string, err error, reason string) {
	c.t.Helper()
	got := models.ReasonOf(err)
	if got == "" {
		got = string(models.CodeOf(err))
	}
	if got != reason {
		c.t.Errorf("%s: got %q (%v), want %q", what, got, err, reason)
	}
}

// other is a code of six digits that is not this one.
func other(code string) *string {
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	return &wrong
}

func TestACodeIsGoodOnceForItsPurposeAndPerson(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCodes(t, db)
		for _, empty := range []*string{nil, new(string)} {
			c.want("no code", c.use(c.buyer, models.CodeGrantAuthorization, empty, nil), "CODE_REQUIRED")
		}
		c.want("none was sent", c.use(c.buyer, models.CodeGrantAuthorization, other(""), nil), "CODE_REQUIRED")

		code, sent := c.ask(c.buyer, identity.SendVerificationCode{Purpose: models.CodeGrantAuthorization})
		if want := (identity.SentCode{SentTo: "M***@E***.com", ExpiresAt: c.Codes.Now().Add(10 * time.Minute), RetryAfter: 60}); cmp.Diff(want, sent) != "" {
			t.Errorf("sent %+v, want %+v", sent, want)
		}
		if to := c.sent[0].To; to != "Mei.Lin@Example.com" {
			t.Errorf("it went to %s", to)
		}
		colleague := c.buyer
		colleague.UserID = "usr_colleague"
		c.want("a colleague", c.use(colleague, models.CodeGrantAuthorization, &code, nil), "CODE_REQUIRED")
		c.want("another purpose", c.use(c.buyer, models.CodeRevokeAuthorization, &code, nil), "CODE_REQUIRED")
		for _, bad := range []string{"12345", "1234567", "12345x", " 12345", "１２３４５６"} {
			c.want(bad, c.use(c.buyer, models.CodeGrantAuthorization, &bad, nil), string(models.CodeInvalid))
		}
		if err := c.use(c.buyer, models.CodeGrantAuthorization, &code, errLater); !errors.Is(err, errLater) {
			t.Fatalf("the act that fails: %v", err)
		}
		must(t, c.use(c.buyer, models.CodeGrantAuthorization, &code, nil)) // the failure gave the code back
		c.want("again", c.use(c.buyer, models.CodeGrantAuthorization, &code, nil), "CODE_SPENT")
		if used := c.lastEvent(models.EventCodeUsed); used.CustomerID != c.customer || used.ActorID != "usr_buyer" {
			t.Errorf("used %+v", used)
		}
	})
}

// Two transactions that both hold the right code: one has it.
func TestOneCodeServesOneActAtATime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCodes(t, db)
		code, _ := c.ask(c.buyer, identity.SendVerificationCode{Purpose: models.CodeWithdrawal})
		var group sync.WaitGroup
		answers := make([]error, 4)
		for i := range answers {
			group.Go(func() {
				proof, err := c.Try(t.Context(), c.buyer, models.CodeWithdrawal, &code)
				if err != nil {
					answers[i] = err
					return
				}
				answers[i] = db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return c.Use(ctx, tx, c.buyer, proof) })
			})
		}
		group.Wait()
		served := 0
		for _, err := range answers {
			if err == nil {
				served++
				continue
			}
			c.want("a loser", err, "CODE_SPENT")
		}
		if served != 1 {
			t.Errorf("one code served %d acts", served)
		}
	})
}

func TestWrongCodesCountThoughTheActIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCodes(t, db)
		code, _ := c.ask(c.buyer, identity.SendVerificationCode{Purpose: models.CodeWithdrawal})
		for left := models.CodeTries - 1; left >= 0; left-- {
			err := c.use(c.buyer, models.CodeWithdrawal, other(code), nil)
			c.want("a wrong one", err, "CODE_WRONG")
			var refused *models.Error
			if !errors.As(err, &refused) || refused.Details["triesLeft"] != left {
				t.Errorf("details %v, want %d tries left", refused.Details, left)
			}
		}
		c.want("the right one, too late", c.use(c.buyer, models.CodeWithdrawal, &code, nil), "TOO_MANY_TRIES")

		c.now = c.now.Add(models.CodePause)
		code, _ = c.ask(c.buyer, identity.SendVerificationCode{Purpose: models.CodeWithdrawal})
		c.now = c.now.Add(models.CodeValidity)
		c.want("too late", c.use(c.buyer, models.CodeWithdrawal, &code, nil), "CODE_EXPIRED")

		older, _ := c.ask(c.buyer, identity.SendVerificationCode{Purpose: models.CodeWithdrawal})
		c.now = c.now.Add(models.CodePause)
		newer, _ := c.ask(c.buyer, identity.SendVerificationCode{Purpose: models.CodeWithdrawal})
		if older != newer {
			c.want("one that was replaced", c.use(c.buyer, models.CodeWithdrawal, &older, nil), "CODE_WRONG")
		}
		must(t, c.use(c.buyer, models.CodeWithdrawal, &newer, nil))
	})
}

func TestAskingForCodesIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCodes(t, db)
		poor := c.buyer
		poor.Permissions = []models.Permission{models.ReadCustomers}
		powerless := c.member
		powerless.Permissions = []models.Permission{models.ChangeRelations}
		french, mine := models.Language("FR"), "me@example.com"
		bad := "me"
		for name, row := range map[string]struct {
			who  models.Principal
			cmd  identity.SendVerificationCode
			want string
		}{
			"nobody":                  {models.Principal{}, identity.SendVerificationCode{Purpose: models.CodeStepUp}, "UNAUTHENTICATED"},
			"an operator":             {c.operator, identity.SendVerificationCode{Purpose: models.CodeStepUp}, "FORBIDDEN"},
			"without a right":         {poor, identity.SendVerificationCode{Purpose: models.CodeWithdrawal}, "FORBIDDEN"},
			"a partner that grants":   {c.member, identity.SendVerificationCode{Purpose: models.CodeGrantAuthorization}, "FORBIDDEN"},
			"a partner, verified":     {c.member, identity.SendVerificationCode{Purpose: models.CodeRealName}, "FORBIDDEN"},
			"a customer that funds":   {c.buyer, identity.SendVerificationCode{Purpose: models.CodeFunding}, "FORBIDDEN"},
			"an operator that funds":  {c.operator, identity.SendVerificationCode{Purpose: models.CodeFunding}, "FORBIDDEN"},
			"funding without a right": {powerless, identity.SendVerificationCode{Purpose: models.CodeFunding}, "FORBIDDEN"},
			"no purpose":              {c.buyer, identity.SendVerificationCode{Purpose: "ANY"}, "INVALID"},
			"a language":              {c.buyer, identity.SendVerificationCode{Purpose: models.CodeStepUp, Language: &french}, "INVALID"},
			"a customer's own choice": {c.buyer, identity.SendVerificationCode{Purpose: models.CodeStepUp, Email: &mine}, "INVALID"},
			"a partner's, elsewhere":  {c.member, identity.SendVerificationCode{Purpose: models.CodeWithdrawal, Email: &mine}, "INVALID"},
			"no address at all":       {c.member, identity.SendVerificationCode{Purpose: models.CodeWithdrawal}, "NO_ADDRESS"},
			"what is none":            {c.member, identity.SendVerificationCode{Purpose: models.CodeStepUp, Email: &bad}, "INVALID"},
		} {
			_, err := c.Send(t.Context(), row.who, row.cmd)
			c.want(name, err, row.want)
		}
		email := c.email
		c.email = nil
		_, err := c.Send(t.Context(), c.buyer, identity.SendVerificationCode{Purpose: models.CodeStepUp})
		c.want("an account without an address", err, "NO_ADDRESS")
		c.email = email
		c.Sender = nil
		_, err = c.Send(t.Context(), c.buyer, identity.SendVerificationCode{Purpose: models.CodeStepUp})
		c.want("without a mail server", err, "MAIL_NOT_SET_UP")
		n, err := db.NewSelect().Model((*models.VerificationCode)(nil)).Count(t.Context())
		if must(t, err); n != 0 {
			t.Errorf("the refusals left %d codes", n)
		}
	})
}

func TestCodesAreThrottled(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCodes(t, db)
		cmd := identity.SendVerificationCode{Purpose: models.CodeWithdrawal}
		c.ask(c.buyer, cmd)
		c.now = c.now.Add(models.CodePause - time.Second)
		_, err := c.Send(t.Context(), c.buyer, cmd)
		c.want("too soon", err, "RATE_LIMITED")
		c.now = c.now.Add(time.Second)
		for range models.CodesPerHour - 1 {
			c.ask(c.buyer, cmd)
			c.now = c.now.Add(models.CodePause)
		}
		_, err = c.Send(t.Context(), c.buyer, cmd)
		c.want("too many in an hour", err, "RATE_LIMITED")
		c.ask(c.buyer, identity.SendVerificationCode{Purpose: models.CodeStepUp}) // another purpose

		// Many people of one customer still have one mailbox.
		for i := 0; ; i++ {
			who := c.buyer
			who.UserID = models.ID(strings.Repeat("x", i+1))
			if _, err = c.Send(t.Context(), who, cmd); err != nil {
				if i+models.CodesPerHour+1 != models.CodesPerAddress {
					t.Errorf("the address was spared after %d more", i)
				}
				break
			}
		}
		c.want("too many to an address", err, "RATE_LIMITED")
		c.now = c.now.Add(25 * time.Hour)
		c.ask(c.buyer, cmd)

		// And many organisations have one network address, which only the cache counts.
		c.now = c.now.Add(time.Hour)
		from := c.foreign
		from.RemoteAddr = "192.0.2.1"
		for i := range 31 {
			_, err := c.Send(t.Context(), from, cmd)
			want := "NO_ADDRESS"
			if i == 30 {
				want = "RATE_LIMITED"
			}
			c.want("from one network address", err, want)
		}
	})
}

// The code is neither in an event nor, once it is sent, anywhere in the database.
func TestCodesAreKeptFromEyes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCodes(t, db)
		c.down = errors.New("away")
		_, err := c.Send(t.Context(), c.buyer, identity.SendVerificationCode{Purpose: models.CodeWithdrawal})
		must(t, err)
		event := c.lastEvent(models.EventCodeRequested)
		if err := c.SendCode(t.Context(), event); !errors.Is(err, c.down) {
			t.Fatalf("a mail server that is away: %v", err)
		}
		c.down = nil
		must(t, c.SendCode(t.Context(), event))
		must(t, c.SendCode(t.Context(), event)) // delivered twice, sent once more is enough
		if len(c.sent) != 2 || c.sent[0].ID != c.sent[1].ID {
			t.Fatalf("sent %+v", c.sent)
		}
		code := digits.FindString(c.sent[1].Letter.Subject)
		written, err := json.Marshal(event)
		must(t, err)
		if strings.Contains(string(written), code) && !strings.Contains(string(event.ID), code) {
			t.Errorf("the event has the code: %s", written)
		}
		if strings.Contains(strings.ToLower(string(written)), "example.com") {
			t.Errorf("the event has the address: %s", written)
		}
		var row models.VerificationCode
		must(t, db.NewSelect().Model(&row).Scan(t.Context()))
		if row.CodeSealed != nil || row.MailState != models.MailSent || strings.Contains(row.Hash, code) || strings.Contains(string(row.ToSealed), "xample") {
			t.Errorf("row %+v", row)
		}

		c.refused = true
		c.now = c.now.Add(models.CodePause)
		c.ask(c.buyer, identity.SendVerificationCode{Purpose: models.CodeWithdrawal})
		must(t, c.SendCode(t.Context(), c.lastEvent(models.EventCodeRequested)))
		if len(c.sent) != 3 {
			t.Errorf("what a mail server refuses for good was sent %d times", len(c.sent)-2)
		}

		// What has expired or was replaced meanwhile is not sent.
		c.now = c.now.Add(models.CodePause)
		_, err = c.Send(t.Context(), c.buyer, identity.SendVerificationCode{Purpose: models.CodeWithdrawal})
		must(t, err)
		c.now = c.now.Add(models.CodeValidity)
		c.post()
		if len(c.sent) != 3 {
			t.Error("an expired code was sent")
		}

		c.now = c.now.Add(8 * 24 * time.Hour)
		if n, err := c.Sweep(t.Context()); err != nil || n != 3 {
			t.Errorf("swept %d, %v", n, err)
		}
	})
}

// confirmed is the partner's person once its address is confirmed.
func (c *codes) confirmed() models.Principal {
	c.t.Helper()
	shown, err := c.StepUp(c.t.Context(), c.member)
	if must(c.t, err); len(shown.Actions) > 0 {
		return c.member
	}
	desk := "desk@example.com"
	code, _ := c.ask(c.member, identity.SendVerificationCode{Purpose: models.CodeStepUp, Email: &desk})
	_, err = c.SetStepUp(c.t.Context(), c.member, identity.SetStepUp{Actions: []models.StepUpAction{models.StepUpFunding}, Email: &desk, Code: &code})
	must(c.t, err)
	return c.member
}

// TestFundingAsksForACodeOfItsOwn: of whoever moves money or pays, and of partners only.
func TestFundingAsksForACodeOfItsOwn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCodes(t, db)
		who := c.confirmed()
		guard := func(proof identity.Proof) error {
			return db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				return c.Guard(ctx, tx, who, models.StepUpFunding, proof)
			})
		}
		c.want("without one", guard(identity.Proof{}), "CODE_REQUIRED")
		for _, permission := range []models.Permission{models.MoveMoney, models.PayOrders} {
			narrow := who
			narrow.Permissions = []models.Permission{permission}
			c.now = c.now.Add(models.CodePause)
			code, _ := c.ask(narrow, identity.SendVerificationCode{Purpose: models.CodeFunding})
			proof, err := c.Try(t.Context(), who, models.CodeWithdrawal, &code)
			must(t, err)
			c.want("for another purpose", proof.Refusal(), "CODE_REQUIRED")
			proof, err = c.Try(t.Context(), who, models.CodeFunding, &code)
			must(t, err)
			must(t, guard(proof))
			c.want("again", guard(proof), "CODE_SPENT")
		}
		code, _ := c.ask(c.buyer, identity.SendVerificationCode{Purpose: models.CodeStepUp})
		_, err := c.SetStepUp(t.Context(), c.buyer, identity.SetStepUp{Actions: []models.StepUpAction{models.StepUpFunding}, Code: &code})
		c.want("a customer's funding", err, "INVALID")
	})
}

func TestLettersOfCodesAreInBothLanguages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCodes(t, db)
		seen := map[string]bool{}
		for _, purpose := range models.CodePurposes() {
			for _, language := range []models.Language{models.English, models.Chinese} {
				c.now = c.now.Add(time.Hour)
				who := c.buyer
				if purpose == models.CodeFunding { // which is for partners, to the address that they have confirmed
					who = c.confirmed()
				}
				code, _ := c.ask(who, identity.SendVerificationCode{Purpose: purpose, Language: &language})
				letter := c.sent[len(c.sent)-1].Letter
				if len(code) != models.CodeDigits || !strings.Contains(letter.Text, code) || !strings.Contains(letter.HTML, "<strong>"+code+"</strong>") {
					t.Errorf("%s %s: %+v", purpose, language, letter)
				}
				if strings.Contains(letter.Text, "验证码") != (language == models.Chinese) {
					t.Errorf("%s %s is in the wrong language", purpose, language)
				}
				text := strings.ReplaceAll(letter.Text, code, "")
				if seen[text] {
					t.Errorf("%s %s says what another one says", purpose, language)
				}
				seen[text] = true
			}
		}
	})
}

func TestStepUpIsTurnedOnWithACodeFromTheAddressItUses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCodes(t, db)
		mine, another := "desk@partner.example.com", "other@partner.example.com"
		both := []models.StepUpAction{models.StepUpRelations, models.StepUpWithdrawals, models.StepUpRelations}
		set := func(who models.Principal, cmd identity.SetStepUp) error {
			_, err := c.SetStepUp(t.Context(), who, cmd)
			return err
		}
		c.want("without a code", set(c.member, identity.SetStepUp{Actions: both, Email: &mine}), "CODE_REQUIRED")
		code, _ := c.ask(c.member, identity.SendVerificationCode{Purpose: models.CodeStepUp, Email: &mine})
		c.want("a wrong one", set(c.member, identity.SetStepUp{Actions: both, Email: &mine, Code: other(code)}), "CODE_WRONG")
		c.want("another address", set(c.member, identity.SetStepUp{Actions: both, Email: &another, Code: &code}), "INVALID")
		c.want("no address", set(c.member, identity.SetStepUp{Actions: both, Code: &code}), "INVALID")
		c.want("what is no action", set(c.member, identity.SetStepUp{Actions: []models.StepUpAction{"ALL"}, Code: &code}), "INVALID")
		c.want("another organisation", set(c.member, identity.SetStepUp{OrganisationID: &c.stranger, Code: &code}), "NOT_FOUND")
		done, err := c.SetStepUp(t.Context(), c.member, identity.SetStepUp{Actions: both, Email: &mine, Code: &code})
		must(t, err)
		want := []models.StepUpAction{models.StepUpRelations, models.StepUpWithdrawals}
		if diff := cmp.Diff(want, done.StepUp.Actions); diff != "" || *done.StepUp.SentTo != "d***@p***.com" {
			t.Errorf("%s %v", diff, *done.StepUp.SentTo)
		}
		if set := c.lastEvent(models.EventStepUpSet); set.PartnerID != c.distributor || *set.Changes[0].After != "RELATIONS,WITHDRAWALS" {
			t.Errorf("event %+v", set)
		}

		// From now on codes go there and nowhere else, and without one nothing is turned off.
		c.now = c.now.Add(models.CodePause)
		_, err = c.Send(t.Context(), c.member, identity.SendVerificationCode{Purpose: models.CodeStepUp, Email: &another})
		c.want("another address", err, "INVALID")
		code, _ = c.ask(c.member, identity.SendVerificationCode{Purpose: models.CodeStepUp})
		c.want("an address beside it", set(c.member, identity.SetStepUp{Email: &another, Code: &code}), "INVALID")
		c.want("by the way", set(c.member, identity.SetStepUp{}), "CODE_REQUIRED")
		must(t, set(c.member, identity.SetStepUp{Actions: want[:1], Code: &code}))
		asks := func(action models.StepUpAction) error {
			return db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				return c.Guard(ctx, tx, c.member, action, identity.Proof{})
			})
		}
		c.want("relations", asks(models.StepUpRelations), "CODE_REQUIRED")
		must(t, asks(models.StepUpWithdrawals))

		// Operators help who has lost the address, and do nothing else.
		c.want("on", set(c.operator, identity.SetStepUp{OrganisationID: &c.distributor, Actions: want}), "FORBIDDEN")
		c.want("for nobody", set(c.operator, identity.SetStepUp{}), "INVALID")
		must(t, set(c.operator, identity.SetStepUp{OrganisationID: &c.distributor}))
		must(t, asks(models.StepUpRelations))
		if shown, err := c.StepUp(t.Context(), c.member); err != nil || len(shown.Actions) != 0 || shown.SentTo != nil {
			t.Errorf("%+v %v", shown, err)
		}

		// A customer's codes go to its account's address.
		code, _ = c.ask(c.buyer, identity.SendVerificationCode{Purpose: models.CodeStepUp})
		c.want("another address", set(c.buyer, identity.SetStepUp{Actions: want, Email: &mine, Code: &code}), "INVALID")
		must(t, set(c.buyer, identity.SetStepUp{Actions: want, Code: &code}))
		if shown, err := c.StepUp(t.Context(), c.buyer); err != nil || len(shown.Actions) != 2 || *shown.SentTo != "M***@E***.com" {
			t.Errorf("%+v %v", shown, err)
		}
		if shown, err := c.StepUp(t.Context(), c.operator); shown != nil || err != nil {
			t.Errorf("an operator has %+v, %v", shown, err)
		}
	})
}
