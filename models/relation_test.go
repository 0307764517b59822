package models_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
)

func codesOf(blockers []models.RelationBlocker) []string {
	codes := []string{}
	for _, blocker := range blockers {
		codes = append(codes, string(blocker.Code))
	}
	return codes
}

// TestEveryFactBlocksWhatItShould is C07, C08, C09 and C13 row by row: what one fact alone keeps a customer from.
func TestEveryFactBlocksWhatItShould(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	none, all := []string{}, func(code string) []string { return []string{code} }
	type row struct {
		advisory, resale, leaving []string
		change                    func(*models.RelationFacts)
	}
	rows := map[string]row{
		"nothing":                  {none, none, none, func(*models.RelationFacts) {}},
		"frozen":                   {all("CUSTOMER_FROZEN"), all("CUSTOMER_FROZEN"), all("CUSTOMER_FROZEN"), func(f *models.RelationFacts) { f.Frozen = true }},
		"7 days old":               {none, none, none, func(f *models.RelationFacts) { f.RegisteredAt = now.Add(-models.DirectWindow) }},
		"older than 7 days":        {all("REPORT_REQUIRED"), all("REPORT_REQUIRED"), none, func(f *models.RelationFacts) { f.RegisteredAt = now.Add(-models.DirectWindow - 1) }},
		"has paid":                 {all("REPORT_REQUIRED"), all("REPORT_REQUIRED"), none, func(f *models.RelationFacts) { f.HasPaid = true }},
		"has paid and is reported": {none, none, none, func(f *models.RelationFacts) { f.HasPaid, f.Reported = true, true }},
		"a barred partner":         {all("PARTNER_RESTRICTED"), all("PARTNER_RESTRICTED"), none, func(f *models.RelationFacts) { f.PartnerBarred = true }},
		"another site":             {all("OTHER_SITE"), all("OTHER_SITE"), none, func(f *models.RelationFacts) { f.OtherSite = true }},
		"arrears":                  {all("ARREARS"), all("ARREARS"), all("ARREARS"), func(f *models.RelationFacts) { f.Owes = true }},
		"gifts":                    {none, all("RECHARGE_GIFT"), none, func(f *models.RelationFacts) { f.HasGifts = true }},
		"a credit line":            {none, all("CREDIT_ACCOUNT"), none, func(f *models.RelationFacts) { f.HasCredit = true }},
		"orders to pay":            {none, none, all("PENDING_PAYMENT_ORDERS"), func(f *models.RelationFacts) { f.OrdersAwait = true }},
		"own money held":           {none, none, none, func(f *models.RelationFacts) { f.HeldMoney, f.Mode = true, models.Advisory }},
		"the partner's money held": {none, none, all("HELD_MONEY"), func(f *models.RelationFacts) { f.HeldMoney, f.Mode = true, models.Resale }},
	}
	for kind, blocks := range map[models.CustomerRestrictionKind][3]bool{ // advisory, resale, leaving
		models.RestrictPartnerAccount: {true, true, false}, models.RestrictCloudReported: {true, true, false}, models.RestrictSubsidy: {true, true, false},
		models.RestrictPromotion: {true, true, false}, models.RestrictConsumerCloud: {true, true, false}, models.RestrictCustodyMember: {true, true, false},
		models.RestrictSpecialContract: {false, true, false}, models.RestrictReserved: {false, true, true}, models.RestrictInvoiceDebt: {false, true, true},
		models.RestrictStoredValue: {false, true, false}, models.RestrictMaster: {false, true, true}, models.RestrictMember: {false, true, true},
		models.RestrictGift: {false, true, false}, models.RestrictSupportPlan: {false, false, true}, models.RestrictFramework: {false, false, true},
	} {
		want := func(blocked bool) []string {
			if blocked {
				return all(string(kind))
			}
			return none
		}
		rows["restriction "+string(kind)] = row{want(blocks[0]), want(blocks[1]), want(blocks[2]), func(f *models.RelationFacts) {
			f.Restrictions = []models.CustomerRestriction{{ID: "csr_1", Kind: kind}}
		}}
	}
	if len(rows) != 14+len(models.CustomerRestrictionKinds()) {
		t.Errorf("%d rows: each kind of restriction needs one", len(rows))
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := models.RelationFacts{Now: now, RegisteredAt: now, Mode: models.Advisory}
			row.change(&facts)
			linked := facts
			linked.Associated = true
			got := [][]string{
				codesOf(facts.AssociationBlockers(models.Advisory)), codesOf(facts.AssociationBlockers(models.Resale)), codesOf(linked.DisassociationBlockers()),
			}
			if diff := cmp.Diff([][]string{row.advisory, row.resale, row.leaving}, got); diff != "" {
				t.Errorf("advisory, resale, leaving (-want +got):\n%s", diff)
			}
			for _, blocker := range append(facts.AssociationBlockers(models.Resale), linked.DisassociationBlockers()...) {
				if blocker.Message == "" || blocker.SuggestedAction == "" {
					t.Errorf("%s has no words", blocker.Code)
				}
			}
		})
	}
}

func TestAChangeOfModeMeetsBothRules(t *testing.T) {
	t.Parallel()
	facts := models.RelationFacts{Associated: true, Mode: models.Advisory, HasGifts: true, OrdersAwait: true, Restrictions: []models.CustomerRestriction{
		{Kind: models.RestrictSubsidy}, {Kind: models.RestrictReserved}, {Kind: models.RestrictSpecialContract},
	}}
	for _, row := range []struct {
		name string
		got  []models.RelationBlocker
		want []string
	}{
		{"to resale", facts.SwitchBlockers(models.Resale), []string{"PENDING_PAYMENT_ORDERS", "RESERVED_INSTANCE", "SPECIAL_CONTRACT", "RECHARGE_GIFT"}},
		{"to what it is", facts.SwitchBlockers(models.Advisory), []string{"PENDING_PAYMENT_ORDERS", "SAME_MODE", "RESERVED_INSTANCE"}},
		{"of nobody", models.RelationFacts{}.SwitchBlockers(models.Advisory), []string{"NOT_ASSOCIATED"}},
		{"leaving nobody", models.RelationFacts{}.DisassociationBlockers(), []string{"NOT_ASSOCIATED"}},
		{"joining twice", facts.AssociationBlockers(models.Advisory), []string{"ALREADY_ASSOCIATED", "GOVERNMENT_SUBSIDY"}},
	} {
		// Of the joining customer the age is not what this is about.
		got := slices.DeleteFunc(codesOf(row.got), func(code string) bool { return code == "REPORT_REQUIRED" })
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
	refused := models.RefusalOf(facts.SwitchBlockers(models.Resale))
	if models.ReasonOf(refused) != "PENDING_PAYMENT_ORDERS" || models.RefusalOf(nil) != nil {
		t.Errorf("refusal %v", refused)
	}
}

// TestThrottle is C12, for both sites and both sides.
func TestThrottle(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	ask := func(by models.RelationSide, monthsAgo int, more time.Duration) models.AssociationRequest {
		return models.AssociationRequest{RequestedBy: by, CreatedAt: now.AddDate(0, -monthsAgo, 0).Add(more)}
	}
	type requests = []models.AssociationRequest
	customer, partner := models.SideCustomer, models.SidePartner
	leave, change := models.RequestDisassociation, models.RequestModeSwitch
	for name, row := range map[string]struct {
		throttle models.RelationThrottle
		asked    requests
		kind     models.AssociationRequestKind
		by       models.RelationSide
		want     bool // may ask now
	}{
		"china, customer, first":                       {models.ThrottleChina, nil, leave, customer, true},
		"china, customer, again":                       {models.ThrottleChina, requests{ask(customer, 1, 0)}, leave, customer, false},
		"china, customer, after a change of mode":      {models.ThrottleChina, requests{ask(customer, 1, 0)}, change, customer, false},
		"china, customer, in the last second":          {models.ThrottleChina, requests{ask(customer, 3, time.Second)}, leave, customer, false},
		"china, customer, after 3 months":              {models.ThrottleChina, requests{ask(customer, 3, 0)}, leave, customer, true},
		"china, customer, after its partner":           {models.ThrottleChina, requests{ask(partner, 0, -1)}, leave, customer, true},
		"china, partner, after the customer":           {models.ThrottleChina, requests{ask(customer, 2, 0)}, leave, partner, false},
		"china, partner, 3 months after":               {models.ThrottleChina, requests{ask(customer, 3, 0)}, leave, partner, true},
		"china, partner, after itself":                 {models.ThrottleChina, requests{ask(partner, 1, 0), ask(partner, 0, -1)}, leave, partner, true},
		"china, partner, a change of mode":             {models.ThrottleChina, requests{ask(customer, 1, 0)}, change, partner, true},
		"international, twice":                         {models.ThrottleInternational, requests{ask(customer, 1, 0), ask(customer, 2, 0)}, leave, customer, true},
		"international, three times":                   {models.ThrottleInternational, requests{ask(customer, 1, 0), ask(customer, 2, 0), ask(customer, 0, -1)}, leave, customer, false},
		"international, three times, one of them old":  {models.ThrottleInternational, requests{ask(customer, 1, 0), ask(customer, 3, 0), ask(customer, 0, -1)}, leave, customer, true},
		"international, the other side's do not count": {models.ThrottleInternational, requests{ask(customer, 1, 0), ask(customer, 2, 0), ask(partner, 0, -1)}, leave, customer, true},
		"international, partner, three times":          {models.ThrottleInternational, requests{ask(partner, 1, 0), ask(partner, 2, 0), ask(partner, 0, -1)}, change, partner, false},
	} {
		notBefore := row.throttle.NotBefore(row.asked, row.kind, row.by, now)
		if got := !notBefore.After(now); got != row.want {
			t.Errorf("%s: may ask %v, not before %v", name, got, notBefore)
		}
	}
}

// TestStatesOfARelation walks every illegal move of the three state machines (4.2).
func TestStatesOfARelation(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	early, late := now.Add(time.Hour), now
	report := func(state models.ReportState, until time.Time, next models.ReportState) error {
		r := models.CustomerReport{State: state, ExpiresAt: until}
		return r.Become(next, now)
	}
	request := func(state models.AssociationRequestState, until time.Time, next models.AssociationRequestState) error {
		r := models.AssociationRequest{State: state, ExpiresAt: until}
		return r.Become(next, now)
	}
	open := func(state models.InvitationState, until time.Time) error {
		return models.Invitation{State: state, ExpiresAt: until}.Open(now)
	}
	for name, row := range map[string]struct {
		got  error
		want string
	}{
		"a report is invited":             {report(models.ReportReported, early, models.ReportInvited), ""},
		"a failed one again":              {report(models.ReportFailed, early, models.ReportInvited), ""},
		"an invited one is linked":        {report(models.ReportInvited, early, models.ReportLinked), ""},
		"an overdue one expires":          {report(models.ReportInvited, late, models.ReportExpired), ""},
		"an overdue one is linked":        {report(models.ReportInvited, late, models.ReportLinked), "REPORT_EXPIRED"},
		"an expired one is invited":       {report(models.ReportExpired, early, models.ReportInvited), "REPORT_EXPIRED"},
		"a linked one is invited":         {report(models.ReportLinked, early, models.ReportInvited), "REPORT_CLOSED"},
		"a linked one is withdrawn":       {report(models.ReportLinked, early, models.ReportWithdrawn), "REPORT_CLOSED"},
		"a withdrawn one is linked":       {report(models.ReportWithdrawn, early, models.ReportLinked), "REPORT_CLOSED"},
		"a request is confirmed":          {request(models.AssociationRequested, early, models.AssociationRequestConfirmed), ""},
		"an overdue one is confirmed":     {request(models.AssociationRequested, late, models.AssociationRequestConfirmed), "REQUEST_EXPIRED"},
		"an overdue request expires":      {request(models.AssociationRequested, late, models.AssociationRequestExpired), ""},
		"an expired request is confirmed": {request(models.AssociationRequestExpired, early, models.AssociationRequestConfirmed), "REQUEST_EXPIRED"},
		"a confirmed one is cancelled":    {request(models.AssociationRequestConfirmed, early, models.AssociationRequestCancelled), "REQUEST_CLOSED"},
		"a rejected one is confirmed":     {request(models.AssociationRequestRejected, early, models.AssociationRequestConfirmed), "REQUEST_CLOSED"},
		"a cancelled one is rejected":     {request(models.AssociationRequestCancelled, early, models.AssociationRequestRejected), "REQUEST_CLOSED"},
		"an active invitation":            {open(models.InvitationActive, early), ""},
		"an active one at its end":        {open(models.InvitationActive, late), "INVITATION_EXPIRED"},
		"an expired invitation":           {open(models.InvitationExpired, early), "INVITATION_EXPIRED"},
		"an accepted invitation":          {open(models.InvitationAccepted, late), "INVITATION_USED"},
		"a refused invitation":            {open(models.InvitationRefused, early), "INVITATION_REFUSED"},
		"a revoked invitation":            {open(models.InvitationRevoked, early), "INVITATION_REVOKED"},
	} {
		if got := models.ReasonOf(row.got); got != row.want || (row.got == nil) != (row.want == "") {
			t.Errorf("%s: %v, want %q", name, row.got, row.want)
		}
	}
	if models.CompanyKey("  ACME\t Cloud  ") != "acme cloud" {
		t.Error(models.CompanyKey("  ACME\t Cloud  "))
	}
}
