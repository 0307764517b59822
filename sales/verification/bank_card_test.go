package verification_test

import (
	"errors"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/verification"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// byCard is a complete application of a person by bank card, but for the code.
func (w *world) byCard(who models.Principal, customer models.ID) verification.SubmitIndividual {
	return verification.SubmitIndividual{
		CustomerID: customer, IdentifyType: models.IdentifyByBankCard, Name: "Li Lei", Number: "310101199001011234",
		BankCard: ptr("6222021234567890"), Phone: ptr("0086-13800000000"), Attachments: w.attachments(who, 1),
	}
}

func (w *world) sends(who models.Principal, customer models.ID) func() error {
	return func() error {
		_, err := w.SendRealNameCode(w.t.Context(), who, verification.SendRealNameCode{CustomerID: customer})
		return err
	}
}

func wrong(code string) *string {
	if code == "000000" {
		return ptr("000001")
	}
	return ptr("000000")
}

// TestABankCardNeedsACodeAndAFace is R03: the customer's own code, which it tells its partner.
func TestABankCardNeedsACodeAndAFace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, who := t.Context(), as(w.provider)
		w.Registry = w
		customer := w.customer(w.provider.ID, models.NotVerified, models.CustomerKindNone)
		w.bucket = map[string][]byte{"face.pdf": []byte("%PDF-1.4\nstartxref\n9\n%%EOF\n")}
		good := w.byCard(who, customer.ID)
		code := w.code(w.sends(who, customer.ID))
		if told := w.lastEvent(models.EventCodeRequested); told.CustomerID != customer.ID || told.PartnerID != w.provider.ID || told.ActorOrgID != w.provider.ID {
			t.Errorf("asked for: %+v", told)
		}
		good.Code = &code
		for name, row := range map[string]struct {
			change func(*verification.SubmitIndividual)
			want   string
		}{
			"no code":      {func(c *verification.SubmitIndividual) { c.Code = nil }, "CODE_REQUIRED"},
			"half a code":  {func(c *verification.SubmitIndividual) { c.Code = ptr("123") }, "INVALID"},
			"a wrong code": {func(c *verification.SubmitIndividual) { c.Code = wrong(code) }, "CODE_WRONG"},
			"no card":      {func(c *verification.SubmitIndividual) { c.BankCard = nil }, "INVALID"},
			"no phone":     {func(c *verification.SubmitIndividual) { c.Phone = ptr("138") }, "INVALID"},
			"a passport":   {func(c *verification.SubmitIndividual) { c.DocumentType = ptr(models.DocumentPassport) }, "INVALID"},
			"three files":  {func(c *verification.SubmitIndividual) { c.Attachments = w.attachments(who, 3) }, "WRONG_IMAGES"},
			"no picture": {func(c *verification.SubmitIndividual) {
				c.Attachments = []verification.Attachment{{Path: ptr("face.pdf")}}
			}, "WRONG_IMAGES"},
		} {
			cmd := good
			row.change(&cmd)
			if _, err := w.SubmitIndividual(ctx, who, cmd); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", name, err, row.want)
			}
		}
		if w.asked != 0 {
			t.Errorf("the authority heard of it %d times", w.asked)
		}
		w.Codes = nil
		if _, err := w.SubmitIndividual(ctx, who, good); !errors.Is(err, verification.ErrCodesOff) {
			t.Errorf("nobody sends codes: %v", err)
		}
		if err := w.sends(who, customer.ID)(); !errors.Is(err, verification.ErrCodesOff) {
			t.Errorf("nobody sends codes: %v", err)
		}
		w.Codes = w.codes
		done, err := w.SubmitIndividual(ctx, who, good)
		if err != nil || done.Verification.DocumentType != models.DocumentIDCard || done.Verification.Attachments()[0].Role != models.RoleFace {
			t.Errorf("%+v, %v", done.Verification, err)
		}
		if used := w.lastEvent(models.EventCodeUsed); used.CustomerID != customer.ID || used.PartnerID != w.provider.ID || used.ActorOrgID != w.provider.ID {
			t.Errorf("used: %+v", used)
		}
	})
}

// TestTheCodeIsTheCustomersOwn: whoever asks for it, it is one code of one customer, good once and for ten minutes.
func TestTheCodeIsTheCustomersOwn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, who := t.Context(), as(w.provider)
		submit := func(customer models.ID, code *string) (models.ID, error) {
			cmd := w.byCard(who, customer)
			cmd.Code = code
			done, err := w.SubmitIndividual(ctx, who, cmd)
			return done.Verification.ID, err
		}
		want := func(what string, err error, reason string) {
			t.Helper()
			if got := reasonOf(err); got != reason {
				t.Errorf("%s: %v, want %s", what, err, reason)
			}
		}
		first := w.customer(w.provider.ID, models.NotVerified, models.CustomerKindNone)
		another := w.customer(w.provider.ID, models.NotVerified, models.CustomerKindNone)

		// The customer asks itself, and tells its partner.
		own := w.code(func() error {
			_, err := w.codes.Send(ctx, asCustomer(first), identity.SendVerificationCode{Purpose: models.CodeRealName})
			return err
		})
		_, err := submit(another.ID, &own)
		want("another customer's", err, "CODE_REQUIRED")
		newer := w.code(w.sends(who, first.ID))
		if own != newer {
			_, err = submit(first.ID, &own)
			want("one that was replaced", err, "CODE_WRONG")
		}
		id, err := submit(first.ID, &newer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Review(ctx, operator(), verification.Review{VerificationID: id, Opinion: ptr("blurred")}); err != nil {
			t.Fatal(err)
		}
		_, err = submit(first.ID, &newer)
		want("a spent one", err, "CODE_SPENT")

		late := w.code(w.sends(who, another.ID))
		w.at = w.at.Add(models.CodeValidity)
		_, err = submit(another.ID, &late)
		want("an expired one", err, "CODE_EXPIRED")
		code := w.code(w.sends(who, another.ID))
		for range models.CodeTries {
			_, err = submit(another.ID, wrong(code))
			want("a wrong one", err, "CODE_WRONG")
		}
		_, err = submit(another.ID, &code)
		want("the right one, too late", err, "TOO_MANY_TRIES")
	})
}

// TestWhoAsksForACustomersCode is who may verify it, no more often than the customer itself.
func TestWhoAsksForACustomersCode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		mine := w.customer(w.provider.ID, models.NotVerified, models.CustomerKindNone)
		below := w.customer(w.reseller.ID, models.NotVerified, models.CustomerKindNone)
		off := w.customer(w.stranger.ID, models.NotVerified, models.CustomerKindNone)
		w.off[w.stranger.ID] = true
		verified := w.customer(w.provider.ID, models.Verified, models.Individual)
		narrow := as(w.provider)
		narrow.Permissions = []models.Permission{models.ReadCustomers}
		for name, row := range map[string]struct {
			who      models.Principal
			customer models.ID
			want     string
		}{
			"its partner":               {as(w.provider), mine.ID, ""},
			"the distributor above":     {as(w.distributor), below.ID, ""},
			"an operator":               {operator(), off.ID, ""},
			"a reseller":                {as(w.reseller), below.ID, "NOT_FOR_RESELLERS"},
			"a stranger":                {as(w.distributor), mine.ID, "NOT_FOUND"},
			"a customer":                {asCustomer(mine), mine.ID, "FORBIDDEN"},
			"nobody":                    {models.Principal{}, mine.ID, "UNAUTHENTICATED"},
			"without the right":         {narrow, mine.ID, "FORBIDDEN"},
			"no customer":               {as(w.provider), w.provider.ID, "INVALID"},
			"where attachments are off": {as(w.stranger), off.ID, "ATTACHMENTS_OFF"},
			"for whoever is verified":   {as(w.provider), verified.ID, "ALREADY_VERIFIED"},
		} {
			err := w.sends(row.who, row.customer)()
			if got := reasonOf(err); got != row.want {
				t.Errorf("%s: %v, want %q", name, err, row.want)
			}
		}
		ask := func(who models.Principal) string { return reasonOf(w.sends(who, mine.ID)()) }
		w.at = w.at.Add(models.CodePause - time.Second)
		if got := ask(operator()); got != "RATE_LIMITED" {
			t.Errorf("an operator a moment after the partner: %q", got)
		}
		w.at = w.at.Add(time.Second)
		for range models.CodesPerHour - 1 {
			if got := ask(as(w.provider)); got != "" {
				t.Fatal(got)
			}
			w.at = w.at.Add(models.CodePause)
		}
		if _, err := w.codes.Send(t.Context(), asCustomer(mine), identity.SendVerificationCode{Purpose: models.CodeRealName}); reasonOf(err) != "RATE_LIMITED" {
			t.Errorf("the customer, when its partner has used the hour up: %v", err)
		}
		w.at, w.email = w.at.Add(time.Hour), nil
		if got := ask(as(w.provider)); got != "NO_ADDRESS" {
			t.Errorf("without an address: %q", got)
		}
		french := models.Language("FR")
		_, err := w.SendRealNameCode(t.Context(), as(w.provider), verification.SendRealNameCode{CustomerID: mine.ID, Language: &french})
		if reasonOf(err) != "INVALID" {
			t.Errorf("a language: %v", err)
		}
	})
}
