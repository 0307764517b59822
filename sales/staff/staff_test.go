package staff_test

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/staff"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestAQuarterIsPaid walks N07 from the invitation to the payment, and looks at what is kept, what it comes to and what the list says.
func TestAQuarterIsPaid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		invited := w.invited(w.provider)
		if invited.State != models.StaffInvited || invited.Agreement() != nil || !w.due[invited.ID].Equal(models.BenefitYearEnds(2026)) {
			t.Errorf("%+v, due %s", invited, w.due[invited.ID])
		}
		signed, err := w.request(w.provider, invited.ID)
		w.must(err)
		want := models.StaffAgreement{Version: "2026-1", Signatory: "Signing Person", SignedBy: string(as(w.provider).KeyID), SignedAt: w.at}
		if diff := cmp.Diff(&want, signed.Agreement()); diff != "" {
			t.Errorf("the agreement: %s", diff)
		}
		scheme, err := w.ReviewScheme(ctx, operator(), staff.ReviewScheme{SchemeID: invited.ID, Approve: true})
		w.must(err)
		id := scheme.StaffScheme.ID
		engineer := w.added(w.provider, id)
		manager := w.person(id)
		manager.Role, manager.Name = "MANAGER", "=formula"
		managed, err := w.AddMember(ctx, as(w.provider), manager)
		w.must(err)
		july := w.confirmed(w.provider, engineer.ID, "2026-07", "20.5", "BASE")
		if !july.Exact.Equal(d("1439.7833332855")) { // 20.5 x 100.33333333 x 0.7, not rounded
			t.Errorf("July is worth %s", july.Exact)
		}
		w.confirmed(w.provider, engineer.ID, "2026-08", "1", "BASE", "BONUS")
		w.confirmed(w.provider, managed.StaffMember.ID, "2026-09", "3", "BONUS")
		refused, err := w.apply(w.provider, managed.StaffMember.ID, "2026-08", "4", "BASE")
		w.must(err)
		_, err = w.pay(id, 3)
		w.want(err, "STAFF_MONTHS_WAITING")
		_, err = w.ReviewMonth(ctx, operator(), staff.ReviewMonth{MonthID: refused.ID, Reason: ptr("Nobody saw them.")})
		w.must(err)
		payment, err := w.pay(id, 3)
		w.must(err)
		if !payment.Exact.Equal(d("1720.1166666155")) || payment.AmountMinor != 172_012 || payment.State != models.StaffPaymentRequested {
			t.Errorf("%+v", payment)
		}
		_, err = w.pay(id, 3)
		w.want(err, "STAFF_QUARTER_REQUESTED")
		_, err = w.apply(w.provider, managed.StaffMember.ID, "2026-08", "4", "BASE")
		w.want(err, "STAFF_QUARTER_REQUESTED")
		_, err = w.PostPayment(ctx, as(w.provider), staff.PostPayment{PaymentID: payment.ID, InvoiceNumber: "INV-1"})
		w.want(err, "STAFF_PAYMENT_STATE")
		_, err = w.ReviewPayment(ctx, operator(), staff.ReviewPayment{PaymentID: payment.ID, Approve: true})
		w.must(err)
		_, err = w.PostPayment(ctx, as(w.provider), staff.PostPayment{PaymentID: payment.ID, InvoiceNumber: "INV-1"})
		w.want(err, "STAFF_LIST_NOT_PRINTED")
		w.wantList(payment.ID, engineer, managed.StaffMember)
		posted, err := w.PostPayment(ctx, as(w.provider), staff.PostPayment{PaymentID: payment.ID, InvoiceNumber: "INV-1"})
		w.must(err)
		if posted.StaffPayment.State != models.StaffPaymentAwaiting || posted.StaffPayment.InvoiceNumber != "INV-1" {
			t.Errorf("%+v", posted.StaffPayment)
		}
		for range 2 { // the key answers again
			paid, err := w.Pay(ctx, operator(), staff.Pay{PaymentID: payment.ID, Reference: "R-1", IdempotencyKey: "once"})
			w.must(err)
			if paid.StaffPayment.State != models.StaffPaymentPaid || paid.StaffPayment.Reference != "R-1" || paid.StaffPayment.PaidAt == nil {
				t.Errorf("%+v", paid.StaffPayment)
			}
		}
		_, err = w.Pay(ctx, operator(), staff.Pay{PaymentID: payment.ID, Reference: "R-1", IdempotencyKey: "twice"})
		w.want(err, "STAFF_PAYMENT_STATE")
		if diff := cmp.Diff(map[models.ID]models.Money{payment.ID: models.NewMoney(172_012, models.CNY)}, w.credited); diff != "" {
			t.Errorf("credited: %s", diff)
		}
		want2 := []models.EventType{
			models.EventStaffPaymentRequested, models.EventStaffPaymentApproved, models.EventStaffListExported, models.EventStaffListExported, models.EventStaffPaymentPosted, models.EventStaffPaymentPaid,
		}
		if diff := cmp.Diff(want2, w.told(payment.ID)); diff != "" {
			t.Error(diff)
		}
	})
}

// wantList takes the list of a payment once, by its address, and looks at what it says.
func (w *world) wantList(payment models.ID, engineer, manager models.StaffMember) {
	w.t.Helper()
	ctx := w.t.Context()
	ready, err := w.ExportList(ctx, as(w.provider), staff.Payment{PaymentID: payment})
	w.must(err)
	if ready.StaffPayment.PrintedAt == nil {
		w.t.Error("the list was taken, and nothing says so")
	}
	_, token, _ := strings.Cut(ready.URL, files.DownloadPath)
	for _, who := range []models.Principal{as(w.stranger), operator()} {
		_, err = w.OpenList(ctx, who, token)
		w.want(err, "NOT_FOUND")
	}
	_, err = w.OpenList(ctx, without(as(w.provider), models.ReadIncentives), token)
	w.want(err, "FORBIDDEN")
	opened, err := w.OpenList(ctx, as(w.provider), token)
	w.must(err)
	content, err := io.ReadAll(opened.Body)
	w.must(err)
	lines := strings.Split(strings.TrimSpace(strings.TrimPrefix(string(content), "\ufeff")), "\r\n")
	if len(lines) != 5 || int64(len(content)) != opened.Size {
		w.t.Fatalf("%d lines: %s", len(lines), content)
	}
	for i, parts := range [][]string{
		nil, {string(engineer.ID), "Secret Person", "2026-07", "20.5", "100.33333333", "BASE", "1439.7833332855"}, {"2026-08", "BASE BONUS"},
		{string(manager.ID), "'=formula", "MANAGER", "2026-09"}, {"2026-Q3", "1720.12", "CNY"},
	} {
		for _, part := range parts {
			if !strings.Contains(lines[i], part) {
				w.t.Errorf("line %d lacks %q: %s", i, part, lines[i])
			}
		}
	}
	if strings.Contains(string(content), "SECRETID") {
		w.t.Error("the list has a national id")
	}
	_, err = w.OpenList(ctx, as(w.provider), token)
	w.want(err, "NOT_FOUND")
	late, err := w.ExportList(ctx, operator(), staff.Payment{PaymentID: payment})
	w.must(err)
	w.at = w.at.Add(5 * time.Minute)
	_, token, _ = strings.Cut(late.URL, files.DownloadPath)
	if n, err := w.Files.SweepDownloads(ctx); err != nil || n != 1 {
		w.t.Errorf("%d downloads were swept: %v", n, err)
	}
	_, err = w.OpenList(ctx, operator(), token)
	w.want(err, "NOT_FOUND")
}

// TestAPersonIsInOneScheme, of all partners: by national id however it is written, and by address; the refusal is the same whosever it is, and of many
// at once one has the person.
func TestAPersonIsInOneScheme(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		mine, theirs := w.approved(w.provider).ID, w.approved(w.stranger).ID
		first := w.person(mine)
		added, err := w.AddMember(ctx, as(w.provider), first)
		w.must(err)
		var said []string
		for _, tt := range []struct {
			p      models.Partner
			scheme models.ID
			change func(*staff.AddMember)
		}{
			{w.stranger, theirs, func(c *staff.AddMember) { c.NationalID = "secret-id 0001" }},
			{w.stranger, theirs, func(c *staff.AddMember) { c.Email = "SECRET1@example.com" }},
			{w.provider, mine, func(c *staff.AddMember) { c.NationalID = first.NationalID }},
		} {
			cmd := w.person(tt.scheme)
			tt.change(&cmd)
			_, err := w.AddMember(ctx, as(tt.p), cmd)
			w.want(err, "STAFF_ELSEWHERE")
			e := models.AsError(err)
			text, err := json.Marshal([]any{e.Message, e.Field, e.Details})
			w.must(err)
			said = append(said, string(text))
		}
		if slices.Sort(said); said[0] != said[2] || strings.Contains(said[0], "par_") {
			t.Errorf("the refusals differ: %v", said)
		}
		_, err = w.RemoveMember(ctx, as(w.provider), staff.Member{MemberID: added.StaffMember.ID})
		w.must(err)
		_, err = w.RemoveMember(ctx, as(w.provider), staff.Member{MemberID: added.StaffMember.ID})
		w.want(err, "NOT_FOUND")
		// Free again: of eight at once one has the person.
		counts := map[string]int{}
		for _, err := range together(8, func(i int) error {
			cmd := first
			cmd.SchemeID = theirs
			who := as(w.stranger)
			if i%2 == 0 {
				cmd.SchemeID, who = mine, as(w.provider)
			}
			_, err := w.AddMember(ctx, who, cmd)
			return err
		}) {
			counts[refusal(err)]++
		}
		if diff := cmp.Diff(map[string]int{"": 1, "STAFF_ELSEWHERE": 7}, counts); diff != "" {
			t.Error(diff)
		}
	})
}

// TestAMonthOfAPersonIsPaidOnce: also when it went to another partner in the middle of it.
func TestAMonthOfAPersonIsPaidOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		mine, theirs := w.approved(w.provider).ID, w.approved(w.stranger).ID
		cmd := w.person(mine)
		here, err := w.AddMember(ctx, as(w.provider), cmd)
		w.must(err)
		row, err := w.apply(w.provider, here.StaffMember.ID, "2026-09", "10", "BASE")
		w.must(err)
		_, err = w.apply(w.provider, here.StaffMember.ID, "2026-09", "10", "BASE")
		w.want(err, "STAFF_MONTH_TWICE")
		_, err = w.RemoveMember(ctx, as(w.provider), staff.Member{MemberID: here.StaffMember.ID})
		w.must(err)
		cmd.SchemeID = theirs
		there, err := w.AddMember(ctx, as(w.stranger), cmd)
		w.must(err)
		_, err = w.apply(w.stranger, there.StaffMember.ID, "2026-09", "12", "BASE")
		w.want(err, "STAFF_MONTH_TWICE")
		_, err = w.WithdrawMonth(ctx, as(w.provider), staff.Month{MonthID: row.ID})
		w.must(err)
		_, err = w.apply(w.stranger, there.StaffMember.ID, "2026-09", "12", "BASE")
		w.want(err, "")
		_, err = w.apply(w.provider, here.StaffMember.ID, "2026-09", "10", "BASE")
		w.want(err, "STAFF_MONTH_TWICE")
		// What was rejected may be applied for again, with other days, and is the same month still.
		other := w.added(w.provider, mine)
		first, err := w.apply(w.provider, other.ID, "2026-08", "31", "BASE")
		w.must(err)
		_, err = w.ReviewMonth(ctx, operator(), staff.ReviewMonth{MonthID: first.ID, Reason: ptr("Too many.")})
		w.must(err)
		again, err := w.apply(w.provider, other.ID, "2026-08", "21", "BASE")
		w.must(err)
		if again.ID != first.ID || !again.Days.Equal(d("21")) || again.Reason != "" || again.DecidedAt != nil {
			t.Errorf("%+v", again)
		}
		want := []models.EventType{models.EventStaffMonthApplied, models.EventStaffMonthRejected, models.EventStaffMonthApplied}
		if diff := cmp.Diff(want, w.told(first.ID)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestHeadsAreCounted: of more people at once than there is room for, as many as there is room for come in.
func TestHeadsAreCounted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		scheme := w.approved(w.provider)
		counts := map[string]int{}
		for _, err := range together(6, func(int) error {
			_, err := w.AddMember(t.Context(), as(w.provider), w.person(scheme.ID))
			return err
		}) {
			counts[refusal(err)]++
		}
		if diff := cmp.Diff(map[string]int{"": scheme.HeadCount, "STAFF_HEAD_COUNT": 6 - scheme.HeadCount}, counts); diff != "" {
			t.Error(diff)
		}
	})
}

// TestNothingPersonalIsReadable: neither columns nor events have a name, an address, a number or a signature.
func TestNothingPersonalIsReadable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		scheme := w.approved(w.provider)
		person := w.added(w.provider, scheme.ID)
		if person.Name != "Secret Person 1" || person.Email != "secret1@example.com" || person.IDLastFour != "0001" {
			t.Errorf("its partner reads %+v", person)
		}
		_, err := w.EditMember(ctx, as(w.provider), staff.EditMember{MemberID: person.ID, Role: ptr("MANAGER"), Until: ptr(models.Date("2026-11-30"))})
		w.must(err)
		for _, table := range []string{"staff_schemes", "staff_members", "events"} {
			var rows []map[string]any
			w.must(db.NewSelect().Table(table).Scan(ctx, &rows))
			text := fmt.Sprintf("%s", rows)
			for _, secret := range []string{"Secret Person", "secret1@", "SECRETID", "Signing Person"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s has %q", table, secret)
				}
			}
			if len(rows) == 0 {
				t.Errorf("%s is empty", table)
			}
		}
		// Nobody else sees the person, its scheme or its months.
		w.confirmed(w.provider, person.ID, "2026-09", "1", "BASE")
		_, err = w.pay(scheme.ID, 3)
		w.must(err)
		for who, want := range map[*models.Principal]int{ptr(as(w.provider)): 1, ptr(operator()): 1, ptr(as(w.stranger)): 0, ptr(as(w.distributor)): 0} {
			schemes, err := w.FindSchemes(ctx, *who, staff.SchemeFilter{}, models.PageArgs{})
			w.must(err)
			months, err := w.FindMonths(ctx, *who, staff.MonthFilter{SchemeID: &scheme.ID, Month: ptr(models.BillingCycle("2026-09")), States: models.StaffMonthStates()}, models.PageArgs{})
			w.must(err)
			payments, err := w.FindPayments(ctx, *who, staff.PaymentFilter{PartnerID: &w.provider.ID}, models.PageArgs{})
			w.must(err)
			people, err := w.MembersFor(ctx, *who, []models.ID{scheme.ID})
			w.must(err)
			if got := []int{len(schemes.Edges), len(months.Edges), len(payments.Edges), len(people[scheme.ID])}; !cmp.Equal(got, []int{want, want, want, want}) {
				t.Errorf("%s of %s sees %v", who.Kind, who.PartnerID, got)
			}
		}
		_, err = w.FindSchemes(ctx, as(w.reseller), staff.SchemeFilter{}, models.PageArgs{})
		w.want(err, "FORBIDDEN")
		_, err = w.FindSchemes(ctx, as(w.provider), staff.SchemeFilter{PartnerID: &scheme.ID}, models.PageArgs{})
		w.want(err, "INVALID partnerId")
	})
}

// TestStaffStepsBelongToTheirSide: what a partner does no operator and no other partner does, and what operators do no partner.
func TestStaffStepsBelongToTheirSide(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		scheme := w.approved(w.provider)
		person := w.added(w.provider, scheme.ID)
		month := w.confirmed(w.provider, person.ID, "2026-09", "1", "BASE")
		payment, err := w.pay(scheme.ID, 3)
		w.must(err)
		ofPartners := map[string]func(who models.Principal) error{
			"request": func(who models.Principal) error {
				_, err := w.RequestScheme(ctx, who, staff.RequestScheme{SchemeID: scheme.ID, AgreementVersion: "2026-1", Signatory: "X"})
				return err
			},
			"withdraw": func(who models.Principal) error {
				_, err := w.WithdrawScheme(ctx, who, staff.Scheme{SchemeID: scheme.ID})
				return err
			},
			"add": func(who models.Principal) error { _, err := w.AddMember(ctx, who, w.person(scheme.ID)); return err },
			"edit": func(who models.Principal) error {
				_, err := w.EditMember(ctx, who, staff.EditMember{MemberID: person.ID})
				return err
			},
			"remove": func(who models.Principal) error {
				_, err := w.RemoveMember(ctx, who, staff.Member{MemberID: person.ID})
				return err
			},
			"apply": func(who models.Principal) error {
				_, err := w.ApplyForMonth(ctx, who, staff.ApplyForMonth{MemberID: person.ID, Month: "2026-08", Days: d("1")})
				return err
			},
			"withdrawMonth": func(who models.Principal) error {
				_, err := w.WithdrawMonth(ctx, who, staff.Month{MonthID: month.ID})
				return err
			},
			"pay": func(who models.Principal) error {
				_, err := w.Service.RequestPayment(ctx, who, staff.RequestPayment{SchemeID: scheme.ID, Quarter: 3, Method: models.PayoutBank})
				return err
			},
			"withdrawPayment": func(who models.Principal) error {
				_, err := w.WithdrawPayment(ctx, who, staff.Payment{PaymentID: payment.ID})
				return err
			},
			"post": func(who models.Principal) error {
				_, err := w.PostPayment(ctx, who, staff.PostPayment{PaymentID: payment.ID, InvoiceNumber: "1"})
				return err
			},
		}
		for name, step := range ofPartners {
			for who, want := range map[*models.Principal]string{
				ptr(operator()): "FORBIDDEN", ptr(as(w.reseller)): "FORBIDDEN", ptr(as(w.stranger)): "NOT_FOUND", {}: "UNAUTHENTICATED",
				ptr(without(as(w.provider), models.WriteIncentives)): "FORBIDDEN",
			} {
				if got := refusal(step(*who)); got != want {
					t.Errorf("%s by %s of %s: %s, want %s", name, who.Kind, who.PartnerKind, got, want)
				}
			}
		}
		ofOperators := map[string]func(who models.Principal) error{
			"invite": func(who models.Principal) error { _, err := w.Invite(ctx, who, invitation(w.provider)); return err },
			"review": func(who models.Principal) error {
				_, err := w.ReviewScheme(ctx, who, staff.ReviewScheme{SchemeID: scheme.ID, Approve: true})
				return err
			},
			"revoke": func(who models.Principal) error {
				_, err := w.RevokeScheme(ctx, who, staff.RevokeScheme{SchemeID: scheme.ID, Reason: "x"})
				return err
			},
			"reviewMonth": func(who models.Principal) error {
				_, err := w.ReviewMonth(ctx, who, staff.ReviewMonth{MonthID: month.ID, Confirm: true})
				return err
			},
			"reviewPayment": func(who models.Principal) error {
				_, err := w.ReviewPayment(ctx, who, staff.ReviewPayment{PaymentID: payment.ID, Approve: true})
				return err
			},
			"pay": func(who models.Principal) error {
				_, err := w.Pay(ctx, who, staff.Pay{PaymentID: payment.ID, Reference: "1", IdempotencyKey: "k"})
				return err
			},
		}
		for name, step := range ofOperators {
			all := as(w.provider)
			all.Permissions = models.AllPermissions()
			for who, want := range map[*models.Principal]string{
				ptr(as(w.provider)): "FORBIDDEN", &all: "FORBIDDEN", {}: "UNAUTHENTICATED",
				ptr(without(without(operator(), models.ReviewBenefits), models.WritePayouts)): "FORBIDDEN",
			} {
				if got := refusal(step(*who)); got != want {
					t.Errorf("%s by %s: %s, want %s", name, who.Kind, got, want)
				}
			}
		}
	})
}

// TestBadInputOfStaffIsRefused, and nothing changes.
func TestBadInputOfStaffIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		invited := w.invited(w.provider)
		invite := func(change func(*staff.Invite)) error {
			cmd := invitation(w.distributor)
			change(&cmd)
			_, err := w.Invite(ctx, operator(), cmd)
			return err
		}
		request := func(scheme models.ID, version, signatory string) error {
			_, err := w.RequestScheme(ctx, as(w.provider), staff.RequestScheme{SchemeID: scheme, AgreementVersion: version, Signatory: signatory})
			return err
		}
		review := func(approve bool, reason *string) error {
			_, err := w.ReviewScheme(ctx, operator(), staff.ReviewScheme{SchemeID: invited.ID, Approve: approve, Reason: reason})
			return err
		}
		for _, tt := range []struct {
			err  error
			want string
		}{
			{invite(func(c *staff.Invite) { c.PartnerID = w.provider.ID }), "STAFF_INVITED_ALREADY"},
			{invite(func(c *staff.Invite) { c.PartnerID = w.reseller.ID }), "RESELLER_HAS_NO_BENEFITS"},
			{invite(func(c *staff.Invite) { c.PartnerID = "par_01h455vb4pex5vsknk084sn02q" }), "NOT_FOUND"},
			{invite(func(c *staff.Invite) { c.PartnerID = invited.ID }), "INVALID partnerId"},
			{invite(func(c *staff.Invite) { c.Year = 2028 }), "INVALID year"},
			{invite(func(c *staff.Invite) { c.HeadCount = 0 }), "INVALID headCount"},
			{request(invited.ID, "2025-1", "X"), "STAFF_AGREEMENT_VERSION"},
			{request(invited.ID, "2026-1", ""), "INVALID signatory"},
			{request(w.provider.ID, "2026-1", "X"), "INVALID schemeId"},
			{review(true, ptr("because")), "INVALID reason"},
			{review(false, nil), "INVALID reason"},
			{review(true, nil), "STAFF_SCHEME_STATE"},
		} {
			w.want(tt.err, tt.want)
		}
		if _, err := w.AddMember(ctx, as(w.provider), w.person(invited.ID)); refusal(err) != "STAFF_SCHEME_STATE" {
			t.Errorf("a person before it is approved: %v", err)
		}
		_, err := db.NewUpdate().Model((*models.Partner)(nil)).Set("state = ?", models.PartnerExpired).Where("id = ?", w.provider.ID).Exec(ctx)
		w.must(err)
		w.want(request(invited.ID, "2026-1", "X"), "PARTNER_EXPIRED")
		_, err = db.NewUpdate().Model((*models.Partner)(nil)).Set("state = ?", models.PartnerActive).Where("id = ?", w.provider.ID).Exec(ctx)
		w.must(err)
		_, err = w.request(w.provider, invited.ID)
		w.must(err)
		w.must(review(true, nil))
		add := func(change func(*staff.AddMember)) error {
			cmd := w.person(invited.ID)
			change(&cmd)
			_, err := w.AddMember(ctx, as(w.provider), cmd)
			return err
		}
		for field, change := range map[string]func(*staff.AddMember){
			"schemeId": func(c *staff.AddMember) { c.SchemeID = w.provider.ID }, "name": func(c *staff.AddMember) { c.Name = "" },
			"nationalId": func(c *staff.AddMember) { c.NationalID = "1" }, "email": func(c *staff.AddMember) { c.Email = "nobody" },
			"role": func(c *staff.AddMember) { c.Role = "PILOT" }, "certificate": func(c *staff.AddMember) { c.Certificate = "\x00" },
			"from": func(c *staff.AddMember) { c.From = "2025-12-31" }, "until": func(c *staff.AddMember) { c.Until = "2026-06-30" },
		} {
			w.want(add(change), "INVALID "+field)
		}
		person := w.added(w.provider, invited.ID)
		apply := func(month models.BillingCycle, days string, met ...string) error {
			_, err := w.apply(w.provider, person.ID, month, days, met...)
			return err
		}
		for _, tt := range []struct {
			err  error
			want string
		}{
			{apply("2026-10", "1"), "STAFF_MONTH_OPEN"}, {apply("2025-12", "1"), "INVALID month"}, {apply("2026-13", "1"), "INVALID month"},
			{apply("2026-09", "31"), "INVALID days"}, {apply("2026-06", "1"), "INVALID days"}, {apply("2026-09", "0"), "INVALID days"},
			{apply("2026-09", "1.3"), "INVALID days"}, {apply("2026-09", "1", "OTHER"), "INVALID met"},
		} {
			w.want(tt.err, tt.want)
		}
		for quarter, want := range map[int]string{0: "INVALID quarter", 5: "INVALID quarter", 4: "STAFF_QUARTER_OPEN", 3: "STAFF_NOTHING_TO_PAY"} {
			_, err := w.pay(invited.ID, quarter)
			w.want(err, want)
		}
		_, err = w.Service.RequestPayment(ctx, as(w.provider), staff.RequestPayment{SchemeID: invited.ID, Quarter: 3, Method: models.PayoutQuota})
		w.want(err, "INVALID method")
		// A month that met nothing is worth nothing.
		w.confirmed(w.provider, person.ID, "2026-09", "3")
		_, err = w.pay(invited.ID, 3)
		w.want(err, "STAFF_NOTHING_TO_PAY")
		w.confirmed(w.provider, person.ID, "2026-08", "3", "BASE")
		w.unpayable = models.Precondition("CERTIFICATION_MISSING", "Not certified.")
		_, err = w.pay(invited.ID, 3)
		w.want(err, "CERTIFICATION_MISSING")
	})
}

// TestAYearEnds: what was not approved lapses, people are free for another scheme, and what they did is paid still.
func TestAYearEnds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		running, open := w.approved(w.provider), w.invited(w.stranger)
		person := w.person(running.ID)
		added, err := w.AddMember(ctx, as(w.provider), person)
		w.must(err)
		ends := models.BenefitYearEnds(2026)
		if until, early := models.NotDueUntil(w.EndYear(ctx, open.ID)); !early || !until.Equal(ends) {
			t.Errorf("before the year ends: %s", until)
		}
		w.at = ends
		for range 2 {
			w.must(w.EndYear(ctx, open.ID))
			w.must(w.EndYear(ctx, running.ID))
		}
		found, err := w.SchemesByIDs(ctx, operator(), []models.ID{running.ID, open.ID})
		w.must(err)
		if found[open.ID].State != models.StaffLapsed || found[running.ID].State != models.StaffApproved {
			t.Errorf("%+v", found)
		}
		_, err = w.request(w.stranger, open.ID)
		w.want(err, "STAFF_SCHEME_STATE")
		_, err = w.AddMember(ctx, as(w.provider), w.person(running.ID))
		w.want(err, "STAFF_YEAR_OVER")
		w.confirmed(w.provider, added.StaffMember.ID, "2026-12", "2", "BASE")
		_, err = w.pay(running.ID, 4)
		w.must(err)
		next := invitation(w.stranger)
		next.Year = 2027
		invited, err := w.Invite(ctx, operator(), next)
		w.must(err)
		_, err = w.request(w.stranger, invited.StaffScheme.ID)
		w.must(err)
		_, err = w.ReviewScheme(ctx, operator(), staff.ReviewScheme{SchemeID: invited.StaffScheme.ID, Approve: true})
		w.must(err)
		person.SchemeID, person.From, person.Until = invited.StaffScheme.ID, "2027-01-01", "2027-12-31"
		_, err = w.AddMember(ctx, as(w.stranger), person)
		w.want(err, "")
		if diff := cmp.Diff([]models.EventType{models.EventStaffInvited, models.EventStaffLapsed}, w.told(open.ID)); diff != "" {
			t.Error(diff)
		}
		if types := w.told(running.ID); types[len(types)-1] != models.EventStaffReleased || len(types) != 4 {
			t.Errorf("%v", types)
		}
	})
}

// TestSchemesAndPaymentsAreTakenBack: a request may be made again, a revoked invitation too, and a payment that was withdrawn or rejected lets its
// months go.
func TestSchemesAndPaymentsAreTakenBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		scheme := w.invited(w.provider)
		for range 2 {
			_, err := w.request(w.provider, scheme.ID)
			w.must(err)
			_, err = w.WithdrawScheme(ctx, as(w.provider), staff.Scheme{SchemeID: scheme.ID})
			w.must(err)
		}
		revoked, err := w.RevokeScheme(ctx, operator(), staff.RevokeScheme{SchemeID: scheme.ID, Reason: "Other rates."})
		w.must(err)
		if revoked.StaffScheme.State != models.StaffRevoked || *revoked.StaffScheme.ReasonOrNil() != "Other rates." {
			t.Errorf("%+v", revoked.StaffScheme)
		}
		again := w.approved(w.provider)
		person := w.added(w.provider, again.ID)
		w.confirmed(w.provider, person.ID, "2026-09", "2", "BASE")
		first, err := w.pay(again.ID, 3)
		w.must(err)
		_, err = w.ReviewPayment(ctx, operator(), staff.ReviewPayment{PaymentID: first.ID, Reason: ptr("The month is missing.")})
		w.must(err)
		w.confirmed(w.provider, person.ID, "2026-08", "1", "BASE")
		second, err := w.pay(again.ID, 3)
		w.must(err)
		_, err = w.ReviewPayment(ctx, operator(), staff.ReviewPayment{PaymentID: second.ID, Approve: true})
		w.must(err)
		_, err = w.WithdrawPayment(ctx, as(w.provider), staff.Payment{PaymentID: second.ID})
		w.must(err)
		third, err := w.pay(again.ID, 3)
		w.must(err)
		months, err := w.MonthsFor(ctx, as(w.provider), []models.ID{first.ID, second.ID, third.ID})
		w.must(err)
		if len(months[first.ID]) != 0 || len(months[second.ID]) != 0 || len(months[third.ID]) != 2 {
			t.Errorf("%v", months)
		}
		if first.AmountMinor >= second.AmountMinor || second.AmountMinor != third.AmountMinor {
			t.Errorf("%d, %d, %d", first.AmountMinor, second.AmountMinor, third.AmountMinor)
		}
		// Of many at once one is taken.
		_, err = w.WithdrawPayment(ctx, as(w.provider), staff.Payment{PaymentID: third.ID})
		w.must(err)
		counts := map[string]int{}
		for _, err := range together(6, func(int) error { _, err := w.pay(again.ID, 3); return err }) {
			counts[refusal(err)]++
		}
		if diff := cmp.Diff(map[string]int{"": 1, "STAFF_QUARTER_REQUESTED": 5}, counts); diff != "" {
			t.Error(diff)
		}
	})
}
