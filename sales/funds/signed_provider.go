package funds

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
)

// The headers of a signed notification.
const (
	HeaderTimestamp = "X-Payment-Timestamp" // Unix seconds
	HeaderSignature = "X-Payment-Signature" // hex of HMAC-SHA256 over timestamp, a line feed, and the body
)

// signedTolerance is how far the timestamp of a notification may be off.
const signedTolerance = 5 * time.Minute

// SignedProvider is for a payment service of one's own, or a bridge to a public one: it sends the payer to PayURL and is
// told of payments by notifications signed with a shared secret. All fields are required.
type SignedProvider struct {
	PayURL string // the recharge's reference is appended
	Secret []byte // at least 32 bytes
	Now    func() time.Time
}

var (
	_ Provider = SignedProvider{}
	_ Notifier = SignedProvider{}
)

// signedBody is the JSON of a notification.
type signedBody struct {
	Reference         string          `json:"reference"`
	ProviderReference string          `json:"providerReference"`
	Amount            string          `json:"amount"`
	Currency          models.Currency `json:"currency"`
	Paid              bool            `json:"paid"`
}

// Start sends the payer to the payment service, which knows the rest by the reference.
func (p SignedProvider) Start(_ context.Context, payment Payment) (Begun, error) {
	return Begun{PayURL: p.PayURL + payment.Reference}, nil
}

// Verify checks the signature before it reads anything else.
func (p SignedProvider) Verify(_ context.Context, n Notification) (Receipt, error) {
	timestamp := n.Header.Get(HeaderTimestamp)
	given, err := hex.DecodeString(n.Header.Get(HeaderSignature))
	if err != nil || len(p.Secret) < sha256.Size || !hmac.Equal(given, p.Sign(timestamp, n.Body)) {
		return Receipt{}, models.Unauthenticated("The signature of this notification is not ours.")
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || p.Now().Sub(time.Unix(seconds, 0)).Abs() > signedTolerance {
		return Receipt{}, models.Unauthenticated("The timestamp of this notification is too far off.")
	}
	var body signedBody
	if err := json.Unmarshal(n.Body, &body); err != nil {
		return Receipt{}, models.Invalid("body", "The body of a notification is a JSON object.")
	}
	received, err := body.received()
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{
		Reference: body.Reference, ProviderReference: body.ProviderReference, Received: received, Paid: body.Paid, Acknowledgement: "success",
	}, nil
}

// Sign returns the signature of a body under a timestamp.
func (p SignedProvider) Sign(timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, p.Secret)
	mac.Write([]byte(timestamp))
	mac.Write([]byte{'\n'})
	mac.Write(body)
	return mac.Sum(nil)
}

func (b signedBody) received() (models.Money, error) {
	// Twenty digits and a point hold every amount, and no exponent fits in that costs anything.
	if len(b.Amount) > 21 {
		return models.Money{}, models.Invalid("amount", "The amount is too long.")
	}
	amount, err := decimal.NewFromString(b.Amount)
	if err != nil || checkAmount(amount) != nil {
		return models.Money{}, models.Invalid("amount", "The amount must be a plain decimal above zero.")
	}
	return models.ParseMoney(amount, b.Currency, "amount")
}
