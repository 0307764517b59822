package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
)

// payments prepares how money comes in: the providers, the manual one always among them, and who takes money in which ways.
func (a *App) payments(opts Options) (map[string]funds.Provider, funds.SigningEntities, error) {
	providers := map[string]funds.Provider{funds.ProviderManual: funds.ManualProvider{}}
	maps.Copy(providers, opts.Providers)
	if err := funds.CheckProviders(providers); err != nil {
		return nil, nil, err
	}
	entities := opts.SigningEntities
	if a.cfg.SigningEntities != "" && entities == nil {
		file, err := os.Open(a.cfg.SigningEntities)
		if err != nil {
			return nil, nil, fmt.Errorf("setting signing-entities: %w", err)
		}
		defer func() { _ = file.Close() }()
		if entities, err = funds.ReadSigningEntities(file); err != nil {
			return nil, nil, fmt.Errorf("setting signing-entities: %w", err)
		}
	}
	if err := entities.Check(providers); err != nil {
		return nil, nil, fmt.Errorf("setting signing-entities: %w", err)
	}
	return providers, entities, nil
}

// mountPayments gives each provider that notifies its address. The others have none: there is nothing to try.
func (a *App) mountPayments(mux *http.ServeMux, around func(http.Handler) http.Handler) {
	for name, provider := range a.Rooms.Funds.Providers {
		if _, notifies := provider.(funds.Notifier); notifies {
			mux.Handle("POST "+funds.NotifyPath(name), around(a.notified(name)))
		}
	}
}

// notified hands a provider's notification to the room. The notification's own proof is its credential; providers repeat
// what is not answered with 2xx.
func (a *App) notified(provider string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, funds.MaxNotification))
		if err != nil {
			a.refuseNotification(w, r, provider, err)
			return
		}
		acknowledgement, err := a.Rooms.Funds.Notified(r.Context(), provider, funds.Notification{Header: r.Header, Body: body})
		if err != nil {
			a.refuseNotification(w, r, provider, err)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if _, err := io.WriteString(w, acknowledgement); err != nil {
			return // the provider has gone; it will ask again
		}
	})
}

// refuseNotification says which kind of refusal it is, and leaves the rest to the log: never what the notification says.
func (a *App) refuseNotification(w http.ResponseWriter, r *http.Request, provider string, err error) {
	status, text := notificationStatus(err)
	a.Log.WarnContext(r.Context(), "payment notification refused", slog.String("provider", provider), slog.Int("status", status),
		slog.String("request_id", infoOf(r.Context()).id), slog.Any("error", err))
	http.Error(w, text, status)
}

func notificationStatus(err error) (status int, text string) {
	var tooLarge *http.MaxBytesError
	var ours *models.Error
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, string(models.CodeTooComplex)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable, string(models.CodeUnavailable)
	case !errors.As(err, &ours):
		return http.StatusInternalServerError, string(models.CodeInternal)
	}
	switch ours.Code {
	case models.CodeInvalid:
		return http.StatusBadRequest, string(ours.Code)
	case models.CodeUnauthenticated:
		return http.StatusUnauthorized, string(ours.Code)
	case models.CodeNotFound:
		return http.StatusNotFound, string(ours.Code)
	case models.CodeConflict:
		return http.StatusConflict, string(ours.Code)
	case models.CodePreconditionFailed:
		return http.StatusConflict, ours.Reason()
	}
	return http.StatusInternalServerError, string(models.CodeInternal)
}
