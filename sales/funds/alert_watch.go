package funds

import (
	"context"
	"errors"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// alertBatch is how many crossings one statement finds at most.
const alertBatch = 200

// WatchBalances compares every enabled alert with its owner's available balance, raises balance.alert once for each that
// fell below its threshold, and arms those again whose balance came back. With owners, only theirs. It returns how many
// owners were told. It is a job of this server, asks nobody's permission, and any number of replicas may run it.
//
// Balances change thousands of times a second and a crossing is rare, so a move does not pay for it: one statement joins
// the alerts with their accounts, whatever moved, and finds those that have to change. A balance that falls below and comes
// back between two looks has not crossed. Each change is a transaction of its own that writes only the version of the alert
// that was read, so that of two replicas one tells the owner and the other finds nothing left to do.
func (s *Service) WatchBalances(ctx context.Context, owners ...models.ID) (told int, err error) {
	for {
		due, err := selectCrossings(ctx, s.DB, owners, alertBatch)
		if err != nil {
			return told, err
		}
		moved := 0
		for _, found := range due {
			changed, crossed, err := s.cross(ctx, found)
			if err != nil {
				return told, err
			}
			if changed {
				moved++
			}
			if crossed {
				told++
			}
		}
		// What another replica changed meanwhile is its work; a batch of nothing but such is left to it.
		if len(due) < alertBatch || moved == 0 {
			return told, nil
		}
	}
}

// WatchChanged is WatchBalances for the owners whose balance this process has changed since it was last called. It looks at
// few owners and may be called often, so that a fall is told soon; what it misses, because another process made the change or
// the database was away, WatchBalances finds.
func (s *Service) WatchChanged(ctx context.Context) (told int, err error) {
	owners := s.noted.Take()
	if len(owners) == 0 {
		return 0, nil
	}
	return s.WatchBalances(ctx, owners...)
}

// cross writes what was seen of one alert, unless somebody has changed it since, and tells its owner.
func (s *Service) cross(ctx context.Context, found crossing) (changed, crossed bool, err error) {
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var alert models.BalanceAlert
		alert, crossed = found.See(found.AvailableMinor, s.moment())
		var err error
		if changed, err = updateAlert(ctx, tx, &alert, found.Version); err != nil || !changed || !crossed {
			crossed = crossed && changed
			return err
		}
		owner := watched{kind: alert.OwnerKind, id: alert.OwnerID, currency: alert.Currency, partner: alert.OwnerID}
		if alert.OwnerKind == models.OwnerCustomer {
			customer, found, err := selectWatchedCustomer(ctx, tx, alert.OwnerID)
			if err != nil || !found {
				return errors.Join(err, ErrCustomerUnknown)
			}
			owner = ofCustomer(customer)
		}
		available := models.NewMoney(found.AvailableMinor, alert.Currency)
		return s.Events.Record(ctx, tx, models.SystemPrincipal("balance-alerts"), owner.crossed(alert, available))
	})
	return changed && err == nil, crossed && err == nil, err
}
