package funds

import (
	"context"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// The refusals of claims that callers may want to tell apart with errors.Is.
var (
	ErrClaimUnknown  = models.NotFound("remittance claim")
	ErrNotByTransfer = models.Precondition("NOT_BY_BANK_TRANSFER", "This recharge is not by bank transfer.")
)

// ClaimRemittance says that the caller sent money to its signing entity's bank account.
type ClaimRemittance struct {
	Amount         decimal.Decimal // in the caller's currency
	PayerName      string          // as the bank writes it, at most 200 characters; personal data
	RemittedOn     models.Date     // not after tomorrow
	BankReference  *string         // of the transfer, when the caller knows it
	RechargeID     *models.ID      // a recharge by bank transfer of the caller's own that the money is meant for; nil = none
	IdempotencyKey string
}

// ClaimedRemittance is a claim with what became of it.
type ClaimedRemittance struct {
	Claim   models.RemittanceClaim
	Balance *models.Balance // the owner's after it; nil while the claim is not credited
}

// ClaimRemittance credits the caller with the one unclaimed remittance to its signing entity that has the claim's amount
// and was paid by the caller itself under its name here, by a payer under an agreement in force, or by whom the claim names under the
// bank reference that the claim names too: a payer's name alone is no secret, and would let anybody take a stranger's money. With
// none or with several of them the claim waits for an operator. Who may claim is who may recharge: see StartRecharge for
// the refusals. The recharge that is named must be the caller's own, by bank transfer, and wait for money.
func (s *Service) ClaimRemittance(ctx context.Context, who models.Principal, cmd ClaimRemittance) (ClaimedRemittance, error) {
	if err := access.Require(who, models.MoveMoney); err != nil {
		return ClaimedRemittance{}, err
	}
	if err := s.checkClaim(cmd); err != nil {
		return ClaimedRemittance{}, err
	}
	asked := struct {
		Amount, Payer string
		RemittedOn    models.Date
		BankReference *string
		RechargeID    *models.ID
	}{cmd.Amount.String(), s.blindPayer(cmd.PayerName), cmd.RemittedOn, cmd.BankReference, cmd.RechargeID}
	done, err := ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "claimRemittance", asked, func(ctx context.Context, tx bun.IDB) (ClaimedRemittance, error) {
		return s.claimIn(ctx, tx, who, cmd)
	})
	if err != nil {
		return ClaimedRemittance{}, err
	}
	// The remembered answer carries no personal data; whoever repeats the key has sent the name again.
	name := cmd.PayerName
	done.Claim.PayerName = &name
	return done, nil
}

func (s *Service) checkClaim(cmd ClaimRemittance) error {
	if err := checkAmount(cmd.Amount); err != nil {
		return err
	}
	if err := models.CheckText(cmd.PayerName, "payerName", maxPayerName, false); err != nil {
		return err
	}
	if err := s.checkDay(cmd.RemittedOn, "remittedOn"); err != nil {
		return err
	}
	if cmd.BankReference != nil {
		if err := models.CheckReference(*cmd.BankReference, "bankReference", maxReference); err != nil {
			return err
		}
	}
	if cmd.RechargeID != nil {
		if err := cmd.RechargeID.Require(models.PrefixRecharge, "rechargeId"); err != nil {
			return err
		}
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

func (s *Service) claimIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd ClaimRemittance) (ClaimedRemittance, error) {
	by, err := payerOf(ctx, tx, who)
	if err != nil {
		return ClaimedRemittance{}, err
	}
	entity, _ := by.entity(s.SigningEntities)
	if entity.BankTransfer == nil {
		return ClaimedRemittance{}, ErrMethodNotOpen
	}
	money, err := models.ParseMoney(cmd.Amount, by.currency, "amount")
	if err != nil {
		return ClaimedRemittance{}, err
	}
	now := s.now()
	claim := models.RemittanceClaim{
		ID: s.IDs(models.PrefixRemittanceClaim), PartnerID: by.partnerID, CustomerID: by.customerID, Cloud: by.cloud, SigningEntity: entity.Name,
		Currency: by.currency, AmountMinor: money.Minor, PayerNameBlind: s.blindPayer(cmd.PayerName), RemittedOn: cmd.RemittedOn,
		State: models.ClaimPendingReview, CreatedAt: now, UpdatedAt: now,
	}
	claim.PayerNameSealed = s.sealPayer(cmd.PayerName, columnClaimPayer, claim.ID)
	if cmd.BankReference != nil {
		claim.BankReference = *cmd.BankReference
	}
	recharge, err := s.lockClaimed(ctx, tx, who, cmd.RechargeID)
	if err != nil {
		return ClaimedRemittance{}, err
	}
	if recharge != nil {
		claim.RechargeID = recharge.ID
	}
	if err := insertClaim(ctx, tx, &claim); err != nil {
		return ClaimedRemittance{}, err
	}
	if err := s.recordClaim(ctx, tx, who, models.EventRemittanceClaimed, "", claim); err != nil {
		return ClaimedRemittance{}, err
	}
	matches, err := s.matchesOf(ctx, tx, claim, by.name)
	if err != nil || len(matches) != 1 {
		return ClaimedRemittance{Claim: claim}, err
	}
	return s.creditClaim(ctx, tx, who, claim, recharge, matches[0])
}

// lockClaimed locks the recharge that a claim is meant for, and judges whether it may still be paid for; nil for none.
func (s *Service) lockClaimed(ctx context.Context, tx bun.IDB, who models.Principal, id *models.ID) (*models.Recharge, error) {
	if id == nil || *id == "" {
		return nil, nil
	}
	recharge, found, err := selectRechargeForUpdate(ctx, tx, who, *id)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, ErrRechargeUnknown
	case recharge.Method != models.RechargeBankTransfer:
		return nil, ErrNotByTransfer
	}
	judged := recharge
	return &recharge, judged.Become(models.RechargeConfirmed, s.now())
}

// matchesOf finds and locks the unclaimed remittances that may be the claimed one, two at most: more than one is a question
// for people. name is the owner's own name; empty when it has none that a bank would write.
func (s *Service) matchesOf(ctx context.Context, tx bun.IDB, claim models.RemittanceClaim, name string) ([]models.Remittance, error) {
	var own []string
	if name != "" {
		own = append(own, s.blindPayer(name))
	}
	agreed, err := selectAgreedPayers(ctx, tx, claim.PartnerID, claim.CustomerID, s.now())
	if err != nil {
		return nil, err
	}
	return selectMatchesForUpdate(ctx, tx, claim, append(agreed, own...))
}

// creditClaim credits a claim, and the recharge that it is meant for, with a remittance. All of them are locked.
func (s *Service) creditClaim(ctx context.Context, tx bun.IDB, who models.Principal, claim models.RemittanceClaim, recharge *models.Recharge, remittance models.Remittance) (ClaimedRemittance, error) {
	now := s.now()
	if err := remittance.Credit(claim.ID, claim.RechargeID, now); err != nil {
		return ClaimedRemittance{}, err
	}
	before := claim.State
	if err := claim.Credit(remittance, now); err != nil {
		return ClaimedRemittance{}, err
	}
	var balance models.Balance
	if recharge != nil {
		settled, err := s.settle(ctx, tx, who, *recharge, remittance.Amount(), remittance.BankReference)
		if err != nil {
			return ClaimedRemittance{}, err
		}
		claim.TransferID, balance = settled.Recharge.TransferID, settled.Balance
	} else {
		transfer, after, err := s.credit(ctx, tx, who, claim.PartnerID, claim.CustomerID, remittance.Amount(), claim.ID)
		if err != nil {
			return ClaimedRemittance{}, err
		}
		claim.TransferID, balance = transfer.ID, after
	}
	remittance.TransferID = claim.TransferID
	if err := updateClaim(ctx, tx, &claim); err != nil {
		return ClaimedRemittance{}, err
	}
	if err := updateRemittance(ctx, tx, &remittance); err != nil {
		return ClaimedRemittance{}, err
	}
	return ClaimedRemittance{claim, &balance}, s.recordClaim(ctx, tx, who, models.EventClaimCredited, before, claim)
}

// recordClaim tells the owner, and nobody else, what became of a claim. It does not name the payer.
func (s *Service) recordClaim(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, before models.RemittanceClaimState, c models.RemittanceClaim) error {
	data := map[string]any{"state": c.State, "amount": c.Amount().Plain(), "currency": c.Currency}
	if credited := c.Credited(); credited != nil {
		data["credited"], data["transferId"] = credited.Plain(), c.TransferID
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: c.PartnerID, CustomerID: c.CustomerID, SubjectID: string(c.ID), Fields: []string{"state"}, Data: data,
		Changes: []models.FieldChange{models.Changed("state", before, c.State)},
	})
}
