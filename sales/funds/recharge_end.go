package funds

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// A sweep ends this many recharges in one transaction, and this many times at most.
const (
	expireBatch   = 100
	expireBatches = 20
)

// FailRecharge says that the money of a recharge will not be credited.
type FailRecharge struct {
	RechargeID models.ID
	Reason     string // for the payer, 1 to 200 characters
}

// CancelRecharge gives a recharge up.
type CancelRecharge struct {
	RechargeID models.ID
}

// EndedRecharge is a recharge that is over without money.
type EndedRecharge struct {
	Recharge models.Recharge
}

// FailRecharge refuses a pending recharge. Operators only. One that is not pending is PRECONDITION_FAILED with its state as
// the reason, as in RECHARGE_EXPIRED.
func (s *Service) FailRecharge(ctx context.Context, who models.Principal, cmd FailRecharge) (EndedRecharge, error) {
	if err := requireOperator(who); err != nil {
		return EndedRecharge{}, err
	}
	if err := models.CheckText(cmd.Reason, "reason", 200, false); err != nil {
		return EndedRecharge{}, err
	}
	return s.end(ctx, who, cmd.RechargeID, models.RechargeFailed, models.EventRechargeFailed, cmd.Reason)
}

// CancelRecharge gives a pending recharge of the caller's own up. Somebody else's is NOT_FOUND, one that is not pending
// PRECONDITION_FAILED with its state as the reason. Money that arrives all the same is still credited.
func (s *Service) CancelRecharge(ctx context.Context, who models.Principal, cmd CancelRecharge) (EndedRecharge, error) {
	if err := access.Require(who, models.MoveMoney); err != nil {
		return EndedRecharge{}, err
	}
	if who.SeesAll() {
		return EndedRecharge{}, ErrOperatorsConfirm
	}
	return s.end(ctx, who, cmd.RechargeID, models.RechargeCancelled, models.EventRechargeCancelled, "")
}

func (s *Service) end(ctx context.Context, who models.Principal, id models.ID, next models.RechargeState, what models.EventType, reason string) (EndedRecharge, error) {
	if err := id.Require(models.PrefixRecharge, "rechargeId"); err != nil {
		return EndedRecharge{}, err
	}
	var ended models.Recharge
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		recharge, found, err := selectRechargeForUpdate(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if !found {
			return ErrRechargeUnknown
		}
		before := recharge.State
		if err := recharge.Become(next, s.now()); err != nil {
			return err
		}
		recharge.Reason = reason
		ended = recharge
		if err := updateRecharge(ctx, tx, &recharge); err != nil {
			return err
		}
		return s.recordRecharge(ctx, tx, who, what, before, recharge)
	})
	if err != nil {
		return EndedRecharge{}, err
	}
	return EndedRecharge{ended}, nil
}

// ExpireRecharges ends the recharges whose time has run out, oldest first and at most a few thousand at a time, and returns
// how many. It is a job of the server's.
func (s *Service) ExpireRecharges(ctx context.Context) (int, error) {
	who, total := models.SystemPrincipal("recharges"), 0
	for range expireBatches {
		n, err := s.expireSome(ctx, who, s.now())
		total += n
		if err != nil || n < expireBatch {
			return total, err
		}
	}
	return total, nil
}

func (s *Service) expireSome(ctx context.Context, who models.Principal, now time.Time) (n int, err error) {
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		n = 0
		due, err := selectDueRechargesForUpdate(ctx, tx, now, expireBatch)
		for _, recharge := range due {
			before := recharge.State
			if err := recharge.Become(models.RechargeExpired, now); err != nil {
				return err
			}
			if err := updateRecharge(ctx, tx, &recharge); err != nil {
				return err
			}
			if err := s.recordRecharge(ctx, tx, who, models.EventRechargeExpired, before, recharge); err != nil {
				return err
			}
		}
		n = len(due)
		return err
	})
	return n, err
}
