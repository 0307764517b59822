package webhooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// outcome is what became of one attempt.
type outcome struct {
	state       models.WebhookDeliveryState // PENDING = it failed, and may be tried again
	failure     models.WebhookFailure
	status      *int
	text        string
	took        time.Duration
	interrupted bool // this server stopped: the attempt does not count
}

// send carries one claimed delivery out and writes down what became of it. What cannot be written comes again when the lease
// runs out.
func (s *Service) send(ctx context.Context, delivery models.WebhookDelivery) {
	defer func() {
		if p := recover(); p != nil {
			s.Logger.ErrorContext(ctx, "webhook attempt panicked", slog.String("delivery_id", string(delivery.ID)), slog.String("stack", string(debug.Stack())))
		}
	}()
	// What has been done must be noted even when this server is going down.
	noting := context.WithoutCancel(ctx)
	endpoint, done, err := s.attempt(ctx, delivery)
	if err == nil {
		err = s.note(noting, endpoint, delivery, done)
	}
	if err != nil {
		s.Logger.WarnContext(noting, "webhook attempt not noted", slog.String("delivery_id", string(delivery.ID)), slog.Any("error", err))
	}
}

// attempt judges again whether the event may be sent, and sends it.
func (s *Service) attempt(ctx context.Context, delivery models.WebhookDelivery) (models.WebhookEndpoint, outcome, error) {
	var none outcome
	endpoint, found, err := selectOwned(ctx, s.DB, delivery.EndpointID)
	if err != nil || !found {
		if ctx.Err() != nil {
			return models.WebhookEndpoint{}, none, fmt.Errorf("stopped before it began: %w", context.Cause(ctx))
		}
		return models.WebhookEndpoint{}, none, err // deleted with its deliveries
	}
	if endpoint.State != models.WebhookEnabled {
		return endpoint.WebhookEndpoint, outcome{state: models.WebhookPending, interrupted: true}, nil
	}
	event, visible, err := selectVisibleEvent(ctx, s.DB, endpoint, delivery.EventID)
	switch {
	case err != nil:
		return endpoint.WebhookEndpoint, none, err
	case !visible:
		return endpoint.WebhookEndpoint, outcome{state: models.WebhookWithheld, failure: models.WebhookNotVisible}, nil
	case event.Type != models.EventWebhookTest && !endpoint.Wants(event.Type):
		return endpoint.WebhookEndpoint, outcome{state: models.WebhookWithheld, failure: models.WebhookUnsubscribed}, nil
	}
	request, tooLarge, err := s.request(ctx, endpoint.WebhookEndpoint, event)
	if err != nil {
		return endpoint.WebhookEndpoint, none, err
	}
	if tooLarge {
		return endpoint.WebhookEndpoint, outcome{state: models.WebhookWithheld, failure: models.WebhookTooLarge}, nil
	}
	return endpoint.WebhookEndpoint, s.post(ctx, request), nil
}

// request is the signed message. Its time is the attempt's, so that receivers can refuse old ones and still accept a retry.
func (s *Service) request(ctx context.Context, endpoint models.WebhookEndpoint, event models.Event) (r *http.Request, tooLarge bool, err error) {
	body, err := models.WebhookBody(event)
	if err != nil {
		return nil, false, err
	}
	if len(body) > models.MaxWebhookBody {
		return nil, true, nil
	}
	valid, err := s.validSecrets(endpoint)
	if err != nil {
		return nil, false, err
	}
	secrets := make([]string, len(valid))
	for i, secret := range valid {
		secrets[i] = secret.Secret
	}
	at := s.Now()
	signature, err := models.SignWebhook(string(event.ID), at, body, secrets...)
	if err != nil {
		return nil, false, err
	}
	r, err = http.NewRequestWithContext(ctx, http.MethodPost, endpoint.URL, bytes.NewReader(body))
	if err != nil {
		return nil, false, fmt.Errorf("webhooks: the address of %s is malformed", endpoint.ID)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "partnergraph-webhooks/1")
	r.Header.Set(models.HeaderWebhookID, string(event.ID))
	r.Header.Set(models.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(models.HeaderWebhookSignature, signature)
	return r, false, nil
}

// post sends the message and reads the beginning of the answer.
func (s *Service) post(ctx context.Context, r *http.Request) outcome {
	within, cancel := context.WithTimeout(ctx, or(s.Timeout, defaultTimeout))
	defer cancel()
	started := s.Now()
	answer, err := s.Client.Do(r.WithContext(within))
	if err != nil {
		if ctx.Err() != nil {
			return outcome{state: models.WebhookPending, interrupted: true}
		}
		return outcome{state: models.WebhookPending, failure: failureOf(err), took: s.Now().Sub(started)}
	}
	defer func() { _ = answer.Body.Close() }()
	// What it says is for people who look for a fault; an answer that breaks off is an answer.
	text, _ := io.ReadAll(io.LimitReader(answer.Body, models.MaxWebhookAnswer))
	done := outcome{state: models.WebhookPending, status: &answer.StatusCode, text: sanitised(text), took: s.Now().Sub(started)}
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		done.state = models.WebhookDelivered
	case code == http.StatusGone:
		done.state, done.failure = models.WebhookFailed, models.WebhookGone
	case code >= 300 && code < 400:
		done.failure = models.WebhookRedirected
	default:
		done.failure = models.WebhookBadStatus
	}
	return done
}

// failureOf says what a request failed of without telling more: the error's text may name addresses.
func failureOf(err error) models.WebhookFailure {
	var refused interface{ AddressRefused() bool }
	var timeout net.Error
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &refused) && refused.AddressRefused():
		return models.WebhookAddressRefused
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return models.WebhookTimeout
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert):
		return models.WebhookUntrusted
	}
	return models.WebhookUnreachable
}

// sanitised keeps what a stranger answered fit to be stored and shown: valid text without control characters.
func sanitised(text []byte) string {
	clean := strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(string(text), ""))
	return strings.TrimSpace(clean)
}

// note writes down what became of an attempt, at the delivery and at its endpoint.
func (s *Service) note(ctx context.Context, endpoint models.WebhookEndpoint, delivery models.WebhookDelivery, done outcome) error {
	if endpoint.ID == "" {
		return nil
	}
	again := s.conclude(&delivery, done)
	disabled := false
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		disabled, err = s.noteIn(ctx, tx, endpoint.ID, &delivery, done)
		return err
	})
	if err != nil {
		return err
	}
	if disabled {
		s.refreshNow(ctx)
	}
	s.tell(ctx, endpoint, delivery, done, again, disabled)
	return nil
}

// conclude fills in what follows for the delivery, and reports whether it is tried again.
func (s *Service) conclude(delivery *models.WebhookDelivery, done outcome) (again bool) {
	now := s.now()
	delivery.DueAt, delivery.UpdatedAt = now, now
	if done.interrupted {
		delivery.Attempts--
		return true
	}
	delivery.State, delivery.Failure, delivery.ResponseStatus, delivery.ResponseText = done.state, done.failure, done.status, done.text
	delivery.DurationMillis = nil
	if done.state == models.WebhookWithheld {
		return false
	}
	took := int(done.took.Milliseconds())
	delivery.DurationMillis = &took
	if done.state != models.WebhookPending {
		return false
	}
	wait, more := models.WebhookWait(delivery.Attempts, s.jitter())
	if !more {
		delivery.State = models.WebhookFailed
		return false
	}
	delivery.DueAt = now.Add(wait)
	return true
}

// noteIn locks the endpoint only when the attempt changes something about it: most do not.
func (s *Service) noteIn(ctx context.Context, tx bun.IDB, id models.ID, delivery *models.WebhookDelivery, done outcome) (disabled bool, err error) {
	counts := !done.interrupted && done.state != models.WebhookWithheld
	var endpoint models.WebhookEndpoint
	if counts {
		known, found, err := selectOwned(ctx, tx, id)
		if err != nil || !found {
			return false, err
		}
		failed := done.state != models.WebhookDelivered
		if failed || known.FailingSince != nil {
			// The endpoint first, as everybody who locks both.
			if endpoint, found, err = lockEndpoint(ctx, tx, models.SystemPrincipal(Consumer), id); err != nil || !found {
				return false, err
			}
		}
	}
	current, err := updateAttempted(ctx, tx, delivery)
	if err != nil || !current || endpoint.ID == "" {
		return false, err
	}
	return s.judge(ctx, tx, endpoint, done)
}

// judge notes whether the endpoint is failing, and disables it when it has been for too long, or says that it is gone.
func (s *Service) judge(ctx context.Context, tx bun.IDB, endpoint models.WebhookEndpoint, done outcome) (disabled bool, err error) {
	if done.state == models.WebhookDelivered {
		return false, updateFailingSince(ctx, tx, endpoint.ID, nil)
	}
	now := s.now()
	first := endpoint.FailingSince == nil
	if first {
		endpoint.FailingSince = &now
	}
	why := models.WebhookDisabledFailing
	if done.failure == models.WebhookGone {
		why = models.WebhookDisabledGone
	} else if now.Sub(*endpoint.FailingSince) < models.MaxWebhookFailing {
		if !first {
			return false, nil
		}
		return false, updateFailingSince(ctx, tx, endpoint.ID, endpoint.FailingSince)
	}
	if endpoint.State != models.WebhookEnabled {
		return false, nil
	}
	before := endpoint
	s.disable(&endpoint, why)
	endpoint.Version++
	endpoint.UpdatedAt = now
	if err := updateEndpoint(ctx, tx, &endpoint); err != nil {
		return false, err
	}
	return true, s.record(ctx, tx, models.SystemPrincipal(Consumer), models.EventWebhookDisabled, endpoint, []string{"state"}, map[string]any{"reason": why}, before)
}

// tell logs and measures an attempt: never the secret, the message or the answer, and of the address the host alone.
func (s *Service) tell(ctx context.Context, endpoint models.WebhookEndpoint, delivery models.WebhookDelivery, done outcome, again, disabled bool) {
	result := string(done.failure)
	switch {
	case done.interrupted:
		result = "INTERRUPTED"
	case done.state == models.WebhookDelivered:
		result = string(models.WebhookDelivered)
	}
	if s.Meter != nil {
		s.Meter.Attempted(result, again, done.took)
	}
	level, message := slog.LevelDebug, "webhook delivered"
	switch {
	case disabled:
		level, message = slog.LevelWarn, "webhook endpoint disabled"
	case done.interrupted:
		message = "webhook attempt interrupted"
	case done.state == models.WebhookWithheld:
		level, message = slog.LevelInfo, "webhook withheld"
	case again:
		level, message = slog.LevelInfo, "webhook attempt failed"
	case delivery.State == models.WebhookFailed:
		level, message = slog.LevelWarn, "webhook delivery failed"
	}
	status := 0
	if done.status != nil {
		status = *done.status
	}
	s.Logger.LogAttrs(ctx, level, message, slog.String("endpoint_id", string(endpoint.ID)), slog.String("host", hostOf(endpoint.URL)),
		slog.String("delivery_id", string(delivery.ID)), slog.String("event_id", string(delivery.EventID)), slog.String("event_type", string(delivery.EventType)),
		slog.Int("attempt", delivery.Attempts), slog.String("result", result), slog.Int("status", status), slog.Int64("duration_ms", done.took.Milliseconds()))
}

func (s *Service) jitter() float64 {
	if s.Jitter == nil {
		return 0
	}
	return s.Jitter()
}

// hostOf is what may be said of an endpoint's address: its path and query may carry a token.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}
