package funds

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// Why a watch ends or cannot begin, besides the refusals of reading.
var (
	ErrWatchCredential = models.Unauthenticated("This credential is no longer valid, so nothing more is sent: sign in again, or send another key.")
	ErrWatchHidden     = &models.Error{Code: models.CodeNotFound, Message: "This balance may no longer be seen."}
	ErrWatchOver       = &models.Error{Code: models.CodeUnavailable, Message: "This server is going down; subscribe again."}
	errWatchWhom       = models.Invalid("partnerId", "Name a partner or a customer: this credential has no balance of its own.")
	errWatchBoth       = models.Invalid("customerId", "Name a partner or a customer, not both.")
)

const (
	// defaultLookEvery is how often a watch looks without having been told to: messages may be lost.
	defaultLookEvery = 15 * time.Second
	// watchPace is the shortest time between two balances of one watch; what changes faster is left out but for the newest.
	watchPace = 100 * time.Millisecond
	// watchPatience bounds one look at the balance.
	watchPatience = 10 * time.Second
	// MaxWatches is how many balances one credential may watch at once at one replica.
	MaxWatches = 100
)

// Watch names the balance to watch: a partner's, a customer's or, with neither, the caller's own.
type Watch struct {
	PartnerID, CustomerID *models.ID
}

// whose returns the owner to watch, or what is wrong.
func (w Watch) whose(who models.Principal) (models.OwnerKind, models.ID, error) {
	switch {
	case w.PartnerID != nil && w.CustomerID != nil:
		return "", "", errWatchBoth
	case w.PartnerID != nil:
		return models.OwnerPartner, *w.PartnerID, w.PartnerID.Require(models.PrefixPartner, "partnerId")
	case w.CustomerID != nil:
		return models.OwnerCustomer, *w.CustomerID, w.CustomerID.Require(models.PrefixCustomer, "customerId")
	case access.OwnBalance(who, models.OwnerCustomer) != "":
		return models.OwnerCustomer, who.CustomerID, nil
	case access.OwnBalance(who, models.OwnerPartner) != "":
		return models.OwnerPartner, who.PartnerID, nil
	}
	return "", "", errWatchWhom
}

// Watching is a balance under watch.
type Watching struct {
	kind  models.OwnerKind
	id    models.ID
	actor string
	still func(ctx context.Context) (models.Principal, error)

	wake     chan struct{} // something may have changed
	balances chan models.Balance
	err      error
}

// Balances gives the balance as it is now and then each newer one, with a version above the last one's; of changes in quick
// succession, and for a reader that is slow, only the newest. It is closed when the watch is over.
func (w *Watching) Balances() <-chan models.Balance { return w.balances }

// Err says why the watch is over, once Balances is closed: ErrWatchCredential, ErrWatchHidden, ErrWatchOver, FORBIDDEN, or
// nil when its context ended.
func (w *Watching) Err() error { return w.err }

// Watch begins to watch a balance until ctx ends. It needs BALANCES_READ; a balance that may not be seen is NOT_FOUND. Before
// every answer still says who the caller is by then, and whether that one may see the balance is asked again: when not, the
// watch ends. RATE_LIMITED beyond MaxWatches.
func (s *Service) Watch(ctx context.Context, who models.Principal, cmd Watch, still func(ctx context.Context) (models.Principal, error)) (*Watching, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	kind, id, err := cmd.whose(who)
	if err != nil {
		return nil, err
	}
	w := &Watching{
		kind: kind, id: id, actor: who.ActorID(), still: still,
		wake: make(chan struct{}, 1), balances: make(chan models.Balance),
	}
	// It listens before it looks, so that no change falls between the two.
	if err := s.watches.join(w); err != nil {
		return nil, err
	}
	first, seen, err := s.see(ctx, who, w)
	if err == nil && !seen {
		err = models.NotFound(map[models.OwnerKind]string{models.OwnerPartner: "partner", models.OwnerCustomer: "customer"}[kind])
	}
	if err != nil {
		s.watches.leave(w)
		return nil, err
	}
	go s.follow(ctx, w, first)
	return w, nil
}

// follow sends balances until the watch is over.
func (s *Service) follow(ctx context.Context, w *Watching, next models.Balance) {
	defer close(w.balances)
	defer s.watches.leave(w)
	// Not all at the same moment, where many began together.
	every := cmp.Or(s.LookEvery, defaultLookEvery)
	poll := time.NewTicker(every - time.Duration(rand.Int64N(int64(every/5))))
	defer poll.Stop()
	out, last := w.balances, next.Version
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.watches.ending():
			w.err = ErrWatchOver
			return
		case out <- next:
			out, last = nil, next.Version
			if !pause(ctx, watchPace) {
				return
			}
			continue
		case <-w.wake:
		case <-poll.C:
		}
		newest, err := s.look(ctx, w)
		switch models.CodeOf(err) {
		case "":
		case models.CodeUnauthenticated, models.CodeForbidden, models.CodeNotFound:
			w.err = err
			return
		default:
			// Nobody can tell now, so nothing is sent; the next look may.
			out = nil
			continue
		}
		if newest.Version > last {
			out, next = w.balances, newest
		}
	}
}

// look asks who the caller is by now, and reads the balance for that one.
func (s *Service) look(ctx context.Context, w *Watching) (models.Balance, error) {
	ctx, cancel := context.WithTimeout(ctx, watchPatience)
	defer cancel()
	who, err := w.still(ctx)
	if models.CodeOf(err) == models.CodeUnauthenticated || err == nil && who.IsAnonymous() {
		return models.Balance{}, ErrWatchCredential
	}
	if err != nil {
		return models.Balance{}, err
	}
	balance, seen, err := s.see(ctx, who, w)
	if err == nil && !seen {
		err = ErrWatchHidden
	}
	return balance, err
}

func (s *Service) see(ctx context.Context, who models.Principal, w *Watching) (models.Balance, bool, error) {
	read := s.PartnerBalances
	if w.kind == models.OwnerCustomer {
		read = s.CustomerBalances
	}
	found, err := read(ctx, who, []models.ID{w.id})
	balance, seen := found[w.id]
	return balance, seen, err
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
