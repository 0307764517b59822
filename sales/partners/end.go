package partners

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// ErrOperatorEnds refuses to end a cooperation alone.
var ErrOperatorEnds = models.Forbidden("Only an operator ends a cooperation alone; the two sides have requestCooperationEnd.")

// Recall takes the money of a reseller back to its distributor (M06). Money is moved above this room, so it asks through this.
type Recall interface {
	// RecallFromResellerIn works in the caller's transaction, after the reseller's row was changed; it is given the reseller as it was. A debt
	// and money that is set aside are PRECONDITION_FAILED.
	RecallFromResellerIn(ctx context.Context, tx bun.IDB, who models.Principal, reseller models.Partner) (models.Recalled, error)
}

// Farewell is told that a reseller leaves its distributor, in the transaction that ends their cooperation, by rooms that keep something of both.
type Farewell interface {
	// PartIn is given the reseller as it was.
	PartIn(ctx context.Context, tx bun.IDB, who models.Principal, reseller models.Partner) error
}

// EndCooperation says which reseller leaves its distributor.
type EndCooperation struct {
	ResellerID     models.ID
	Reason         string // for people, 1 to 256 characters, no personal data; the audit record keeps it
	IdempotencyKey string // 1 to 128 printable ASCII characters, made up once per end
}

// EndedCooperation is what the end did. A repeated key returns the balances of then.
type EndedCooperation struct {
	Cooperation models.Cooperation
	models.Recalled
}

// EndCooperation ends a reseller's cooperation with its distributor, exactly once: its money goes back to the distributor (M06), and so do its
// coupon quotas and what its customers have of their coupons (V06: 9); the distributor's people no longer look after it, its platform signs none of its
// customers in any more, and what is open about the reseller is cancelled. Its customers stay its own with the money that they have. Operators only.
// Reasons of PRECONDITION_FAILED: NO_COOPERATION, ARREARS and HELD_MONEY. Whatever fails leaves nothing behind and the key free.
func (s *Service) EndCooperation(ctx context.Context, who models.Principal, cmd EndCooperation) (EndedCooperation, error) {
	if err := access.Require(who, models.WritePartners); err != nil {
		return EndedCooperation{}, err
	}
	if !who.SeesAll() {
		return EndedCooperation{}, ErrOperatorEnds
	}
	if err := cmd.ResellerID.Require(models.PrefixPartner, "resellerId"); err != nil {
		return EndedCooperation{}, err
	}
	if err := checkReason(cmd.Reason); err != nil {
		return EndedCooperation{}, err
	}
	asked := struct {
		ResellerID models.ID
		Reason     string
	}{cmd.ResellerID, cmd.Reason}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "endCooperation", asked, func(ctx context.Context, tx bun.IDB) (EndedCooperation, error) {
		reseller, found, err := lock(ctx, tx, cmd.ResellerID)
		if err != nil || !found {
			return EndedCooperation{}, orUnknown(err, ErrUnknown)
		}
		return s.partIn(ctx, tx, who, reseller, cmd.Reason)
	})
}

// partIn ends the cooperation of a reseller whose row the caller has locked. The row changes before the money is asked for: whoever locks the
// accounts after this finds the edge gone.
func (s *Service) partIn(ctx context.Context, tx bun.IDB, who models.Principal, reseller models.Partner, reason string) (EndedCooperation, error) {
	if reseller.ParentID == "" {
		return EndedCooperation{}, models.ErrNoCooperation
	}
	ended, found, err := selectInForce(ctx, tx, reseller.ID)
	if err != nil || !found {
		return EndedCooperation{}, orUnknown(err, models.ErrNoCooperation)
	}
	now := s.now()
	ended.Until = &now
	if err := updateUntil(ctx, tx, &ended); err != nil {
		return EndedCooperation{}, err
	}
	alone := reseller
	alone.ParentID, alone.UpdatedAt = "", now
	if err := updatePlace(ctx, tx, alone); err != nil {
		return EndedCooperation{}, err
	}
	if err := s.dropRequests(ctx, tx, who, reseller.ID); err != nil {
		return EndedCooperation{}, err
	}
	if _, err := s.retractIn(ctx, tx, who, reseller); err != nil {
		return EndedCooperation{}, err
	}
	for _, room := range s.Farewells {
		if err := room.PartIn(ctx, tx, who, reseller); err != nil {
			return EndedCooperation{}, err
		}
	}
	done := EndedCooperation{Cooperation: ended}
	if done.Recalled, err = s.Recall.RecallFromResellerIn(ctx, tx, who, reseller); err != nil {
		return EndedCooperation{}, err
	}
	return done, s.recordEnd(ctx, tx, who, reason, done)
}

func (s *Service) recordEnd(ctx context.Context, tx bun.IDB, who models.Principal, reason string, done EndedCooperation) error {
	ended := done.Cooperation
	data := map[string]any{"cooperationId": ended.ID, "distributorId": ended.DistributorID, "resellerId": ended.ResellerID, "reason": reason}
	if done.Transfer != nil {
		data["transferId"] = done.Transfer.ID
	}
	return s.recordBoth(ctx, tx, who, ended.ResellerID, models.Event{
		Type: models.EventCooperationEnded, PartnerID: ended.DistributorID, SubjectID: string(ended.ResellerID), Fields: []string{"parentId"},
		Changes: []models.FieldChange{models.Changed("parentId", ended.DistributorID, "")}, Data: data,
	})
}
