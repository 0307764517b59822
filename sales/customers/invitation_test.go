package customers_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// TestAReportLeadsToACustomer is C06, C07 and C16 from end to end: a customer that is too old to be associated directly is
// reported, invited by e-mail and agrees.
func TestAReportLeadsToACustomer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		box, deliver := w.post()
		old, err := w.Create(w.ctx, operator(), customers.CreateCustomer{Name: "old-account", Cloud: "hwc", Currency: models.CNY, Email: "Buyer@Example.com"})
		if err != nil {
			t.Fatal(err)
		}
		w.buyers[old.ID] = true
		w.at = w.at.Add(30 * 24 * time.Hour)
		_, direct := w.link(w.provider, customers.CreateInvitation{})
		if err := w.accept(old, direct); reasonOf(err) != "REPORT_REQUIRED" {
			t.Fatalf("without a report: %v", err)
		}

		report := w.report(w.provider, customers.ReportCustomer{Company: " Old  Company ", Email: "buyer@example.com"})
		if report.State != models.ReportReported || report.ExpiresAt != w.at.Add(customers.DefaultReportValidity) || *report.Email != "buyer@example.com" {
			t.Errorf("report %+v", report)
		}
		if _, err := w.Report(w.ctx, asPartner(w.provider), customers.ReportCustomer{Company: "OLD company", Email: "x@example.com"}); reasonOf(err) != "COMPANY_REPORTED" {
			t.Errorf("a second one: %v", err)
		}
		w.report(w.stranger, customers.ReportCustomer{Company: "Old Company", Email: "x@example.com"}) // another partner's own

		tag := "autumn"
		invited, err := w.Invite(w.ctx, asPartner(w.provider), customers.CreateInvitation{
			ReportID: &report.ID, Channel: models.InviteByEmail, Mode: models.Advisory, Tag: &tag,
		})
		if err != nil || invited.Link != nil || w.reportOf(report.ID).State != models.ReportInvited {
			t.Fatalf("%v %+v", err, invited)
		}
		deliver()
		if len(box.sent) != 1 || box.sent[0].To != "buyer@example.com" || !strings.HasPrefix(box.sent[0].Subject, "Provider invites you") {
			t.Fatalf("sent %+v", box.sent)
		}
		token := tokenIn(t, box.sent[0].Text)
		if tokenIn(t, box.sent[0].HTML) != token {
			t.Error("the two bodies have different links")
		}
		offer, err := w.Offer(w.ctx, asCustomer(old), &token)
		if err != nil || offer.PartnerName != "Provider" || offer.Mode != models.Advisory {
			t.Errorf("%v, offer %+v", err, offer)
		}
		done, err := w.Accept(w.ctx, asCustomer(old), customers.AcceptInvitation{Token: token})
		if err != nil || done.Association.Source != models.SourceReport || done.Association.Mode != models.Advisory || done.Association.Tag != "" {
			t.Fatalf("%v %+v", err, done)
		}
		seen, err := w.AssociationsFor(w.ctx, asPartner(w.provider), []models.ID{old.ID})
		if err != nil || seen[old.ID].Tag != tag {
			t.Errorf("%v, the partner sees the tag %q", err, seen[old.ID].Tag)
		}
		after := w.reportOf(report.ID)
		if got := w.invitationOf(invited.Invitation.ID); got.State != models.InvitationAccepted || got.Uses != 1 || after.State != models.ReportLinked || after.CustomerID != old.ID {
			t.Errorf("invitation %+v, report %+v", got, after)
		}
		if err := w.accept(old, token); reasonOf(err) != "INVITATION_USED" {
			t.Errorf("a second time: %v", err)
		}
		if _, err := w.WithdrawReport(w.ctx, asPartner(w.provider), customers.WithdrawReport{ReportID: report.ID}); reasonOf(err) != "REPORT_CLOSED" {
			t.Errorf("withdrawing a linked one: %v", err)
		}
	})
}

// TestAnInvitationSaysWhatIsWrong: used, expired, revoked, refused, replaced, for another person, for another account, or no invitation at all.
func TestAnInvitationSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		box, deliver := w.post()
		fresh := func(email string) models.Customer {
			c, err := w.Create(w.ctx, operator(), customers.CreateCustomer{Name: "account-" + string(w.IDs("x"))[20:], Cloud: "hwc", Currency: models.CNY, Email: email})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		email := "one@example.com"
		invite := func() (models.ID, string) {
			done, err := w.Invite(w.ctx, asPartner(w.provider), customers.CreateInvitation{Channel: models.InviteByEmail, Mode: models.Resale, Email: &email})
			if err != nil {
				t.Fatal(err)
			}
			deliver()
			return done.Invitation.ID, tokenIn(t, box.sent[len(box.sent)-1].Text)
		}
		wrong := func(name string, c models.Customer, token, want string) {
			t.Helper()
			if err := w.accept(c, token); reasonOf(err) != want {
				t.Errorf("accepting, %s: %v, want %s", name, err, want)
			}
			if _, err := w.Refuse(w.ctx, asCustomer(c), customers.RefuseInvitation{Token: token}); reasonOf(err) != want {
				t.Errorf("refusing, %s: %v, want %s", name, err, want)
			}
			if _, err := w.Offer(w.ctx, asCustomer(c), &token); reasonOf(err) != want {
				t.Errorf("reading, %s: %v, want %s", name, err, want)
			}
			if w.customerOf(c.ID).PartnerID != "" {
				t.Errorf("%s: it belongs to a partner", name)
			}
		}
		one, other, nameless := fresh("One@example.com"), fresh("other@example.com"), fresh("")
		wrong("no token", one, "", "NOT_FOUND")
		wrong("a guess", one, strings.Repeat("A", 43), "NOT_FOUND")
		wrong("an endless one", one, strings.Repeat("A", 1<<20), "NOT_FOUND")
		id, token := invite()
		wrong("another person's", other, token, "INVITATION_FOR_ANOTHER")
		if _, err := w.RevokeInvitation(w.ctx, asPartner(w.provider), customers.RevokeInvitation{InvitationID: id}); err != nil {
			t.Fatal(err)
		}
		wrong("revoked", one, token, "INVITATION_REVOKED")
		if _, err := w.RevokeInvitation(w.ctx, asPartner(w.provider), customers.RevokeInvitation{InvitationID: id}); reasonOf(err) != "INVITATION_REVOKED" {
			t.Errorf("revoking twice: %v", err)
		}
		_, token = invite()
		if _, err := w.Refuse(w.ctx, asCustomer(one), customers.RefuseInvitation{Token: token}); err != nil {
			t.Fatal(err)
		}
		wrong("refused", one, token, "INVITATION_REFUSED")
		id, token = invite()
		w.at = w.at.Add(customers.LinkValidity)
		wrong("expired", one, token, "INVITATION_EXPIRED")
		if err := w.SweepRelations(w.ctx); err != nil || w.invitationOf(id).State != models.InvitationExpired {
			t.Errorf("%v, swept: %s", err, w.invitationOf(id).State)
		}
		wrong("expired and swept", one, token, "INVITATION_EXPIRED")
		// Sent again it is good again, under a new link.
		if _, err := w.ResendInvitation(w.ctx, asPartner(w.provider), customers.ResendInvitation{InvitationID: id}); err != nil {
			t.Fatal(err)
		}
		deliver()
		wrong("replaced", one, token, "NOT_FOUND")
		if _, err := w.ResendInvitation(w.ctx, asPartner(w.provider), customers.ResendInvitation{InvitationID: id}); reasonOf(err) != "RATE_LIMITED" {
			t.Errorf("again at once: %v", err)
		}
		token = tokenIn(t, box.sent[len(box.sent)-1].Text)
		// An account without an address has none to compare.
		if err := w.accept(nameless, token); err != nil {
			t.Error(err)
		}
		wrong("used", one, token, "INVITATION_USED")

		// A report of one account is for that one.
		report := w.report(w.provider, customers.ReportCustomer{Company: "C", Email: email, AccountName: &one.Name})
		_, token = w.link(w.provider, customers.CreateInvitation{ReportID: &report.ID})
		wrong("another account's", other, token, "INVITATION_FOR_ANOTHER")
		for name, who := range map[string]models.Principal{"FORBIDDEN": asPartner(w.provider), "UNAUTHENTICATED": {}} {
			if _, err := w.Accept(w.ctx, who, customers.AcceptInvitation{Token: token}); reasonOf(err) != name {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.at = w.at.Add(8 * 24 * time.Hour) // the account grows too old for an invitation without a report, see C07
		_, token = w.link(w.provider, customers.CreateInvitation{ReportID: &report.ID})
		if err := w.accept(one, token); err != nil {
			t.Error(err)
		}
	})
}

// TestALinkIsForMany: a link is used until it ends, and a blocked customer leaves no trace on it.
func TestALinkIsForMany(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.post()
		campaign, tag := "autumn 2026", "fair"
		made, token := w.link(w.provider, customers.CreateInvitation{Channel: models.InviteByCampaign, Campaign: &campaign, Tag: &tag})
		for i := range 3 {
			if err := w.accept(w.create(fmt.Sprintf("visitor%d", i), "", ""), token); err != nil {
				t.Fatal(err)
			}
		}
		blocked := w.create("blocked", "", "")
		w.buyers[blocked.ID] = true
		if err := w.accept(blocked, token); reasonOf(err) != "REPORT_REQUIRED" {
			t.Error(err)
		}
		if _, err := w.Refuse(w.ctx, asCustomer(blocked), customers.RefuseInvitation{Token: token}); err != nil {
			t.Error(err)
		}
		if got := w.invitationOf(made.ID); got.State != models.InvitationActive || got.Uses != 3 || got.Failure != "" {
			t.Errorf("%+v", got)
		}
		// After a report the same channel is good for one.
		report := w.report(w.provider, customers.ReportCustomer{Company: "One", Email: "one@example.com"})
		once, token := w.link(w.provider, customers.CreateInvitation{ReportID: &report.ID})
		if err := w.accept(blocked, token); err != nil {
			t.Error(err)
		}
		if got := w.invitationOf(once.ID); got.State != models.InvitationAccepted {
			t.Errorf("%+v", got)
		}
	})
}

// TestABlockedInvitationFails is C16: the partner learns why, and what to do; the customer may try again.
func TestABlockedInvitationFails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.post()
		c := w.create("subsidised", "", "")
		set, err := w.Restrict(w.ctx, operator(), customers.RestrictCustomer{CustomerID: c.ID, Kind: models.RestrictSubsidy, Note: "until spring"})
		if err != nil {
			t.Fatal(err)
		}
		report := w.report(w.provider, customers.ReportCustomer{Company: "S", Email: "s@example.com"})
		made, token := w.link(w.provider, customers.CreateInvitation{ReportID: &report.ID})
		if err := w.accept(c, token); reasonOf(err) != "GOVERNMENT_SUBSIDY" {
			t.Fatal(err)
		}
		failed := w.reportOf(report.ID)
		if failed.State != models.ReportFailed || failed.FailureOrNil().Code != "GOVERNMENT_SUBSIDY" || failed.FailureOrNil().SuggestedAction == "" {
			t.Errorf("report %+v", failed)
		}
		if got := w.invitationOf(made.ID); got.State != models.InvitationActive || got.Failure != "GOVERNMENT_SUBSIDY" || w.told(models.EventReportFailed, report.ID) != 1 {
			t.Errorf("invitation %+v", got)
		}
		eligible, err := w.Eligibility(w.ctx, asCustomer(c), customers.EligibilityQuery{PartnerID: &w.provider.ID})
		if err != nil || len(eligible) != 2 || eligible[1].Eligible() || eligible[1].Blockers[0].Code != "GOVERNMENT_SUBSIDY" || eligible[1].Blockers[0].RestrictionID != nil {
			t.Errorf("%v, eligibility %+v", err, eligible)
		}
		if _, err := w.LiftRestriction(w.ctx, operator(), customers.LiftCustomerRestriction{RestrictionID: set.Restriction.ID}); err != nil {
			t.Fatal(err)
		}
		if err := w.accept(c, token); err != nil || w.reportOf(report.ID).State != models.ReportLinked || w.reportOf(report.ID).Failure != "" {
			t.Errorf("%v, report %+v", err, w.reportOf(report.ID))
		}
		// Refused by the customer.
		d := w.create("unwilling", "", "")
		report = w.report(w.provider, customers.ReportCustomer{Company: "U", Email: "u@example.com"})
		_, token = w.link(w.provider, customers.CreateInvitation{ReportID: &report.ID})
		if _, err := w.Refuse(w.ctx, asCustomer(d), customers.RefuseInvitation{Token: token}); err != nil || w.reportOf(report.ID).Failure != models.FailureRefused {
			t.Errorf("%v, report %+v", err, w.reportOf(report.ID))
		}
	})
}

// TestSixteenAcceptsHaveOneWinner: of one invitation among many customers, and of many invitations of one customer.
func TestSixteenAcceptsHaveOneWinner(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.post()
		race := func(accept func(i int) error, lost string) {
			t.Helper()
			errs := make([]error, 16)
			var all sync.WaitGroup
			for i := range errs {
				all.Go(func() { errs[i] = accept(i) })
			}
			all.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else if reasonOf(err) != lost {
					t.Errorf("%v, want %s", err, lost)
				}
			}
			if won != 1 {
				t.Errorf("%d won", won)
			}
		}
		report := w.report(w.provider, customers.ReportCustomer{Company: "Wanted", Email: "w@example.com"})
		_, token := w.link(w.provider, customers.CreateInvitation{ReportID: &report.ID})
		var many []models.Customer
		for i := range 16 {
			many = append(many, w.create(fmt.Sprintf("rival%02d", i), "", ""))
		}
		race(func(i int) error { return w.accept(many[i], token) }, "INVITATION_USED")

		wanted := w.create("wanted", "", "")
		tokens := make([]string, 16)
		for i := range tokens {
			_, tokens[i] = w.link([]models.Partner{w.provider, w.stranger}[i%2], customers.CreateInvitation{})
		}
		race(func(i int) error { return w.accept(wanted, tokens[i]) }, "ALREADY_ASSOCIATED")
		history, err := w.HistoryFor(w.ctx, operator(), []models.ID{wanted.ID}, models.PageArgs{})
		if err != nil || len(history[wanted.ID].Edges) != 1 {
			t.Errorf("%v, %d associations", err, len(history[wanted.ID].Edges))
		}
	})
}

// TestMailGoesOutAtLeastOnce: what fails for now comes again under the same id, what fails for good is told, and what was sent, replaced
// or revoked is not sent.
func TestMailGoesOutAtLeastOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		email := "one@example.com"
		cmd := customers.CreateInvitation{Channel: models.InviteByEmail, Mode: models.Resale, Email: &email}
		box, deliver := w.post()
		w.Mailer = nil
		if _, err := w.Invite(w.ctx, asPartner(w.provider), cmd); reasonOf(err) != "MAIL_NOT_SET_UP" {
			t.Error(err)
		}
		w.Mailer = box
		made, err := w.Invite(w.ctx, asPartner(w.provider), cmd)
		if err != nil || made.Invitation.MailState != models.MailQueued {
			t.Fatal(err, made)
		}
		box.answer = errTransient
		deliver()
		box.answer = nil
		w.at = w.at.Add(time.Minute)
		deliver()
		if len(box.sent) != 2 || box.sent[0].ID != box.sent[1].ID || box.sent[0].Text != box.sent[1].Text {
			t.Errorf("sent %+v", box.sent)
		}
		after := w.invitationOf(made.Invitation.ID)
		if after.MailState != models.MailSent || after.TokenSealed != nil {
			t.Errorf("%+v", after)
		}
		var told []models.Event
		if err := db.NewSelect().Model(&told).Where("ev.type = ?", models.EventInvitationMailed).Scan(w.ctx); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the relay may hand over again what was done
			if err := w.SendMail(w.ctx, told[0]); err != nil || len(box.sent) != 2 {
				t.Errorf("%v, %d sent", err, len(box.sent))
			}
		}
		// Nothing that was sent or promised is in the clear in a row.
		token := tokenIn(t, box.sent[0].Text)
		for _, event := range told {
			if strings.Contains(fmt.Sprint(event), token) || strings.Contains(fmt.Sprint(event), email) {
				t.Errorf("the record says %+v", event)
			}
		}
		if strings.Contains(string(after.TokenHash), token) || strings.Contains(string(after.EmailSealed), email) {
			t.Error("the row has it in the clear")
		}

		box.answer = fmt.Errorf("550: %w", customers.ErrMailRefused)
		report := w.report(w.provider, customers.ReportCustomer{Company: "Gone", Email: "gone@example.com"})
		gone, err := w.Invite(w.ctx, asPartner(w.provider), customers.CreateInvitation{Channel: models.InviteByEmail, Mode: models.Resale, ReportID: &report.ID})
		if err != nil {
			t.Fatal(err)
		}
		deliver()
		if got := w.invitationOf(gone.Invitation.ID); got.MailState != models.MailRefused || got.Failure != models.FailureMail || w.reportOf(report.ID).Failure != models.FailureMail {
			t.Errorf("%+v", got)
		}
		box.answer, box.sent = nil, nil
		revoked, err := w.Invite(w.ctx, asPartner(w.provider), cmd)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.RevokeInvitation(w.ctx, asPartner(w.provider), customers.RevokeInvitation{InvitationID: revoked.Invitation.ID}); err != nil {
			t.Fatal(err)
		}
		deliver()
		if len(box.sent) != 0 {
			t.Errorf("sent a revoked one: %+v", box.sent)
		}
	})
}

// TestLettersAreWhatThePreviewShows in both languages and modes, and nothing that a partner is called breaks out of them.
func TestLettersAreWhatThePreviewShows(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		box, deliver := w.post()
		evil := w.partner("Evil\r\nBcc: all@example.com <script>alert(1)</script>", models.SolutionProvider, "")
		email := "one@example.com"
		subjects := map[string]bool{}
		for _, p := range []models.Partner{w.provider, evil} {
			for _, language := range []models.Language{models.English, models.Chinese} {
				for _, mode := range []models.AssociationMode{models.Resale, models.Advisory} {
					shown, err := w.Preview(w.ctx, asPartner(p), customers.PreviewInvitation{Mode: &mode, Language: &language})
					if err != nil {
						t.Fatal(err)
					}
					if _, err := w.Invite(w.ctx, asPartner(p), customers.CreateInvitation{Channel: models.InviteByEmail, Mode: mode, Language: &language, Email: &email}); err != nil {
						t.Fatal(err)
					}
					deliver()
					sent := box.sent[len(box.sent)-1]
					token := tokenIn(t, sent.Text)
					got := []string{sent.Subject, strings.ReplaceAll(sent.Text, token, "preview"), strings.ReplaceAll(sent.HTML, token, "preview")}
					if diff := cmp.Diff([]string{shown.Subject, shown.Text, shown.HTML}, got); diff != "" {
						t.Errorf("%s %s (-shown +sent):\n%s", language, mode, diff)
					}
					if strings.ContainsAny(sent.Subject, "\r\n") || strings.Contains(sent.HTML, "<script>") || strings.Contains(sent.Text, "{{") {
						t.Errorf("%q %s", sent.Subject, sent.HTML)
					}
					subjects[sent.Subject] = true
				}
			}
		}
		if len(subjects) != 4 {
			t.Errorf("subjects %v", subjects)
		}
		if shown, err := w.Preview(w.ctx, operator(), customers.PreviewInvitation{}); shown != nil || err != nil {
			t.Errorf("an operator's: %v %v", shown, err)
		}
		if _, err := w.Preview(w.ctx, asPartner(w.provider), customers.PreviewInvitation{PartnerID: &w.stranger.ID}); reasonOf(err) != "NOT_FOUND" {
			t.Errorf("a stranger's: %v", err)
		}
	})
}

// TestInvitingIsRefused row by row; nothing is written.
func TestInvitingIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.post()
		restricted := w.partner("Restricted", models.SolutionProvider, "")
		w.setState(restricted, models.PartnerRestricted)
		theirs := w.report(w.stranger, customers.ReportCustomer{Company: "Theirs", Email: "t@example.com"})
		late := w.report(w.provider, customers.ReportCustomer{Company: "Late", Email: "l@example.com"})
		link, email := models.InviteByLink, models.InviteByEmail
		tooLate, past := w.at.Add(customers.LongestLink+31*24*time.Hour), w.at
		w.at = w.at.Add(customers.DefaultReportValidity)
		long, bad, good, french := strings.Repeat("x", 65), "two@example.com\r\nBcc: x@example.com", "good@example.com", models.Language("FR")
		before := w.rows("invitations", "events")
		for name, row := range map[string]struct {
			who  models.Principal
			cmd  customers.CreateInvitation
			want string
		}{
			"a customer":                {asCustomer(w.create("customer", "", "")), customers.CreateInvitation{Channel: link, Mode: models.Resale}, "FORBIDDEN"},
			"nobody":                    {models.Principal{}, customers.CreateInvitation{Channel: link, Mode: models.Resale}, "UNAUTHENTICATED"},
			"an operator without one":   {operator(), customers.CreateInvitation{Channel: link, Mode: models.Resale}, "INVALID"},
			"a barred partner":          {asPartner(restricted), customers.CreateInvitation{Channel: link, Mode: models.Resale}, "PARTNER_RESTRICTED"},
			"a stranger":                {asPartner(w.provider), customers.CreateInvitation{PartnerID: &w.stranger.ID, Channel: link, Mode: models.Resale}, "NOT_FOUND"},
			"a stranger's report":       {asPartner(w.provider), customers.CreateInvitation{ReportID: &theirs.ID, Channel: link, Mode: models.Resale}, "NOT_FOUND"},
			"an expired report":         {asPartner(w.provider), customers.CreateInvitation{ReportID: &late.ID, Channel: link, Mode: models.Resale}, "REPORT_EXPIRED"},
			"no mode":                   {asPartner(w.provider), customers.CreateInvitation{Channel: link}, "INVALID"},
			"no channel":                {asPartner(w.provider), customers.CreateInvitation{Mode: models.Resale}, "INVALID"},
			"a long tag":                {asPartner(w.provider), customers.CreateInvitation{Channel: link, Mode: models.Resale, Tag: &long}, "INVALID"},
			"a language of nobody":      {asPartner(w.provider), customers.CreateInvitation{Channel: link, Mode: models.Resale, Language: &french}, "INVALID"},
			"a link to an address":      {asPartner(w.provider), customers.CreateInvitation{Channel: link, Mode: models.Resale, Email: &good}, "INVALID"},
			"a link of the past":        {asPartner(w.provider), customers.CreateInvitation{Channel: link, Mode: models.Resale, ExpiresAt: &past}, "INVALID"},
			"a link for too long":       {asPartner(w.provider), customers.CreateInvitation{Channel: link, Mode: models.Resale, ExpiresAt: &tooLate}, "INVALID"},
			"an e-mail to nobody":       {asPartner(w.provider), customers.CreateInvitation{Channel: email, Mode: models.Resale}, "INVALID"},
			"an e-mail with a header":   {asPartner(w.provider), customers.CreateInvitation{Channel: email, Mode: models.Resale, Email: &bad}, "INVALID"},
			"an e-mail for longer":      {asPartner(w.provider), customers.CreateInvitation{Channel: email, Mode: models.Resale, Email: &good, ExpiresAt: &tooLate}, "INVALID"},
			"a campaign without a name": {asPartner(w.provider), customers.CreateInvitation{Channel: models.InviteByCampaign, Mode: models.Resale}, "INVALID"},
			"a name without a campaign": {asPartner(w.provider), customers.CreateInvitation{Channel: link, Mode: models.Resale, Campaign: &good}, "INVALID"},
		} {
			if _, err := w.Invite(w.ctx, row.who, row.cmd); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", name, err, row.want)
			}
		}
		made, err := w.Invite(w.ctx, asPartner(w.distributor), customers.CreateInvitation{PartnerID: &w.reseller.ID, Channel: link, Mode: models.Resale})
		if err != nil {
			t.Errorf("a distributor for its reseller: %v", err)
		}
		_, err = w.ResendInvitation(w.ctx, asPartner(w.reseller), customers.ResendInvitation{InvitationID: made.Invitation.ID})
		if reasonOf(err) != "NOT_BY_EMAIL" {
			t.Errorf("a link that is to be sent: %v", err)
		}
		// Of the refused nothing is left; the customer that was created meanwhile has an event of its own.
		if after := w.rows("invitations", "events"); after[0] != before[0]+1 || after[1] > before[1]+2 {
			t.Errorf("rows %v, then %v", before, after)
		}
	})
}

// rows counts the rows of tables.
func (w *world) rows(tables ...string) (counts []int) {
	w.t.Helper()
	for _, table := range tables {
		var n int
		if err := w.DB.NewSelect().TableExpr(table).ColumnExpr("count(*)").Scan(w.ctx, &n); err != nil {
			w.t.Fatal(err)
		}
		counts = append(counts, n)
	}
	return counts
}

// TestReportsExpireAndAreWithdrawn, and who sees them.
func TestReportsExpireAndAreWithdrawn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.post()
		first := w.report(w.reseller, customers.ReportCustomer{Company: "A", Email: "a@example.com"})
		_, token := w.link(w.reseller, customers.CreateInvitation{ReportID: &first.ID})
		if _, err := w.WithdrawReport(w.ctx, asPartner(w.distributor), customers.WithdrawReport{ReportID: first.ID}); err != nil {
			t.Fatal(err)
		}
		if err := w.accept(w.create("too-late", "", ""), token); reasonOf(err) != "INVITATION_REVOKED" {
			t.Error(err)
		}
		second := w.report(w.reseller, customers.ReportCustomer{Company: "A", Email: "a@example.com"})
		w.at = second.ExpiresAt
		third := w.report(w.reseller, customers.ReportCustomer{Company: "A", Email: "a@example.com"})
		if w.reportOf(second.ID).State != models.ReportExpired || w.told(models.EventReportExpired, second.ID) != 1 {
			t.Errorf("%+v", w.reportOf(second.ID))
		}
		w.at = third.ExpiresAt
		if err := w.SweepRelations(w.ctx); err != nil || w.reportOf(third.ID).State != models.ReportExpired {
			t.Errorf("%v %+v", err, w.reportOf(third.ID))
		}
		for name, row := range map[string]struct {
			who  models.Principal
			want int
		}{
			"the reseller": {asPartner(w.reseller), 3}, "its distributor": {asPartner(w.distributor), 3}, "a stranger": {asPartner(w.stranger), 0},
			"a customer": {asCustomer(w.create("somebody", "", "")), 0}, "an operator": {operator(), 3},
		} {
			found, err := w.FindReports(w.ctx, row.who, customers.ReportFilter{States: []models.ReportState{models.ReportExpired, models.ReportWithdrawn}}, models.PageArgs{})
			if err != nil || len(found.Edges) != row.want {
				t.Errorf("%s: %v, %d reports", name, err, len(found.Edges))
			}
		}
		for name, cmd := range map[string]customers.ReportCustomer{
			"no company": {Company: " \t ", Email: "a@example.com"}, "no address": {Company: "A", Email: "nobody"},
			"an account that is none": {Company: "A", Email: "a@example.com", AccountName: ptr("1")}, "a long name": {Company: strings.Repeat("x", 201), Email: "a@example.com"},
		} {
			if _, err := w.Report(w.ctx, asPartner(w.provider), cmd); models.CodeOf(err) != models.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		// The first login through SAML goes by the same rules: a report about the very account lifts the 7 days.
		old := w.create("old-one", "", "")
		w.buyers[old.ID] = true
		bind := customers.Associate{CustomerID: old.ID, PartnerID: w.provider.ID, Source: models.SourceSSO}
		if _, err := w.associate(models.SystemPrincipal("first-login"), bind); reasonOf(err) != "REPORT_REQUIRED" {
			t.Error(err)
		}
		about := w.report(w.provider, customers.ReportCustomer{Company: "Old", Email: "o@example.com", AccountName: &old.Name})
		if _, err := w.associate(models.SystemPrincipal("first-login"), bind); err != nil || w.reportOf(about.ID).State != models.ReportLinked {
			t.Errorf("%v %+v", err, w.reportOf(about.ID))
		}
		if !slices.Contains(models.LiveReportStates(), models.ReportFailed) {
			t.Error("a failed report may be invited again")
		}
	})
}

// TestMailsOfADayAreBounded: a partner is no post office; links go on.
func TestMailsOfADayAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.post()
		email := "one@example.com"
		cmd := customers.CreateInvitation{Channel: models.InviteByEmail, Mode: models.Resale, Email: &email}
		first, err := w.Invite(w.ctx, asPartner(w.provider), cmd)
		if err != nil {
			t.Fatal(err)
		}
		copies := make([]models.Invitation, customers.MaxMailsPerDay-1)
		for i := range copies {
			copies[i] = first.Invitation
			copies[i].ID, copies[i].TokenHash = w.IDs(models.PrefixInvitation), fmt.Append(nil, i)
		}
		if _, err := db.NewInsert().Model(&copies).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Invite(w.ctx, asPartner(w.provider), cmd); reasonOf(err) != "RATE_LIMITED" {
			t.Errorf("one more: %v", err)
		}
		w.link(w.provider, customers.CreateInvitation{})
		if _, err := w.Invite(w.ctx, asPartner(w.stranger), cmd); err != nil {
			t.Errorf("another partner: %v", err)
		}
		w.at = w.at.Add(24 * time.Hour)
		if _, err := w.Invite(w.ctx, asPartner(w.provider), cmd); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}
