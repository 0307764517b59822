// Package webhook receives partnergraph's webhooks: it believes nothing but the signature, refuses what is old, and hands
// each message on once. It shows what any receiver of Standard Webhooks does, with the standard library alone.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	tolerance = 5 * time.Minute // how old a message, and how wrong a clock, may be
	maxBody   = 64 << 10        // partnergraph sends 20 KiB at most
	remember  = 10_000          // how many handled messages are known; a real platform keeps them in its database for a week
)

// ErrNotGenuine refuses a message that is not signed with the secret, or is too old.
var ErrNotGenuine = errors.New("webhook: the message is not genuine")

// Message is what happened. Data holds ids, states and amounts; whoever needs more asks the API.
type Message struct {
	ID        string         `json:"-"`
	Type      string         `json:"type"`
	Timestamp time.Time      `json:"timestamp"`
	Data      map[string]any `json:"data"`
}

// Receiver is the handler of one endpoint. Its fields are set before use; it is then safe for concurrent use.
type Receiver struct {
	Secret string           // whsec_..., as the endpoint's creation or rotation showed it
	Now    func() time.Time // time.Now
	// Handle acts on a message, within 15 seconds. After an error the message comes again.
	Handle func(ctx context.Context, m Message) error

	mu    sync.Mutex
	known map[string]bool // whether a message is handled; false = it is being handled
	order []string
}

var _ http.Handler = (*Receiver)(nil)

// ServeHTTP answers 204 when a message is handled, now or before, and an error when it is to come again.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		http.Error(w, "The message could not be read.", http.StatusBadRequest)
		return
	}
	if err := Verify(r.Secret, request.Header, body, r.Now()); err != nil {
		http.Error(w, "The message is not genuine.", http.StatusUnauthorized)
		return
	}
	m := Message{ID: request.Header.Get("webhook-id")}
	if err := json.Unmarshal(body, &m); err != nil {
		http.Error(w, "The message is malformed.", http.StatusBadRequest)
		return
	}
	switch known, handled := r.begin(m.ID); {
	case handled:
		w.WriteHeader(http.StatusNoContent)
		return
	case known: // whether that succeeds is not known yet
		http.Error(w, "The message is being handled; send it again.", http.StatusServiceUnavailable)
		return
	}
	err = r.Handle(request.Context(), m)
	r.end(m.ID, err == nil)
	if err != nil {
		http.Error(w, "The message could not be handled; send it again.", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Verify checks that a message was signed with the secret within the last five minutes. During a rotation webhook-signature has
// several signatures; one that fits suffices.
func Verify(secret string, header http.Header, body []byte, now time.Time) error {
	id, stamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" {
		return ErrNotGenuine
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return ErrNotGenuine
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return errors.New("webhook: the secret is malformed")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	want := mac.Sum(nil)
	for signature := range strings.FieldsSeq(header.Get("webhook-signature")) {
		sent, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signature, "v1,"))
		// hmac.Equal takes as long for a wrong signature as for a right one.
		if strings.HasPrefix(signature, "v1,") && err == nil && hmac.Equal(sent, want) {
			return nil
		}
	}
	return ErrNotGenuine
}

// begin reports what is known of an id, and remembers one that is new.
func (r *Receiver) begin(id string) (known, handled bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if handled, known = r.known[id]; known {
		return true, handled
	}
	if r.known == nil {
		r.known = map[string]bool{}
	}
	r.known[id] = false
	return false, false
}

// end remembers an id as handled, and forgets one that is to come again.
func (r *Receiver) end(id string, handled bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !handled {
		delete(r.known, id)
		return
	}
	r.known[id] = true
	if r.order = append(r.order, id); len(r.order) > remember {
		delete(r.known, r.order[0])
		r.order = r.order[1:]
	}
}
