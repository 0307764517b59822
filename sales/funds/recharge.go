package funds

import (
	"context"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// The refusals of recharges that callers may want to tell apart with errors.Is.
var (
	ErrRechargeUnknown        = models.NotFound("recharge")
	ErrProviderReferenceTaken = &models.Error{Code: models.CodeConflict, Field: "providerReference", Message: "Another recharge was confirmed with this reference."}
)

// StartRecharge says how much the caller means to put into its own balance, and how. The currency is the caller's.
type StartRecharge struct {
	Amount         decimal.Decimal // more than zero, at most 2 fraction digits, at most the way's maximum
	Method         models.RechargeMethod
	Channel        *models.RechargeChannel // of ONLINE, else nil
	IdempotencyKey string                  // 1 to 128 printable ASCII characters, made up once per recharge
}

// StartedRecharge is a recharge that waits for its money.
type StartedRecharge struct {
	Recharge models.Recharge
}

// StartRecharge begins a recharge of the caller's own balance (M08). Partners' people and programs and customers may, with
// MONEY_MOVE; operators are FORBIDDEN. Reasons of PRECONDITION_FAILED: RESALE_CUSTOMER (C02), FUNDED_BY_DISTRIBUTOR (M06),
// CUSTOMER_FROZEN, METHOD_NOT_OPEN. The same key answers the same again, with another input it is CONFLICT. When the
// payment provider does not answer it is UNAVAILABLE, and the same key asks it again.
func (s *Service) StartRecharge(ctx context.Context, who models.Principal, cmd StartRecharge) (StartedRecharge, error) {
	if err := access.Require(who, models.MoveMoney); err != nil {
		return StartedRecharge{}, err
	}
	if err := cmd.check(); err != nil {
		return StartedRecharge{}, err
	}
	asked := struct {
		Amount  string
		Method  models.RechargeMethod
		Channel *models.RechargeChannel
	}{cmd.Amount.String(), cmd.Method, cmd.Channel}
	started, err := ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "startRecharge", asked, func(ctx context.Context, tx bun.IDB) (StartedRecharge, error) {
		recharge, err := s.startIn(ctx, tx, who, cmd)
		return StartedRecharge{recharge}, err
	})
	if err != nil {
		return StartedRecharge{}, err
	}
	// The provider may be slow, so it is asked after the commit; who repeats the key gets what it answered then.
	err = s.begin(ctx, &started.Recharge)
	return started, err
}

func (cmd StartRecharge) check() error {
	if err := checkAmount(cmd.Amount); err != nil {
		return err
	}
	switch {
	case cmd.Method == models.RechargeOnline && cmd.Channel == nil:
		return models.Invalid("channel", "An online recharge needs a channel.")
	case cmd.Method == models.RechargeOnline && !cmd.Channel.Valid():
		return models.Invalid("channel", "There is no such channel.")
	case cmd.Method == models.RechargeBankTransfer && cmd.Channel != nil:
		return models.Invalid("channel", "A bank transfer has no channel.")
	case cmd.Method != models.RechargeOnline && cmd.Method != models.RechargeBankTransfer:
		return models.Invalid("method", "A recharge is ONLINE or by BANK_TRANSFER.")
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

func (s *Service) startIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd StartRecharge) (models.Recharge, error) {
	by, err := payerOf(ctx, tx, who)
	if err != nil {
		return models.Recharge{}, err
	}
	entity, _ := by.entity(s.SigningEntities)
	option, open := entity.option(cmd.Method, cmd.Channel)
	if !open {
		return models.Recharge{}, ErrMethodNotOpen
	}
	money, err := models.ParseMoney(cmd.Amount, by.currency, "amount")
	if err != nil {
		return models.Recharge{}, err
	}
	if money.Minor > option.Maximum.Minor {
		return models.Recharge{}, models.Invalid("amount", "At most "+option.Maximum.String()+" at a time this way.")
	}
	now := s.now()
	recharge := models.Recharge{
		ID: s.IDs(models.PrefixRecharge), PartnerID: by.partnerID, CustomerID: by.customerID, Cloud: by.cloud, SigningEntity: entity.Name,
		Method: cmd.Method, Currency: by.currency, AmountMinor: money.Minor, State: models.RechargePending,
		ExpiresAt: now.Add(cmd.Method.Life()), CreatedAt: now, UpdatedAt: now,
	}
	recharge.Reference = models.RechargeReference(recharge.ID)
	if cmd.Method == models.RechargeOnline {
		recharge.Channel, recharge.Provider = *cmd.Channel, entity.provider(*cmd.Channel)
	} else {
		recharge.Instructions = option.Instructions
	}
	if err := insertRecharge(ctx, tx, &recharge); err != nil {
		return models.Recharge{}, err
	}
	return recharge, s.recordRecharge(ctx, tx, who, models.EventRechargeStarted, "", recharge)
}

// begin asks the provider of an online recharge how the payment goes on, unless that is known already, and keeps the answer.
func (s *Service) begin(ctx context.Context, recharge *models.Recharge) error {
	provider := s.Providers[recharge.Provider]
	if recharge.Method != models.RechargeOnline || provider == nil {
		return nil
	}
	kept, err := selectRecharge(ctx, s.DB, recharge.ID)
	if err != nil {
		return err
	}
	recharge.PayURL, recharge.Instructions = kept.PayURL, kept.Instructions
	if kept.PayURL != "" || kept.Instructions != "" || kept.StateAt(s.now()) != models.RechargePending {
		return nil
	}
	payment := Payment{
		RechargeID: kept.ID, Reference: kept.Reference, Amount: kept.Amount(), Channel: kept.Channel, ExpiresAt: kept.ExpiresAt,
	}
	if _, notifies := provider.(Notifier); notifies {
		payment.NotifyURL = s.Origin + NotifyPath(kept.Provider)
	}
	begun, err := provider.Start(ctx, payment)
	if err != nil {
		return &models.Error{Code: models.CodeUnavailable, Message: "The payment provider does not answer; try again with the same key.", Cause: err}
	}
	kept.PayURL, kept.Instructions = begun.PayURL, begun.Instructions
	// Of two callers at once the first one's answer is kept, and both give that.
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return updateRechargeBegun(ctx, tx, &kept) })
	if err != nil {
		return err
	}
	kept, err = selectRecharge(ctx, s.DB, recharge.ID)
	recharge.PayURL, recharge.Instructions = kept.PayURL, kept.Instructions
	return err
}

// recordRecharge tells the owner, and nobody else, what became of a recharge.
func (s *Service) recordRecharge(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, before models.RechargeState, r models.Recharge) error {
	data := map[string]any{"state": r.State, "amount": r.Amount().Plain(), "currency": r.Currency, "reference": r.Reference}
	if received := r.Received(); received != nil {
		data["received"], data["transferId"] = received.Plain(), r.TransferID
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: r.PartnerID, CustomerID: r.CustomerID, SubjectID: string(r.ID), Fields: []string{"state"}, Data: data,
		Changes: []models.FieldChange{models.Changed("state", before, r.State)},
	})
}
