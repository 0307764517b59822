package funds

import (
	"context"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// requireOperator lets operators through who may move money.
func requireOperator(who models.Principal) error {
	if err := access.Require(who, models.MoveMoney); err != nil {
		return err
	}
	if !who.SeesAll() {
		return ErrOperatorsOnly
	}
	return nil
}

// ConfirmRecharge says that the money of a recharge arrived.
type ConfirmRecharge struct {
	RechargeID        models.ID
	ReceivedAmount    decimal.Decimal  // more than zero; what is credited, whatever was asked for
	Currency          *models.Currency // nil = the recharge's, which it has to be
	ProviderReference string           // of the payment at the provider, or of the transfer on the bank's statement
	IdempotencyKey    string
}

// ConfirmedRecharge is a recharge whose money is credited.
type ConfirmedRecharge struct {
	Recharge models.Recharge
	Balance  models.Balance // of its owner, after it
}

// ConfirmRecharge credits what arrived, exactly once. Operators only. A bank transfer is the remittance with this bank
// reference: one that was recorded must be unclaimed and of this amount, else REMITTANCE_CREDITED or INVALID; one that was
// not is recorded now. A reference that another recharge was confirmed with is CONFLICT. A recharge that is confirmed or
// failed is PRECONDITION_FAILED with the reason RECHARGE_CONFIRMED or RECHARGE_FAILED.
func (s *Service) ConfirmRecharge(ctx context.Context, who models.Principal, cmd ConfirmRecharge) (ConfirmedRecharge, error) {
	if err := requireOperator(who); err != nil {
		return ConfirmedRecharge{}, err
	}
	if err := cmd.check(); err != nil {
		return ConfirmedRecharge{}, err
	}
	asked := struct {
		RechargeID        models.ID
		ReceivedAmount    string
		Currency          *models.Currency
		ProviderReference string
	}{cmd.RechargeID, cmd.ReceivedAmount.String(), cmd.Currency, cmd.ProviderReference}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "confirmRecharge", asked, func(ctx context.Context, tx bun.IDB) (ConfirmedRecharge, error) {
		return s.confirmIn(ctx, tx, who, cmd)
	})
}

func (cmd ConfirmRecharge) check() error {
	if err := cmd.RechargeID.Require(models.PrefixRecharge, "rechargeId"); err != nil {
		return err
	}
	if err := checkPositive(cmd.ReceivedAmount, "receivedAmount"); err != nil {
		return err
	}
	if err := models.CheckReference(cmd.ProviderReference, "providerReference", maxReference); err != nil {
		return err
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

func (s *Service) confirmIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd ConfirmRecharge) (ConfirmedRecharge, error) {
	recharge, found, err := selectRechargeForUpdate(ctx, tx, who, cmd.RechargeID)
	switch {
	case err != nil:
		return ConfirmedRecharge{}, err
	case !found:
		return ConfirmedRecharge{}, ErrRechargeUnknown
	case cmd.Currency != nil && *cmd.Currency != recharge.Currency:
		return ConfirmedRecharge{}, models.Invalid("currency", "The money must be in the currency of the recharge.")
	}
	received, err := models.ParseMoney(cmd.ReceivedAmount, recharge.Currency, "receivedAmount")
	if err != nil {
		return ConfirmedRecharge{}, err
	}
	judged := recharge
	if err := judged.Confirm(received, s.now()); err != nil {
		return ConfirmedRecharge{}, err
	}
	if recharge.Method == models.RechargeBankTransfer {
		return s.confirmTransfer(ctx, tx, who, recharge, received, cmd.ProviderReference)
	}
	return s.settle(ctx, tx, who, recharge, received, cmd.ProviderReference)
}

// settle credits a recharge that the transaction has locked.
func (s *Service) settle(ctx context.Context, tx bun.IDB, who models.Principal, recharge models.Recharge, received models.Money, reference string) (ConfirmedRecharge, error) {
	before := recharge.State
	if err := recharge.Confirm(received, s.now()); err != nil {
		return ConfirmedRecharge{}, err
	}
	transfer, balance, err := s.credit(ctx, tx, who, recharge.PartnerID, recharge.CustomerID, received, recharge.ID)
	if err != nil {
		return ConfirmedRecharge{}, err
	}
	recharge.TransferID, recharge.ProviderReference = transfer.ID, reference
	if err := updateRecharge(ctx, tx, &recharge); err != nil {
		if store.Conflicts(err, "recharges", "provider_reference") {
			return ConfirmedRecharge{}, ErrProviderReferenceTaken
		}
		return ConfirmedRecharge{}, err
	}
	return ConfirmedRecharge{recharge, balance}, s.recordRecharge(ctx, tx, who, models.EventRechargeConfirmed, before, recharge)
}
