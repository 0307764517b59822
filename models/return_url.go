package models

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ReturnValidity is how long a signed way back may be used after it was issued.
const ReturnValidity = 5 * time.Minute

// returnClockSkew is how far the clock of a storefront may lag behind ours.
const returnClockSkew = 30 * time.Second

// ReturnParameters returns the names that signing adds to the query of a platform's return URL, in the order in which
// their values are signed; the last one is the signature itself.
func ReturnParameters() []string {
	return []string{"orderId", "status", "platformId", "issuedAt", "nonce", "signature"}
}

// ReturnTrip is what the way back to a partner's storefront says after a payment (A04).
type ReturnTrip struct {
	OrderID    ID
	Status     OrderStatus
	PlatformID string
	IssuedAt   time.Time // to the second
	Nonce      string    // random; a storefront that must act once remembers it for ReturnValidity
}

// values returns the five signed values in order, or INVALID when one is empty or holds a line break, which would let
// two different trips share a signature.
func (t ReturnTrip) values() ([]string, error) {
	values := []string{
		string(t.OrderID), string(t.Status), t.PlatformID, t.IssuedAt.UTC().Format(time.RFC3339), t.Nonce,
	}
	names := ReturnParameters()
	for i, value := range values {
		if value == "" || strings.ContainsAny(value, "\r\n") {
			return nil, Invalid(names[i], "The way back needs "+names[i]+" on one line.")
		}
	}
	return values, nil
}

// SignReturnURL adds the trip and its signature to the query of base: HMAC-SHA256 in lower-case hex, keyed with the bytes
// of secret, over the five values joined by newlines. The rest of base, its query included, stays; earlier values of
// our own names are replaced. INVALID when base is not an absolute URL, the secret is empty or a value is missing.
func SignReturnURL(base string, trip ReturnTrip, secret string) (string, error) {
	target, err := url.Parse(base)
	if err != nil || target.Host == "" || target.Scheme == "" {
		return "", Invalid("returnUrl", "The return URL must be absolute.")
	}
	if secret == "" {
		return "", Invalid("secret", "Signing needs the platform's secret.")
	}
	values, err := trip.values()
	if err != nil {
		return "", err
	}
	query := target.Query()
	names := ReturnParameters()
	for i, value := range values {
		query.Set(names[i], value)
	}
	query.Set("signature", returnSignature(values, secret))
	target.RawQuery = query.Encode()
	return target.String(), nil
}

// VerifyReturnURL is what a storefront does with the query that a browser brings back: each of the six parameters exactly
// once, the signature right, issued for this platform and at most ReturnValidity ago. The signature is compared in
// constant time, before anything else is believed. Every failure is FORBIDDEN with one text, so that a forger learns
// nothing; a forged, a foreign and a stale trip look alike.
func VerifyReturnURL(query url.Values, platformID, secret string, now time.Time) (ReturnTrip, error) {
	refused := Forbidden("This return is not signed by us, is not for this platform, or is older than five minutes.")
	names := ReturnParameters()
	values := make([]string, len(names))
	for i, name := range names {
		if len(query[name]) != 1 || strings.ContainsAny(query[name][0], "\r\n") || query[name][0] == "" {
			return ReturnTrip{}, refused
		}
		values[i] = query[name][0]
	}
	signed, given := values[:5], values[5]
	if secret == "" || !hmac.Equal([]byte(returnSignature(signed, secret)), []byte(given)) {
		return ReturnTrip{}, refused
	}
	issued, err := time.Parse(time.RFC3339, signed[3])
	if err != nil || signed[2] != platformID {
		return ReturnTrip{}, refused
	}
	if age := now.Sub(issued); age < -returnClockSkew || age > ReturnValidity {
		return ReturnTrip{}, refused
	}
	return ReturnTrip{
		OrderID: ID(signed[0]), Status: OrderStatus(signed[1]), PlatformID: signed[2], IssuedAt: issued, Nonce: signed[4],
	}, nil
}

// HasReturnParameter reports whether the query of raw already uses one of the names that signing adds.
func HasReturnParameter(raw string) bool {
	target, err := url.Parse(raw)
	if err != nil {
		return false
	}
	query := target.Query()
	return slices.ContainsFunc(ReturnParameters(), query.Has)
}

func returnSignature(values []string, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(strings.Join(values, "\n")))
	return hex.EncodeToString(mac.Sum(nil))
}
