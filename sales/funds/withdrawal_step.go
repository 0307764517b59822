package funds

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// step is one move of a withdrawal from a state to the next.
type step struct {
	operation string
	id        models.ID
	key       string
	asked     any // what else the idempotency key remembers of the input
	event     models.EventType
	moves     bool // whether it changes the balance
	run       func(ctx context.Context, tx bun.IDB, w *models.Withdrawal, now time.Time) error
}

// step takes it, once per key. The lock on the withdrawal's row makes two steps take turns, so that the second sees the
// state that the first has left; accounts are locked after it.
func (s *Service) step(ctx context.Context, who models.Principal, st step) (Withdrawn, error) {
	if err := st.id.Require(models.PrefixWithdrawal, "withdrawalId"); err != nil {
		return Withdrawn{}, err
	}
	if err := ledger.CheckKey(st.key); err != nil {
		return Withdrawn{}, err
	}
	asked := struct {
		WithdrawalID models.ID
		Input        any
	}{st.id, st.asked}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, st.key, st.operation, asked, func(ctx context.Context, tx bun.IDB) (Withdrawn, error) {
		w, found, err := selectWithdrawalForUpdate(ctx, tx, who, st.id)
		if err != nil {
			return Withdrawn{}, err
		}
		if !found {
			return Withdrawn{}, ErrWithdrawalUnknown
		}
		before := w.State
		if err := st.run(ctx, tx, &w, s.moment()); err != nil {
			return Withdrawn{}, err
		}
		if err := updateWithdrawal(ctx, tx, &w); err != nil {
			return Withdrawn{}, oneInFlight(err)
		}
		return s.told(ctx, tx, who, st.event, before, w, st.moves)
	})
}

// told records what happened and returns it with the balance as the transaction leaves it. Events carry neither the card
// nor what a reviewer wrote.
func (s *Service) told(ctx context.Context, tx bun.IDB, who models.Principal, event models.EventType, before models.WithdrawalState, w models.Withdrawal, moves bool) (Withdrawn, error) {
	accounts, err := s.Ledger.Accounts(ctx, tx, []string{string(w.OwnerID)}, moneyKinds()...)
	if err != nil {
		return Withdrawn{}, err
	}
	balance := models.BalanceOf(accounts, w.Currency, s.Now().UTC())
	data := map[string]any{"amount": w.Amount().Plain(), "currency": w.Currency, "route": w.Route, "state": w.State}
	if w.RejectionCode != "" {
		data["rejectionCode"] = w.RejectionCode
	}
	happened := []models.Event{{
		Type: event, PartnerID: w.PartnerID(), CustomerID: w.CustomerID(), SubjectID: string(w.ID), Fields: []string{"state"}, Data: data,
		Changes: []models.FieldChange{models.Changed("state", before, w.State)},
	}}
	if event == models.EventWithdrawalDeleted {
		happened[0].Changes = []models.FieldChange{models.Changed("state", before, "")}
	}
	if moves {
		changed := map[string]any{
			"withdrawalId": w.ID, "kind": models.TransferWithdrawal, "amount": w.Amount().Plain(), "currency": w.Currency,
			"version": balance.Version,
		}
		if w.TransferID != "" {
			changed["transferId"] = w.TransferID
		}
		happened = append(happened, models.Event{
			Type: models.EventBalanceChanged, PartnerID: w.PartnerID(), CustomerID: w.CustomerID(), SubjectID: string(w.OwnerID),
			Fields: []string{"balance"}, Data: changed,
		})
	}
	return Withdrawn{Withdrawal: w, Balance: balance}, s.Events.Record(ctx, tx, who, happened...)
}

// release gives the held money back to the account.
func (s *Service) release(ctx context.Context, tx bun.IDB, w *models.Withdrawal) error {
	_, err := s.Ledger.Void(ctx, tx, w.HoldID)
	return err
}
