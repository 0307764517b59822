package funds_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// codeBox keeps the newest code.
type codeBox struct{ code string }

func (b *codeBox) SendCode(_ context.Context, m identity.CodeMessage) (bool, error) {
	b.code = regexp.MustCompile(`[0-9]{6}`).FindString(m.Letter.Subject)
	return false, nil
}

// TestAWithdrawalAsksForACodeWhereItsOwnerWantsThat is M10 and G04.
func TestAWithdrawalAsksForACodeWhereItsOwnerWantsThat(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		ctx, who, box := context.Background(), s.as(s.distributor), &codeBox{}
		at := noon
		room := &identity.Codes{
			DB: db, Now: func() time.Time { return at }, IDs: s.IDs, Events: s.Events, Random: rand.Reader, Seal: s.Seal, Sender: box,
			Logger: slog.New(slog.DiscardHandler),
		}
		s.Codes = room
		ask := func(purpose models.CodePurpose, email *string) *string {
			_, err := room.Send(ctx, who, identity.SendVerificationCode{Purpose: purpose, Email: email})
			s.want(err, "")
			var asked models.Event
			s.want(db.NewSelect().Model(&asked).Where("type = ?", models.EventCodeRequested).Order("id DESC").Limit(1).Scan(ctx), "")
			s.want(room.SendCode(ctx, asked), "")
			code := box.code
			at = at.Add(2 * time.Minute)
			return &code
		}
		desk := "desk@example.com"
		_, err := room.SetStepUp(ctx, who, identity.SetStepUp{
			Actions: []models.StepUpAction{models.StepUpWithdrawals}, Email: &desk, Code: ask(models.CodeStepUp, &desk),
		})
		s.want(err, "")

		cmd := withdrawing("60.50", "1", models.OriginalRoute)
		_, err = s.SubmitWithdrawal(ctx, who, cmd)
		s.want(err, "CODE_REQUIRED")
		cmd.Code = ask(models.CodeWithdrawal, nil)
		wrong := "000000"
		if *cmd.Code == wrong {
			wrong = "000001"
		}
		right := cmd.Code
		for range models.CodeTries - 2 {
			cmd.Code = &wrong
			_, err = s.SubmitWithdrawal(ctx, who, cmd)
			s.want(err, "CODE_WRONG")
		}
		if got := s.balance(s.distributor); got != [2]int64{10_000, 0} {
			t.Errorf("a refusal left %v", got)
		}
		cmd.Code, cmd.Amount = right, amount("900")
		_, err = s.SubmitWithdrawal(ctx, who, cmd) // too much: the code comes back, the try does not
		if refusal(err) == "" {
			t.Fatal("900 of 100 went out")
		}
		cmd.Amount = amount("60.50")
		first, err := s.SubmitWithdrawal(ctx, who, cmd)
		s.want(err, "")
		again, err := s.SubmitWithdrawal(ctx, who, cmd) // the same key answers, though its code is spent
		s.want(err, "")
		if diff := cmp.Diff(first, again); diff != "" {
			t.Error(diff)
		}
		cmd.IdempotencyKey = "2"
		_, err = s.SubmitWithdrawal(ctx, who, cmd)
		s.want(err, "CODE_SPENT")

		// Who has not asked for codes needs none.
		s.give(models.OwnerPartner, s.reseller, models.AccountBalance, "CNY", 10_000, 0)
		_, err = s.SubmitWithdrawal(ctx, s.as(s.reseller), withdrawing("1", "3", models.OriginalRoute))
		if models.ReasonOf(err) == "CODE_REQUIRED" {
			t.Error("a reseller is asked for its distributor's code")
		}
	})
}
