package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// One run of ExpireHolds ends at most holdBatches times holdBatch holds: what is left waits for the next run, so that a
// pile of them does not keep accounts from their owners.
const (
	holdBatch   = 100
	holdBatches = 50
)

// ExpireHolds ends the holds whose time is over and frees their money, in several short transactions, and returns how many
// it ended. A job of this server's; others are FORBIDDEN. Withdrawals hold without an end and are not among them.
func (s *Service) ExpireHolds(ctx context.Context, who models.Principal) (int, error) {
	if who.Kind != models.System {
		return 0, models.Forbidden("Holds expire by themselves.")
	}
	total := 0
	for range holdBatches {
		var ended int
		err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			ended, err = s.Ledger.Expire(ctx, tx, holdBatch)
			return err
		})
		if err != nil {
			return total, err
		}
		total += ended
		if ended < holdBatch {
			break
		}
	}
	return total, nil
}
