package pages_test

import (
	"fmt"

	"github.com/partnergraph/partnergraph/pages"
)

// sample is one page in one of its states.
type sample struct {
	label string
	name  string
	data  any
	// shows are words that must be on the English page.
	shows []string
	// hides are words that must not be.
	hides []string
}

// samples has every page in every state, each text field filled with s(field).
func samples(s func(string) string) []sample {
	list := []sample{
		{"sign-in", pages.SignIn, pages.SignInPage{Action: "/sign-in", Next: s("next"), LoginName: s("login")},
			[]string{`action="/sign-in"`, "Login name", "current-password"}, []string{"alert"}},
		{"sign-in failed", pages.SignIn, pages.SignInPage{Action: "/sign-in", PlatformName: s("platform"), Problem: "WRONG_CREDENTIALS"},
			[]string{"to continue with", "Login name or password is wrong.", `role="alert"`}, nil},
		{"sign-in failed oddly", pages.SignIn, pages.SignInPage{Action: "/sign-in", Problem: s("NEVER_HEARD_OF")},
			[]string{"That did not work."}, []string{"NEVER_HEARD_OF"}},
		{"first login", pages.FirstLogin, firstLogin(s, "", ""),
			[]string{`value="create"`, `value="bind"`, "Customer agreement", "Privacy statement", `name="consent"`, `rel="noopener noreferrer"`},
			[]string{"alert"}},
		{"first login without documents", pages.FirstLogin, pages.FirstLoginPage{Action: "/first-login", PlatformName: s("platform")},
			[]string{"I want this account to be created", `name="consent"`}, []string{"terms below", "Customer agreement"}},
		{"first login taken", pages.FirstLogin, firstLogin(s, "NAME_TAKEN", "WRONG_CREDENTIALS"),
			[]string{"This account name is taken.", "Login name or password is wrong."}, nil},
		{"bind", pages.BindNotification, pages.BindNotificationPage{Target: "https://shop.example/bind",
			Fields: []pages.Field{{Name: "bindRequest", Value: s("e30=")}, {Name: "SigAlg", Value: "alg"}, {Name: "Signature", Value: "sig"}}, PlatformName: s("platform")},
			[]string{`action="https://shop.example/bind"`, `name="bindRequest"`, "Your accounts are connected.", "submit.js", ">Tell ", ">Then go on<"}, []string{"csrf_token"}},
		{"unbind", pages.BindNotification, pages.BindNotificationPage{Target: "https://shop.example/bind", PlatformName: s("platform"), Unbind: true},
			[]string{"no longer connected"}, nil},
		{"console empty", pages.Console, pages.ConsolePage{CustomerName: s("customer")},
			[]string{"No orders yet.", "No resources yet."}, []string{"Sign out", "Disconnect", "<table"}},
		{"console", pages.Console, console(s),
			[]string{"To be paid", "Completed", "In use", "Sign out", ">Pay<", ">Open<", ">Disconnect<", "no end", "SOMETHING_NEW"}, []string{"No orders yet"}},
		{"unbind question", pages.Unbind, pages.UnbindPage{Action: "/unbind", IdentityID: s("fid"), PlatformName: s("platform"), CustomerName: s("customer")},
			[]string{"Disconnect ", `action="/unbind"`, `name="identity"`, "Keep it connected"}, []string{"alert"}},
		{"signed out here", pages.SignedOut, pages.SignedOutPage{}, []string{"did not confirm", "Sign in again"}, []string{"Go on"}},
		{"signed out everywhere", pages.SignedOut, pages.SignedOutPage{Everywhere: true}, []string{"wherever else you were signed in"}, []string{"did not confirm"}},
		{"signing out at the platform", pages.SignedOut, pages.SignedOutPage{Continue: "https://shop.example/slo?SAMLRequest=x"},
			[]string{"We are asking your platform", `href="https://shop.example/slo?SAMLRequest=x"`}, []string{"Sign in again"}},
		{"test login", pages.TestLogin, pages.TestLoginPage{
			Accepted: true, NameID: s("name"), ResponseSigned: s("rsa"), Encrypted: s("gcm"), Checks: []pages.ShownCheck{{Name: "AUDIENCE", Verdict: "PASSED"}},
			Attributes: []pages.ShownAttribute{{Name: s("xUserId"), Values: []string{s("one"), s("two")}, Fills: "xUserId"}},
		}, []string{"would be accepted", "AUDIENCE", "passed", "Assertion signed with", ">no<"}, []string{"would be refused"}},
		{"test login that failed", pages.TestLogin, pages.TestLoginPage{Checks: []pages.ShownCheck{
			{Name: "AUDIENCE", Verdict: "FAILED", Reason: "AUDIENCE_MISMATCH", Detail: s("detail")}, {Name: "PARTNER", Verdict: "SKIPPED"},
		}}, []string{"would be refused", "meant for another service", "No attributes were sent", "not made"}, nil},
	}
	list = append(list,
		sample{"signed in as somebody else", pages.SignIn, pages.SignInPage{Action: "/sign-in", PlatformName: s("platform"), Problem: "OTHER_ACCOUNT"},
			[]string{"does not belong to the platform"}, nil})
	list = append(list, invitations(s)...)
	list = append(list, checkouts(s)...)
	for _, code := range append(documentedCodes(), "UNKNOWN") {
		list = append(list, sample{"error " + code, pages.Error,
			pages.ErrorPage{Code: code, RequestID: s("req-1"), BackURL: "/console", HelpURL: "https://shop.example/help"},
			[]string{">" + code + "<", "What you can do", "Support id", "Go back"}, nil})
	}
	return append(list, sample{"error of a stranger", pages.Error, pages.ErrorPage{Code: s("STRANGER")},
		[]string{">UNKNOWN<"}, []string{"STRANGER", "Support id", "Go back"}})
}

func firstLogin(s func(string) string, create, bind string) pages.FirstLoginPage {
	return pages.FirstLoginPage{
		Action: "/saml/bind", Ticket: s("ticket"), PlatformName: s("platform"),
		Create: pages.CreateForm{AccountName: s("account"), AgreementURL: "https://cloud.example/agreement",
			PrivacyURL: "https://cloud.example/privacy", Problem: create},
		Bind: pages.BindForm{LoginName: s("login"), Problem: bind},
	}
}

func invitations(s func(string) string) []sample {
	offer := pages.InvitationPage{
		Common: pages.Common{SignedInAs: s("person")}, Action: "/invitation/token", PartnerName: s("partner"), Mode: "RESALE",
		ExpiresAt: s("2026-11-28 09:30 UTC"), CustomerName: s("customer"),
	}
	advisory, accepted, refused, blocked := offer, offer, offer, offer
	advisory.Mode = "ADVISORY"
	accepted.Action, accepted.Done = "", pages.DecisionAccept
	refused.Action, refused.Done = "", pages.DecisionRefuse
	blocked.Action, blocked.Problem = "", "REPORT_REQUIRED"
	list := []sample{
		{"invitation", pages.Invitation, offer, []string{"invites you", "puts the money", `value="accept"`, `value="refuse"`, "Good until"}, []string{"alert"}},
		{"invitation advisory", pages.Invitation, advisory, []string{"paying it yourself"}, []string{"puts the money"}},
		{"invitation accepted", pages.Invitation, accepted, []string{"You are a customer of"}, []string{"<form", "Good until"}},
		{"invitation refused", pages.Invitation, refused, []string{"You have refused"}, []string{"<form"}},
		{"invitation blocked", pages.Invitation, blocked, []string{"older than 7 days", `role="alert"`}, []string{"<form"}},
		{"invitation in an odd way", pages.Invitation, pages.InvitationPage{Problem: s("NEVER_HEARD_OF")}, []string{"This did not work."}, []string{"NEVER_HEARD_OF", "<form"}},
	}
	for _, code := range []string{"UNKNOWN", "USED", "REFUSED", "REVOKED", "EXPIRED", "FOR_ANOTHER"} {
		list = append(list, sample{"invitation " + code, pages.Invitation, pages.InvitationPage{Problem: "INVITATION_" + code},
			[]string{`role="alert"`}, []string{"This did not work.", "<form"}})
	}
	return list
}

func console(s func(string) string) pages.ConsolePage {
	return pages.ConsolePage{
		Common: pages.Common{SignedInAs: s("person")}, CustomerName: s("customer"), PartnerName: s("partner"),
		Balance: s("1,250.00 CNY"), SignOutAction: "/sign-out", MoreOrders: true,
		Orders: []pages.ConsoleOrder{
			{Number: s("CS2611210001"), Status: "PENDING_PAYMENT", Total: s("320.00 CNY"), CreatedAt: s("2026-11-21 09:30"), URL: "/checkout/1", Payable: true},
			{Number: s("CS2611200007"), Status: "COMPLETED", Total: s("99.00 CNY"), CreatedAt: s("2026-11-20 17:02"), URL: "/checkout/2"},
			{Number: s("CS2611190003"), Status: s("SOMETHING_NEW"), Total: s("5.00 CNY"), CreatedAt: s("2026-11-19 08:00")},
		},
		Identities: []pages.ConsoleIdentity{{PlatformName: s("platform"), BoundAt: s("2026-11-01"), URL: "/unbind?identity=1"}},
		Resources: []pages.ConsoleResource{
			{Name: s("web-01"), Service: s("Elastic server"), Region: s("cn-north-4"), Status: "IN_USE", ExpiresAt: s("2027-11-20")},
			{Name: s("web-01-disk"), Service: s("Block storage"), Region: s("cn-north-4"), Status: "IN_USE"},
		},
	}
}

func checkouts(s func(string) string) []sample {
	base := pages.CheckoutPage{
		Common: pages.Common{SignedInAs: s("person")},
		Action: "/checkout/1", OrderNumber: s("CS2611210001"), CustomerName: s("customer"),
		Items: []pages.CheckoutItem{
			{Name: s("Elastic server"), Spec: s("c7.large.2 / 2 vCPU / 4 GiB"), Quantity: s("2"), Amount: s("280.00 CNY")},
			{Name: s("Block storage"), Spec: s("SSD 40 GiB"), Quantity: s("2"), Amount: s("40.00 CNY")},
		},
		Total: s("320.00 CNY"), Balance: s("1,250.00 CNY"), Missing: s("70.00 CNY"), PayBy: s("2026-11-22 09:30 UTC"),
		IdempotencyKey: s("key"), ReturnURL: "https://shop.example/orders/1", RechargeURL: "https://shop.example/recharge",
		PlatformName: s("platform"), ConsoleURL: "/console",
	}
	words := map[pages.CheckoutState][2][]string{
		pages.CheckoutPayable:       {{"Check the order, then pay.", "idempotency_key", "Balance available"}, {"Missing", "Add money"}},
		pages.CheckoutPaid:          {{"is paid", "Back to"}, {"<form", "Balance available", "Pay by"}},
		pages.CheckoutCancelled:     {{"was cancelled"}, {"<form", "Pay by"}},
		pages.CheckoutExpired:       {{"time to pay this order is over"}, {"<form", "Add money"}},
		pages.CheckoutBalanceTooLow: {{"does not cover", "Missing", "Add money", "https://shop.example/recharge"}, {"<form"}},
		pages.CheckoutInReview:      {{"being reviewed", "Pay by"}, {"<form", "Missing"}},
	}
	var list []sample
	for state, w := range words {
		p := base
		p.State = state
		list = append(list, sample{fmt.Sprintf("checkout %s", state), pages.Checkout, p, w[0], w[1]})
	}
	choosing := base
	choosing.State, choosing.OfficialTotal, choosing.Saving, choosing.Cancellable = pages.CheckoutPayable, s("400.00 CNY"), s("80.00 CNY"), true
	choosing.Choices = []pages.CheckoutChoice{
		{Value: s("dsc_1"), Kind: "BUSINESS_CONTRACT", Amount: s("320.00 CNY"), Chosen: true}, {Value: s("dsc_2"), Kind: "PARTNER_RATE", Amount: s("340.00 CNY")},
		{Value: s("dsc_3"), Kind: "PARTNER_GRANTED", Amount: s("350.00 CNY")}, {Value: pages.ListPrice, Kind: "NONE", Amount: s("400.00 CNY")},
	}
	choosing.Sources = []pages.CheckoutSource{{Name: "HELD", Amount: s("20.00 CNY")}, {Name: "BALANCE", Amount: s("300.00 CNY")}}
	list = append(list, sample{"checkout with choices", pages.Checkout, choosing,
		[]string{"List price", "Discount", "Your contract with the cloud", `value="none"`, " checked", "Use this price", "From what is set aside", "From your balance", "Cancel this order", `name="total"`}, []string{"alert"}})
	for _, problem := range []string{"PRICE_CHANGED", "DISCOUNT_NOT_OFFERED", "ORDER_ALREADY_HELD", "REVIEW_NEEDED"} {
		refused := choosing
		refused.Problem = problem
		list = append(list, sample{"checkout " + problem, pages.Checkout, refused, []string{`role="alert"`}, nil})
	}
	list = append(list, withCoupons(s, choosing)...)
	askable, asked := base, base
	askable.State, askable.AskPartner = pages.CheckoutBalanceTooLow, true
	asked.State, asked.PartnerAsked = pages.CheckoutBalanceTooLow, true
	list = append(list,
		sample{"checkout that the partner could pay", pages.Checkout, askable, []string{"to pay</button>", "ask_partner"}, []string{"has been asked"}},
		sample{"checkout that the partner is asked to pay", pages.Checkout, asked, []string{"has been asked to pay"}, []string{"<form"}})
	plain := base
	plain.State, plain.RechargeURL, plain.ReturnURL, plain.PlatformName = pages.CheckoutBalanceTooLow, "", "", ""
	return append(list, sample{"checkout without links", pages.Checkout, plain, []string{"does not cover"}, []string{"Add money", "Back to"}})
}

// withCoupons are checkouts of a customer that has coupons.
func withCoupons(s func(string) string, page pages.CheckoutPage) []sample {
	coupon := func(id string, place int, pays, why string) pages.CheckoutCoupon {
		return pages.CheckoutCoupon{ID: s(id), Type: "VOUCHER", Balance: s("50.00 CNY"), Until: s("2026-12-31 16:00 UTC"), Memo: s("welcome"), Place: place, Pays: pays, Why: why}
	}
	page.Money = s("320.00 CNY")
	chosen := page
	chosen.CouponsPay, chosen.Money = s("60.00 CNY"), s("260.00 CNY")
	chosen.Sources = append([]pages.CheckoutSource{{Name: "COUPONS", Amount: s("60.00 CNY")}}, page.Sources...)
	chosen.Coupons = []pages.CheckoutCoupon{
		coupon("cpn_1", 1, s("50.00 CNY"), ""), coupon("cpn_2", 2, "", "COUPON_NOT_NEEDED"), coupon("cpn_3", 3, s("10.00 CNY"), ""), coupon("cpn_4", 0, "", "COUPON_NOT_NEEDED"),
		coupon("cpn_5", 0, "", "COUPON_WITH_DISCOUNT"),
	}
	list := []sample{{
		"checkout with coupons", pages.Checkout, chosen,
		[]string{
			"<legend>Coupons</legend>", "First coupon", "Second coupon", "Third coupon", "No coupon", "Voucher", "left, until", " selected>", "pays ", "To pay", "From coupons", "Use these coupons",
			"Not for this order", "does not go together with a discount", "pay for all that this coupon", `name="choose_coupons"`, `type="hidden" name="coupon"`, "The coupons are used first",
		}, []string{"alert", "None of your coupons"},
	}}
	one := page
	one.Coupons = []pages.CheckoutCoupon{coupon("cpn_1", 0, s("50.00 CNY"), "")}
	refused := page
	for _, why := range []string{"NOT_ACTIVATED", "USED", "EXPIRED", "RECLAIMED", "LOCKED", "CURRENCY", "ORDER_AMOUNT", "WITH_DISCOUNT", "DISCOUNT_TOO_DEEP", "NOT_APPLICABLE"} {
		refused.Coupons = append(refused.Coupons, coupon("cpn_"+why, 0, "", "COUPON_"+why))
	}
	short := chosen
	short.State = pages.CheckoutBalanceTooLow
	over := chosen
	over.State = pages.CheckoutPaid
	return append(list,
		sample{"checkout with one coupon", pages.Checkout, one, []string{"First coupon", "Use these coupons", "taken from your balance at once"}, []string{"Second coupon", " selected>", "To pay", "Not for this order"}},
		sample{"checkout with coupons that do not fit", pages.Checkout, refused, []string{"None of your coupons", "used up", "out of the bounds", "none of these items"}, []string{"First coupon", "Use these coupons"}},
		sample{"checkout with coupons and too little money", pages.Checkout, short, []string{"Missing", "Use these coupons", "To pay"}, []string{"idempotency_key"}},
		sample{"checkout that was paid with coupons", pages.Checkout, over, []string{"is paid"}, []string{"Use these coupons"}})
}

// documentedCodes are the codes that may reach the error page.
func documentedCodes() []string {
	return []string{
		"UNKNOWN_PLATFORM", "PLATFORM_DISABLED", "LOGIN_LINK_INVALID", "SERVICE_NOT_ALLOWED", "LOGIN_EXPIRED", "BROWSER_MISMATCH",
		"LOGOUT_UNKNOWN", "TEST_LINK_INVALID", "RESPONSE_MALFORMED", "SIGNATURE_MISSING", "SIGNATURE_INVALID", "ISSUER_MISMATCH", "AUDIENCE_MISMATCH", "RECIPIENT_MISMATCH",
		"TIME_WINDOW", "REPLAYED", "IDP_STATUS", "ATTRIBUTE_MISSING", "PARTNER_MISMATCH", "IDENTITY_NOT_BOUND", "RATE_LIMITED", "INTERNAL",
		"INVALID", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "INSUFFICIENT_BALANCE", "PRECONDITION_FAILED",
		"TOO_COMPLEX", "UNAVAILABLE", "FORM_EXPIRED",
	}
}
