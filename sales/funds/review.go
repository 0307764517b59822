package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// ReviewRemittanceClaim decides a claim that waits for an operator.
type ReviewRemittanceClaim struct {
	ClaimID        models.ID
	RemittanceID   *models.ID // the claimed one; needed to approve, nil to reject
	Approve        bool
	Reason         *string // for the claimant, 1 to 200 characters; needed to reject
	IdempotencyKey string
}

// ReviewRemittanceClaim approves a claim, which credits the remittance that the operator found, with the amount that arrived,
// or rejects it. Operators only. The remittance must have come to the claim's signing entity in its currency, else INVALID,
// and be unclaimed, else REMITTANCE_CREDITED. A claim that is decided is CLAIM_CREDITED or CLAIM_REJECTED.
func (s *Service) ReviewRemittanceClaim(ctx context.Context, who models.Principal, cmd ReviewRemittanceClaim) (ClaimedRemittance, error) {
	if err := requireOperator(who); err != nil {
		return ClaimedRemittance{}, err
	}
	if err := cmd.check(); err != nil {
		return ClaimedRemittance{}, err
	}
	asked := struct {
		ClaimID      models.ID
		RemittanceID *models.ID
		Approve      bool
		Reason       *string
	}{cmd.ClaimID, cmd.RemittanceID, cmd.Approve, cmd.Reason}
	done, err := ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "reviewRemittanceClaim", asked, func(ctx context.Context, tx bun.IDB) (ClaimedRemittance, error) {
		return s.reviewIn(ctx, tx, who, cmd)
	})
	if err != nil {
		return ClaimedRemittance{}, err
	}
	// The remembered answer carries no personal data.
	kept, found, err := selectClaim(ctx, s.DB, done.Claim.ID)
	if err != nil || !found {
		return ClaimedRemittance{}, err
	}
	done.Claim.PayerNameSealed = kept.PayerNameSealed
	return done, s.openClaim(&done.Claim)
}

func (cmd ReviewRemittanceClaim) check() error {
	if err := cmd.ClaimID.Require(models.PrefixRemittanceClaim, "claimId"); err != nil {
		return err
	}
	switch {
	case cmd.Approve && cmd.RemittanceID == nil:
		return models.Invalid("remittanceId", "Name the remittance that was claimed.")
	case !cmd.Approve && cmd.RemittanceID != nil:
		return models.Invalid("remittanceId", "A claim that is rejected has no remittance.")
	case !cmd.Approve && cmd.Reason == nil:
		return models.Invalid("reason", "Tell the claimant why.")
	}
	if cmd.RemittanceID != nil {
		if err := cmd.RemittanceID.Require(models.PrefixRemittance, "remittanceId"); err != nil {
			return err
		}
	}
	if cmd.Reason != nil {
		if err := models.CheckText(*cmd.Reason, "reason", 200, false); err != nil {
			return err
		}
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

func (s *Service) reviewIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd ReviewRemittanceClaim) (ClaimedRemittance, error) {
	claim, found, err := selectClaimForUpdate(ctx, tx, cmd.ClaimID)
	if err != nil {
		return ClaimedRemittance{}, err
	}
	if !found {
		return ClaimedRemittance{}, ErrClaimUnknown
	}
	if cmd.Reason != nil {
		claim.Reason = *cmd.Reason
	}
	if !cmd.Approve {
		before := claim.State
		if err := claim.Become(models.ClaimRejected, s.now()); err != nil {
			return ClaimedRemittance{}, err
		}
		if err := updateClaim(ctx, tx, &claim); err != nil {
			return ClaimedRemittance{}, err
		}
		return ClaimedRemittance{Claim: claim}, s.recordClaim(ctx, tx, who, models.EventClaimRejected, before, claim)
	}
	judged := claim
	if err := judged.Become(models.ClaimCredited, s.now()); err != nil {
		return ClaimedRemittance{}, err
	}
	recharge, err := s.lockClaimed(ctx, tx, who, &claim.RechargeID)
	if err != nil {
		return ClaimedRemittance{}, err
	}
	remittance, found, err := selectRemittanceForUpdate(ctx, tx, *cmd.RemittanceID)
	switch {
	case err != nil:
		return ClaimedRemittance{}, err
	case !found:
		return ClaimedRemittance{}, ErrRemittanceUnknown
	case remittance.SigningEntity != claim.SigningEntity || remittance.Currency != claim.Currency:
		return ClaimedRemittance{}, models.Invalid("remittanceId", "This money came to another signing entity or in another currency.")
	}
	return s.creditClaim(ctx, tx, who, claim, recharge, remittance)
}
