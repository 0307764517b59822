package models

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// WebhookSecretPrefix begins every secret as people see it; the key is the base64 that follows.
const WebhookSecretPrefix = "whsec_"

// WebhookSecretSize is the length of a key in bytes.
const WebhookSecretSize = 32

// The headers of a delivery, by the Standard Webhooks specification.
const (
	HeaderWebhookID        = "webhook-id"
	HeaderWebhookTimestamp = "webhook-timestamp"
	HeaderWebhookSignature = "webhook-signature"
)

// NewWebhookSecret returns the secret of a key of WebhookSecretSize bytes.
func NewWebhookSecret(key []byte) string {
	return WebhookSecretPrefix + base64.StdEncoding.EncodeToString(key)
}

// SignWebhook returns the value of webhook-signature: for each secret "v1," and the base64 of HMAC-SHA256 over id, seconds since
// 1970 and body, joined by dots; several are separated by spaces. The errors do not contain the secret.
func SignWebhook(id string, at time.Time, body []byte, secrets ...string) (string, error) {
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		text, ours := strings.CutPrefix(secret, WebhookSecretPrefix)
		key, err := base64.StdEncoding.DecodeString(text)
		if !ours || err != nil || len(key) == 0 {
			return "", errors.New("webhook secret is malformed")
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " "), nil
}
