package funds

import (
	"context"
	"encoding/json"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/watch"
)

// Why a watch ends or cannot begin, besides what watch.Hub says.
var (
	ErrWatchHidden = &models.Error{Code: models.CodeNotFound, Message: "This balance may no longer be seen."}
	errWatchWhom   = models.Invalid("partnerId", "Name a partner or a customer: this credential has no balance of its own.")
	errWatchBoth   = models.Invalid("customerId", "Name a partner or a customer, not both.")
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

// Watch begins to watch a balance until ctx ends: it gives the balance as it is now and then each newer one, with a version above the last one's. It
// needs BALANCES_READ; a balance that may not be seen is NOT_FOUND. still says who the caller is by then; see watch.Hub for what ends a watch.
func (s *Service) Watch(ctx context.Context, who models.Principal, cmd Watch, still func(ctx context.Context) (models.Principal, error)) (*watch.Watching[models.Balance], error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	kind, id, err := cmd.whose(who)
	if err != nil {
		return nil, err
	}
	read, what := s.PartnerBalances, "partner"
	if kind == models.OwnerCustomer {
		read, what = s.CustomerBalances, "customer"
	}
	return s.watches.Watch(ctx, who, watch.Source[models.Balance]{
		Topics: []models.ID{id}, Hidden: ErrWatchHidden, Still: still, Every: s.LookEvery,
		Newer: func(newest, sent models.Balance) bool { return newest.Version > sent.Version },
		Read: func(ctx context.Context, who models.Principal) (models.Balance, error) {
			found, err := read(ctx, who, []models.ID{id})
			balance, seen := found[id]
			if err == nil && !seen {
				err = models.NotFound(what)
			}
			return balance, err
		},
	})
}

// ownersOf are those whose balances a message on changesChannel is about; of one of another version of this program nobody's, and those who watch look by themselves.
func ownersOf(message []byte) []models.ID {
	var changes []models.OwnerChange
	if json.Unmarshal(message, &changes) != nil {
		return nil
	}
	owners := make([]models.ID, len(changes))
	for i, change := range changes {
		owners[i] = models.ID(change.ID)
	}
	return owners
}

// RunWatches hears of changes from all replicas and wakes those who watch, until ctx ends. Each replica runs it once.
func (s *Service) RunWatches(ctx context.Context) { s.watches.Run(ctx, s.Bus, changesChannel, ownersOf) }

// EndWatches ends all watches and refuses new ones, because the server is going down.
func (s *Service) EndWatches() { s.watches.End() }
