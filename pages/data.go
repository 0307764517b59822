package pages

import "github.com/partnergraph/partnergraph/models"

// Names of the pages, as Views.Render takes them. Each goes with one struct.
const (
	SignIn           = "sign_in"           // SignInPage
	FirstLogin       = "first_login"       // FirstLoginPage
	Checkout         = "checkout"          // CheckoutPage
	BindNotification = "bind_notification" // BindNotificationPage
	Console          = "console"           // ConsolePage
	Unbind           = "unbind"            // UnbindPage
	SignedOut        = "signed_out"        // SignedOutPage
	TestLogin        = "test_login"        // TestLoginPage
	Error            = "error"             // ErrorPage
)

// Names of the form fields that the pages post, for the handlers that read them.
const (
	FieldCSRF           = "csrf_token"
	FieldNext           = "next"
	FieldLoginName      = "login_name"
	FieldPassword       = "password"
	FieldBranch         = "branch" // BranchCreate or BranchBind
	FieldTicket         = "ticket"
	FieldAccountName    = "account_name"
	FieldConsent        = "consent" // "yes" when ticked, else absent
	FieldIdempotencyKey = "idempotency_key"
	// FieldAskPartner asks the partner to pay instead of paying, FieldCancel cancels the order.
	FieldAskPartner = "ask_partner"
	FieldCancel     = "cancel"
	// FieldDiscount chooses a price: the id of a discount, or ListPrice.
	FieldDiscount = "discount"
	// FieldChooseCoupons chooses the coupons of the FieldCoupon fields, which may be there several times: ids in their order; empty ones are none.
	FieldChooseCoupons = "choose_coupons"
	FieldCoupon        = "coupon"
	// FieldTotal is the total that the visitor saw, FieldMoney what of it money was to pay.
	FieldTotal    = "total"
	FieldMoney    = "money"
	FieldIdentity = "identity" // id of a binding
)

// ListPrice is the value of FieldDiscount that takes no discount.
const ListPrice = "none"

// Values of FieldBranch.
const (
	BranchCreate = "create"
	BranchBind   = "bind"
)

// Common is what every page may carry. The zero value is a page for a visitor
// who is not signed in.
type Common struct {
	// SignedInAs is the name shown in the header; empty shows none.
	SignedInAs string
	// Brand is the partner's, in place of the operator's or beside it; nil shows the operator's.
	Brand *Brand
	// RedirectTo are addresses on other origins to which the answer to one of
	// the page's forms may redirect. Browsers hold a form's redirects against
	// the page's policy, so a return URL missing here is a button that does nothing.
	RedirectTo []string
}

func (c Common) common() Common { return c }

// SignInPage asks for login name and password.
type SignInPage struct {
	Common
	// Action is where the form is posted.
	Action string
	// Next is an opaque value posted back as FieldNext; the handler checks it.
	Next string
	// LoginName is put into its field, after a failed attempt for example.
	LoginName string
	// PlatformName, when set, is named as what follows after signing in.
	PlatformName string
	// Problem is a code of the catalogue's "problem." group; empty for none.
	Problem string
}

// FirstLoginPage lets a person, once, choose the cloud account for its user of a
// partner's platform (2.5, A06). Both forms post to Action and
// differ by FieldBranch.
type FirstLoginPage struct {
	Common
	Action string
	// Ticket names the parked first login; posted back as FieldTicket.
	Ticket       string
	PlatformName string
	Create       CreateForm
	Bind         BindForm
}

// CreateForm is the branch that creates a new account.
type CreateForm struct {
	// AccountName is the assertion's name attribute, or what was typed before.
	AccountName string
	// AgreementURL and PrivacyURL open in a new tab; an empty one is not shown.
	AgreementURL, PrivacyURL string
	// Problem is a code of the catalogue's "problem." group; empty for none.
	Problem string
}

// BindForm is the branch that binds an existing account.
type BindForm struct {
	LoginName string
	Problem   string
}

// CheckoutState is what can be done with the order on the checkout page.
type CheckoutState string

// The states of the checkout page.
const (
	CheckoutPayable       CheckoutState = "PAYABLE"
	CheckoutPaid          CheckoutState = "PAID"
	CheckoutCancelled     CheckoutState = "CANCELLED"
	CheckoutExpired       CheckoutState = "EXPIRED"
	CheckoutBalanceTooLow CheckoutState = "BALANCE_TOO_LOW"
	CheckoutInReview      CheckoutState = "IN_REVIEW"
)

// CheckoutPage shows an order and, in state PAYABLE, the button that pays it.
type CheckoutPage struct {
	Common
	Action      string
	OrderNumber string
	State       CheckoutState
	Items       []CheckoutItem
	// Total, Balance and Missing are formatted with their currency. Missing is
	// shown in state BALANCE_TOO_LOW only.
	Total, Balance, Missing string
	// OfficialTotal is the list price and Saving what a discount takes off it; empty when that is nothing.
	OfficialTotal, Saving string
	// Choices are the prices to choose from; fewer than two are not shown.
	Choices []CheckoutChoice
	// Coupons are what the order may be paid with before money, those chosen first.
	Coupons []CheckoutCoupon
	// CouponsPay is what the chosen ones pay, formatted; empty for nothing. Money is what is left for money to pay.
	CouponsPay, Money string
	// Sources are what an open order would be paid from, in their order.
	Sources []CheckoutSource
	// Cancellable offers to cancel the order.
	Cancellable bool
	// Problem is a code of the catalogue's "checkout.problem." group: why nothing was done; empty for none.
	Problem string
	// PayBy is a formatted time; empty when there is no deadline.
	PayBy string
	// CustomerName is the account that pays.
	CustomerName string
	// IdempotencyKey makes a double click pay once.
	IdempotencyKey string
	// AskPartner offers to ask the partner to pay (O05); PartnerAsked says that it was asked.
	AskPartner, PartnerAsked bool
	// ReturnURL leads back to the partner's platform, RechargeURL to where money
	// is added (A04); an empty one is not shown.
	ReturnURL, RechargeURL string
	// PlatformName names the target of ReturnURL; may be empty.
	PlatformName string
	// ConsoleURL, when set, is offered beside the way back.
	ConsoleURL string
}

// Payable reports whether the page shows the button that pays.
func (p CheckoutPage) Payable() bool { return p.State == CheckoutPayable }

// BalanceTooLow reports whether the page shows what is missing.
func (p CheckoutPage) BalanceTooLow() bool { return p.State == CheckoutBalanceTooLow }

// Open reports whether the order still waits for its payment.
func (p CheckoutPage) Open() bool {
	return p.Payable() || p.BalanceTooLow() || p.State == CheckoutInReview
}

// Tone is the colour of the message: "good", "bad" or "plain".
func (p CheckoutPage) Tone() string {
	switch p.State {
	case CheckoutPaid:
		return "good"
	case CheckoutCancelled, CheckoutExpired, CheckoutBalanceTooLow:
		return "bad"
	default:
		return "plain"
	}
}

// CheckoutChoice is a price that the order may be paid at. Kind is a code of the catalogue's "checkout.choice." group; Amount is formatted.
type CheckoutChoice struct {
	Value, Kind, Amount string
	Chosen              bool
}

// CheckoutCoupon is a coupon of the customer's. Type is a code of the catalogue's "checkout.coupon_type." group; Balance, Until and Pays are formatted.
type CheckoutCoupon struct {
	ID, Type, Balance, Until string
	Memo                     string // what its partner wrote on it; may be empty
	// Place is where it was put, from 1; 0 = not chosen. Pays is what it pays there; empty for nothing.
	Place int
	Pays  string
	// Why is a code of the catalogue's "checkout.problem." group: why it pays nothing; empty when it pays.
	Why string
}

// couponNotNeeded is the reason of a coupon that others leave nothing to: it can be chosen in their place.
const couponNotNeeded = "COUPON_NOT_NEEDED"

// CouponSlot is one of the places for a coupon, from 1, with the id of the one that is there; empty = none.
type CouponSlot struct {
	Number int
	Chosen string
}

// UsableCoupons are those to choose from.
func (p CheckoutPage) UsableCoupons() []CheckoutCoupon {
	return p.couponsThat(func(c CheckoutCoupon) bool { return c.Why == "" || c.Why == couponNotNeeded })
}

// RefusedCoupons are those that pay nothing: the chosen ones, and those that this order cannot use.
func (p CheckoutPage) RefusedCoupons() []CheckoutCoupon {
	return p.couponsThat(func(c CheckoutCoupon) bool { return c.Why != "" && (c.Place > 0 || c.Why != couponNotNeeded) })
}

// ChosenCoupons are those that pay, in their order.
func (p CheckoutPage) ChosenCoupons() []CheckoutCoupon {
	return p.couponsThat(func(c CheckoutCoupon) bool { return c.Place > 0 && c.Why == "" })
}

// CouponSlots are as many places as coupons can be used at once.
func (p CheckoutPage) CouponSlots() []CouponSlot {
	slots := make([]CouponSlot, min(len(p.UsableCoupons()), models.MaxCouponsPerOrder))
	for i := range slots {
		slots[i].Number = i + 1
	}
	for i, coupon := range p.ChosenCoupons() {
		if i < len(slots) {
			slots[i].Chosen = coupon.ID
		}
	}
	return slots
}

func (p CheckoutPage) couponsThat(fit func(CheckoutCoupon) bool) (all []CheckoutCoupon) {
	for _, coupon := range p.Coupons {
		if fit(coupon) {
			all = append(all, coupon)
		}
	}
	return all
}

// CheckoutSource is what some of the total is paid from: a code of the catalogue's "checkout.source." group, and a formatted amount.
type CheckoutSource struct{ Name, Amount string }

// CheckoutItem is one line of the order. A Name that is a resource type of the catalogue is shown in the visitor's words.
type CheckoutItem struct {
	Name, Spec, Quantity, Amount string
}

// BindNotificationPage posts the signed result of a binding to the partner's
// platform through the browser (2.6), into a frame, and then leads on
// to Next. A script does both; without one a button and a link do the same.
type BindNotificationPage struct {
	Common
	// Target is the platform's bind-notification URL.
	Target string
	// Fields are posted as they are: bindRequest, SigAlg, Signature.
	Fields       []Field
	PlatformName string
	// Next is where the person wanted to go; absolute, or a path of ours.
	Next string
	// Unbind changes the words: the binding has ended.
	Unbind bool
}

// Field is one hidden field of a form.
type Field struct{ Name, Value string }

// ConsolePage is where a customer lands who has no other place to go: who is
// signed in, the newest orders and the newest resources.
type ConsolePage struct {
	Common
	CustomerName string
	// PartnerName is the partner that serves the customer; may be empty.
	PartnerName string
	// Balance is formatted with its currency; empty when not to be shown.
	Balance       string
	Orders        []ConsoleOrder
	Resources     []ConsoleResource
	MoreOrders    bool
	MoreResources bool
	// Identities are the platforms that sign this person in.
	Identities []ConsoleIdentity
	// SignOutAction receives a POST; empty shows no button.
	SignOutAction string
}

// ConsoleOrder is one line of the list of orders.
type ConsoleOrder struct {
	Number string
	// Status is the order's status as the API spells it, such as PENDING_PAYMENT.
	Status           string
	Total, CreatedAt string
	// URL is the order's checkout page; Payable words the link as "Pay".
	URL     string
	Payable bool
}

// ConsoleResource is one line of the list of resources. A Service that is in the catalogue is shown in the visitor's words.
type ConsoleResource struct {
	Name, Service, Region string
	// Status is the resource's status as the API spells it, such as IN_USE.
	Status string
	// ExpiresAt is a formatted time; empty reads as "no end".
	ExpiresAt string
}

// ConsoleIdentity is one line of the list of connected platforms.
type ConsoleIdentity struct {
	PlatformName, BoundAt string
	// URL is the page that asks whether to disconnect.
	URL string
}

// UnbindPage asks whether a binding is to end.
type UnbindPage struct {
	Common
	Action, IdentityID         string
	PlatformName, CustomerName string
	Problem                    string // a code of the catalogue's "problem." group; empty for none
}

// SignedOutPage is what somebody sees who has signed out after coming from a platform or after signing in to other services.
type SignedOutPage struct {
	Common
	// Everywhere says that all who were told confirmed it.
	Everywhere bool
	// Continue is where the browser goes next, to ask the platform; empty when that is over.
	Continue string
}

// TestLoginPage shows what a test login found. All its texts but the names of checks are the platform's.
type TestLoginPage struct {
	Common
	Accepted   bool
	Checks     []ShownCheck
	Attributes []ShownAttribute
	NameID     string
	// The algorithms; empty where the message was not signed or encrypted.
	ResponseSigned, AssertionSigned, Encrypted string
}

// ShownCheck is one check; Verdict and Reason are codes of the catalogue.
type ShownCheck struct{ Name, Verdict, Reason, Detail string }

// ShownAttribute is one attribute as sent and the field that it fills.
type ShownAttribute struct {
	Name   string
	Values []string
	Fills  string
}

// ErrorPage says what happened and what its reader can do.
type ErrorPage struct {
	Common
	// Code is a machine code of the SAML door or of the API; the page shows it
	// when the catalogue knows it and UNKNOWN otherwise.
	Code string
	// RequestID is shown as the support id.
	RequestID string
	// BackURL, when set, is offered as a button.
	BackURL string
	// HelpURL, when set, is where the reader's platform helps: another site.
	HelpURL string
}

// Known returns Code, or UNKNOWN when the catalogue has no words for it.
func (p ErrorPage) Known() string {
	if _, ok := classOf(p.Code); ok {
		return p.Code
	}
	return "UNKNOWN"
}

// Class returns the group of codes whose title and advice fit.
func (p ErrorPage) Class() string {
	class, _ := classOf(p.Code)
	return class
}
