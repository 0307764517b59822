package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/federation"
)

// How often the keys that sign are read for the metrics, and how often one that expires soon is put into the log.
const (
	keysInterval = 5 * time.Minute
	warnInterval = 24 * time.Hour
)

// keyWatch tells how long the active signing keys last: in the metrics always, in the log once a day when it is not long any more.
type keyWatch struct {
	room *federation.Service
	log  *slog.Logger
	now  func() time.Time

	mu     sync.Mutex
	keys   []models.SigningKey
	warned map[models.ID]time.Time
}

var keyExpiry = prometheus.NewDesc("partnergraph_signing_key_expiry_seconds",
	"Time until the certificate of a platform's active signing key expires; negative when it has.", []string{"platform_id", "algorithm"}, nil)

// Describe implements prometheus.Collector.
func (*keyWatch) Describe(descs chan<- *prometheus.Desc) { descs <- keyExpiry }

// Collect implements prometheus.Collector. It reads no database: a scrape must not fail with it.
func (k *keyWatch) Collect(metrics chan<- prometheus.Metric) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range k.keys {
		left := key.ExpiresAt.Sub(k.now()).Seconds()
		metrics <- prometheus.MustNewConstMetric(keyExpiry, prometheus.GaugeValue, left, key.PlatformID, string(key.Algorithm))
	}
}

// look reads the keys and warns of those that expire soon.
func (k *keyWatch) look(ctx context.Context) error {
	keys, err := k.room.ActiveKeys(ctx)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now, warned := k.now(), map[models.ID]time.Time{}
	for _, key := range keys {
		if !key.ExpiresSoon {
			continue
		}
		warned[key.ID] = k.warned[key.ID]
		if last := warned[key.ID]; !last.IsZero() && now.Sub(last) < warnInterval {
			continue
		}
		warned[key.ID] = now
		k.log.WarnContext(ctx, "a signing key expires soon: rotate it", slog.String("platform_id", key.PlatformID), slog.String("key_id", string(key.ID)),
			slog.String("algorithm", string(key.Algorithm)), slog.Time("expires_at", key.ExpiresAt))
	}
	k.keys, k.warned = keys, warned
	return nil
}

// run looks at once, and again every few minutes.
func (k *keyWatch) run(every func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		if err := k.look(ctx); err != nil && ctx.Err() == nil {
			k.log.WarnContext(ctx, "job failed", slog.String("job", "signing-keys"), slog.Any("error", err))
		}
		every(ctx)
	}
}
