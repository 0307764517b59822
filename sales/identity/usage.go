package identity

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// usageLimit bounds the keys remembered between two flushes; keys beyond it are noted at their next use.
const usageLimit = 10_000

// usage remembers which keys were used since the last flush, so that no call waits for writing it down.
type usage struct {
	mu     sync.Mutex
	used   map[models.ID]time.Time
	minute time.Time          // of the newest use
	noted  map[models.ID]bool // in that minute, whether written down by now or not: who is remembered does not know of it
}

// note remembers the use unless the row tells the minute already.
func (u *usage) note(key models.APIKey, now time.Time) {
	minute := now.Truncate(time.Minute)
	if key.LastUsedAt != nil && !key.LastUsedAt.Before(minute) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.used == nil {
		u.used = map[models.ID]time.Time{}
	}
	if minute.After(u.minute) || u.noted == nil {
		u.minute, u.noted = minute, map[models.ID]bool{}
	}
	if u.noted[key.ID] {
		return
	}
	if _, known := u.used[key.ID]; known || len(u.used) < usageLimit {
		u.used[key.ID] = minute
		if len(u.noted) < usageLimit {
			u.noted[key.ID] = true
		}
	}
}

// take returns what was noted, by minute, and forgets it.
func (u *usage) take() map[time.Time][]models.ID {
	u.mu.Lock()
	defer u.mu.Unlock()
	byMinute := map[time.Time][]models.ID{}
	for id, minute := range u.used {
		byMinute[minute] = append(byMinute[minute], id)
	}
	u.used = nil
	return byMinute
}

// FlushUsage writes last_used_at of the keys used since the last flush, one statement per minute in which some were.
func (s *Service) FlushUsage(ctx context.Context) error {
	for minute, ids := range s.usage.take() {
		if err := updateKeysUsed(ctx, s.DB, ids, minute); err != nil {
			return err
		}
	}
	return nil
}

// RunUsage flushes at the given interval until ctx ends, and once more then. It is one of the program's background jobs.
func (s *Service) RunUsage(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.flushAndLog(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			s.flushAndLog(last)
			cancel()
			return
		}
	}
}

func (s *Service) flushAndLog(ctx context.Context) {
	if err := s.FlushUsage(ctx); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "the use of API keys was not written down", slog.Any("error", err))
	}
}
