package webhooks

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Nudge lets Run look for due deliveries now. It never blocks.
func (s *Service) Nudge() {
	select {
	case s.signal() <- struct{}{}:
	default: // a nudge is waiting already
	}
}

func (s *Service) signal() chan struct{} {
	s.once.Do(func() { s.wakeUp = make(chan struct{}, 1) })
	return s.wakeUp
}

// Run sends what is due until the context ends; attempts under way then have Grace to finish, and what is broken off is due
// again at once. Several replicas may run it: a delivery is leased by one of them at a time, and one that dies holds it no
// longer than the lease.
func (s *Service) Run(ctx context.Context) {
	r := s.newRound(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			r.end(or(s.Grace, defaultGrace))
			return
		case <-timer.C:
		case <-s.signal():
		case <-r.freed:
		}
		if err := r.fill(ctx); err != nil && ctx.Err() == nil {
			s.Logger.WarnContext(ctx, "webhook deliveries not read", slog.Any("error", err))
		}
		timer.Reset(or(s.Poll, defaultPoll))
	}
}

// SendDue sends everything that is due now and waits for it, for tests and tools.
func (s *Service) SendDue(ctx context.Context) error {
	r := s.newRound(ctx)
	defer r.stop()
	for {
		started := r.started
		if err := r.fill(ctx); err != nil {
			r.running.Wait()
			return err
		}
		r.running.Wait()
		if r.started == started {
			return nil
		}
	}
}

// round is the attempts under way of one Run.
type round struct {
	*Service

	attempts context.Context // ends later than Run's, by the grace
	stop     context.CancelFunc
	freed    chan struct{} // an attempt has finished
	running  sync.WaitGroup
	cursor   models.ID // the endpoint that was served last
	started  int

	mu   sync.Mutex
	busy map[models.ID]places
}

// places are those of one endpoint: how many attempts it has under way, and how many it may have.
type places struct{ taken, most int }

func (s *Service) newRound(ctx context.Context) *round {
	r := &round{Service: s, freed: make(chan struct{}, 1), busy: map[models.ID]places{}}
	r.attempts, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	return r
}

// end waits for the attempts under way, and breaks off what does not finish in time.
func (r *round) end(grace time.Duration) {
	timer := time.AfterFunc(grace, r.stop)
	r.running.Wait()
	timer.Stop()
	r.stop()
}

// fill starts attempts until none is due or none fits. An endpoint that is slow or failing takes few of the places, so that
// it does not hold the others up.
func (r *round) fill(ctx context.Context) error {
	for ctx.Err() == nil {
		free, full := r.free()
		if free == 0 {
			return nil
		}
		endpoints, err := selectWaiting(ctx, r.DB, r.now(), full, r.cursor, free)
		if err != nil || len(endpoints) == 0 {
			return err
		}
		before := r.started
		for _, endpoint := range endpoints {
			if err := r.serve(ctx, endpoint); err != nil {
				return err
			}
			r.cursor = endpoint.ID
		}
		if r.started == before {
			return nil // other replicas were quicker
		}
	}
	return nil
}

// free returns how many attempts fit, and the endpoints that have as many as they may.
func (r *round) free() (fit int, full []models.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fit = or(r.Concurrency, defaultConcurrency)
	for id, at := range r.busy {
		fit -= at.taken
		if at.taken >= at.most {
			full = append(full, id)
		}
	}
	slices.Sort(full)
	return max(fit, 0), full
}

// serve claims what fits of one endpoint's due deliveries and starts sending it.
func (r *round) serve(ctx context.Context, endpoint waiting) error {
	most := or(r.PerEndpoint, defaultPerEndpoint)
	if endpoint.FailingSince != nil {
		most = min(most, perFailing)
	}
	fits, _ := r.free()
	r.mu.Lock()
	at := r.busy[endpoint.ID]
	if at.most = most; at.taken > 0 {
		r.busy[endpoint.ID] = at
	}
	r.mu.Unlock()
	if fits = min(fits, most-at.taken); fits <= 0 {
		return nil
	}
	now := r.now()
	var claimed []models.WebhookDelivery
	err := r.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		claimed, err = claimDue(ctx, tx, endpoint.ID, now, now.Add(or(r.Timeout, defaultTimeout)+leaseBeyondTimeout), fits)
		return err
	})
	if err != nil {
		return err
	}
	for _, delivery := range claimed {
		r.start(endpoint.ID, most, delivery)
	}
	return nil
}

func (r *round) start(endpoint models.ID, most int, delivery models.WebhookDelivery) {
	r.take(endpoint, most, 1)
	r.started++
	r.running.Go(func() {
		defer func() {
			r.take(endpoint, 0, -1)
			select {
			case r.freed <- struct{}{}:
			default:
			}
		}()
		r.send(r.attempts, delivery)
	})
}

// take takes a place of the endpoint's, or gives one back.
func (r *round) take(endpoint models.ID, most, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.busy[endpoint]
	at.taken += n
	if most > 0 {
		at.most = most
	}
	r.busy[endpoint] = at
	if at.taken == 0 {
		delete(r.busy, endpoint)
	}
}

// ReportWaiting tells the meter how long the oldest delivery to an enabled endpoint has been due.
func (s *Service) ReportWaiting(ctx context.Context) error {
	if s.Meter == nil {
		return nil
	}
	now := s.now()
	due, err := selectOldestDue(ctx, s.DB, now)
	if err != nil {
		return err
	}
	var oldest time.Duration
	if due != nil {
		oldest = now.Sub(*due)
	}
	s.Meter.Waiting(oldest)
	return nil
}

// Sweep removes deliveries that have not changed for models.WebhookRetention, and returns how many.
func (s *Service) Sweep(ctx context.Context) (swept int, err error) {
	before := s.now().Add(-models.WebhookRetention)
	for {
		n := 0
		err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			n, err = deleteOld(ctx, tx, before, sweepBatch)
			return err
		})
		swept += n
		if err != nil || n < sweepBatch {
			return swept, err
		}
	}
}
