package payouts_test

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestWhatIsEarnedOutsideStatementsIsCredited to the bonus account, by the rules of payouts, and the books stay sound.
func TestWhatIsEarnedOutsideStatementsIsCredited(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		payable := func(method models.PayoutMethod, currency models.Currency) error {
			return db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				return w.PayableIn(ctx, tx, w.provider.ID, method, currency)
			})
		}
		w.want(payable(models.PayoutBank, models.CNY), "CERTIFICATION_MISSING")
		w.certified(w.provider)
		w.want(payable(models.PayoutBank, models.CNY), "")
		w.want(payable(models.PayoutAccount, models.USD), "PAYOUT_CURRENCY")
		w.want(payable(models.PayoutBank, models.USD), "CERTIFICATION_MISSING")
		subject := w.IDs(models.PrefixStaffPayment)
		var transfer models.ID
		w.must(db.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			transfer, err = w.CreditIn(ctx, tx, operator(), w.provider.ID, subject, models.NewMoney(172_012, models.CNY))
			return err
		}))
		var row models.Transfer
		w.must(db.NewSelect().Model(&row).Where("t.id = ?", transfer).Scan(ctx))
		if w.bonus(w.provider) != 172_012 || row.Kind != models.TransferIncentive || row.SubjectID != subject {
			t.Errorf("%d by %+v", w.bonus(w.provider), row)
		}
		w.sound()
	})
}
