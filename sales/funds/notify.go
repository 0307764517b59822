package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// ErrProviderUnknown says that nobody of this name notifies here.
var ErrProviderUnknown = models.NotFound("payment provider")

// Notified credits what a provider's notification says was paid, exactly once however often and at how many replicas it
// arrives, and returns what the provider wants to read. The notification itself is the credential. Once credited, the same
// notification is answered as before; another payment for a recharge that is confirmed is PRECONDITION_FAILED with the
// reason RECHARGE_CONFIRMED, and for people to look into, as is money for a payer that may not recharge any more.
//
// There is no idempotency key: the recharge's own row, locked, and the provider's reference, unique, are the memory.
func (s *Service) Notified(ctx context.Context, name string, notification Notification) (acknowledgement string, err error) {
	notifier, ok := s.Providers[name].(Notifier)
	if !ok {
		return "", ErrProviderUnknown
	}
	receipt, err := notifier.Verify(ctx, notification)
	if err != nil {
		return "", err
	}
	if !receipt.Paid {
		return receipt.Acknowledgement, nil
	}
	if err := receipt.check(); err != nil {
		return "", err
	}
	who := models.SystemPrincipal("payments/" + name)
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		recharge, found, err := selectReferredForUpdate(ctx, tx, name, receipt.Reference)
		switch {
		case err != nil:
			return err
		case !found:
			return ErrRechargeUnknown
		case recharge.State == models.RechargeConfirmed && recharge.ProviderReference == receipt.ProviderReference:
			return nil
		case receipt.Received.Currency != recharge.Currency:
			return models.Invalid("currency", "The money must be in the currency of the recharge.")
		}
		_, err = s.settle(ctx, tx, who, recharge, receipt.Received, receipt.ProviderReference)
		return err
	})
	if err != nil {
		return "", err
	}
	return receipt.Acknowledgement, nil
}

func (r Receipt) check() error {
	if err := models.CheckReference(r.Reference, "reference", maxReference); err != nil {
		return err
	}
	if err := models.CheckReference(r.ProviderReference, "providerReference", maxReference); err != nil {
		return err
	}
	if r.Received.Minor <= 0 || r.Received.Minor > models.MaxMinor {
		return models.Invalid("amount", "The amount must be above zero and not too large.")
	}
	return nil
}
