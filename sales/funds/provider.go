package funds

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// Provider takes online payments. Its name, the key of Service.Providers, is part of the address of its notifications.
type Provider interface {
	// Start begins a payment and returns where the payer goes, or what it is to do. It is called outside any transaction,
	// and again with the same payment when the first call's outcome was lost: the same RechargeID is the same payment.
	Start(ctx context.Context, payment Payment) (Begun, error)
}

// Notifier is a Provider that tells of payments over HTTP. Only notifiers have an address to be told at.
type Notifier interface {
	// Verify proves that a notification is the provider's and says what it says. A forged or stale one is UNAUTHENTICATED,
	// one that cannot be read INVALID. It must not trust anything before it is proved, and has no effect of its own.
	Verify(ctx context.Context, notification Notification) (Receipt, error)
}

// Payment is what a provider is asked to collect.
type Payment struct {
	RechargeID models.ID
	Reference  string // what the provider is to repeat in its Receipt
	Amount     models.Money
	Channel    models.RechargeChannel
	ExpiresAt  time.Time
	NotifyURL  string // where it may notify; empty for a provider that does not
}

// Begun is how a payment goes on. Either may be empty.
type Begun struct {
	PayURL       string // where to send the payer
	Instructions string // what to tell the payer
}

// Notification is a request as it came in. The body is complete and at most MaxNotification bytes.
type Notification struct {
	Header http.Header
	Body   []byte
}

// MaxNotification bounds the body of a notification, in bytes.
const MaxNotification = 64 << 10

// NotifyPath is where a provider notifies of payments, below this server's origin.
func NotifyPath(provider string) string { return "/payments/" + provider + "/notify" }

// providerName is what fits into an address as it is.
var providerName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// CheckProviders says what is wrong with the providers of a program.
func CheckProviders(providers map[string]Provider) error {
	for name, provider := range providers {
		if !providerName.MatchString(name) || provider == nil {
			return fmt.Errorf("payment provider %q: its name has 1 to 32 lower-case letters, digits and hyphens, and something is behind it", name)
		}
	}
	return nil
}

// Receipt is what a verified notification says.
type Receipt struct {
	Reference         string       // of the recharge
	ProviderReference string       // of the payment at the provider, 1 to 128 characters; credited at most once
	Received          models.Money // what the payer paid
	Paid              bool         // false = nothing arrived yet; such a notification changes nothing
	Acknowledgement   string       // what the provider wants to read in answer
}

// ProviderManual is the name of the provider that needs nobody outside: an operator looks and confirms.
const ProviderManual = "manual"

// ManualProvider is for payments that a person watches, such as a merchant's QR code on a counter: the payer quotes the
// reference, an operator confirms with ConfirmRecharge. It is no Notifier. The zero value is ready.
type ManualProvider struct{}

var _ Provider = ManualProvider{}

// Start tells the payer to quote the reference.
func (ManualProvider) Start(_ context.Context, payment Payment) (Begun, error) {
	return Begun{Instructions: "Pay " + payment.Amount.String() + " and quote " + payment.Reference + "; the balance grows once the payment is confirmed."}, nil
}
