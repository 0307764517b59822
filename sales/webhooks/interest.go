package webhooks

import (
	"context"
	"log/slog"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// interest is what enabled endpoints ask for, so that events which nobody asks for never reach the outbox: money moves
// thousands of times a second, and most partners have no endpoint.
type interest struct {
	stamp      stamp
	everywhere map[models.EventType]bool               // what operators ask for
	byPartner  map[models.ID]map[models.EventType]bool // what a partner or its distributor asks for
}

// Wanted reports whether any endpoint may ask for the event, for events.Recorder. It is out of date by a second at most
// while RunInterest runs, and says yes when in doubt. It neither waits nor asks the database.
func (s *Service) Wanted(event models.Event) bool {
	if !models.IsWebhookEvent(event.Type) {
		return false
	}
	known := s.interest.Load()
	switch {
	case known == nil || known.everywhere[event.Type]:
		return true
	case event.PartnerID == "":
		return false
	// A reseller that was made since belongs to a distributor that may ask.
	case event.PartnerID > known.stamp.NewestPartner:
		return true
	}
	return known.byPartner[event.PartnerID][event.Type]
}

// RunInterest keeps Wanted up to date until the context ends.
func (s *Service) RunInterest(ctx context.Context) {
	ticker := time.NewTicker(interestPoll)
	defer ticker.Stop()
	for {
		if err := s.RefreshInterest(ctx); err != nil && ctx.Err() == nil {
			s.Logger.WarnContext(ctx, "webhook endpoints not read", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// RefreshInterest reads what endpoints ask for, when that has changed. After a failure Wanted says yes to every event that
// webhooks tell of.
func (s *Service) RefreshInterest(ctx context.Context) error {
	now, err := selectStamp(ctx, s.DB)
	if err != nil {
		s.interest.Store(nil)
		return err
	}
	if known := s.interest.Load(); known != nil && known.stamp == now {
		return nil
	}
	asked, err := selectInterest(ctx, s.DB)
	if err != nil {
		s.interest.Store(nil)
		return err
	}
	fresh := &interest{stamp: now, everywhere: map[models.EventType]bool{}, byPartner: map[models.ID]map[models.EventType]bool{}}
	for _, row := range asked {
		into := fresh.everywhere
		if row.PartnerID != "" {
			if into = fresh.byPartner[row.PartnerID]; into == nil {
				into = map[models.EventType]bool{}
				fresh.byPartner[row.PartnerID] = into
			}
		}
		for _, kind := range (models.WebhookEndpoint{EventTypes: row.EventTypes}).Wanted() {
			into[kind] = true
		}
	}
	s.interest.Store(fresh)
	return nil
}

// refreshNow makes a change of this process's own known to it at once. The change is committed, so its caller's end or a
// failure here does not undo it: Wanted then says yes.
func (s *Service) refreshNow(ctx context.Context) {
	if err := s.RefreshInterest(context.WithoutCancel(ctx)); err != nil {
		s.Logger.WarnContext(ctx, "webhook endpoints not read", slog.Any("error", err))
	}
}
