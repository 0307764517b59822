package orders_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// oneCode is what identity.Codes does, for one code: the rules of codes are tested there.
type oneCode struct {
	code string
	used bool
}

func (c *oneCode) Try(_ context.Context, _ models.Principal, purpose models.CodePurpose, code *string) (identity.Proof, error) {
	c.code = ""
	if code != nil && purpose == models.CodeFunding {
		c.code = *code
	}
	return identity.Proof{}, nil
}

func (c *oneCode) Guard(_ context.Context, _ bun.IDB, who models.Principal, action models.StepUpAction, _ identity.Proof) error {
	switch {
	case action != models.StepUpFunding || who.PartnerID == "":
		return nil
	case c.code == "":
		return models.ErrCodeRequired
	case c.code != "246810":
		return models.ErrCodeWrong
	case c.used:
		return models.ErrCodeSpent
	}
	c.used = true
	return nil
}

// TestAPartnerPaysWithACodeWhereItWantsThat is O05 with G04.
func TestAPartnerPaysWithACodeWhereItWantsThat(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Codes = &oneCode{}
		w.endow(models.OwnerPartner, w.provider.ID, 10_000)
		partner := asPartner(w.provider)
		bill := func() models.ID {
			order := w.place(w.ofProvider, 1_000)
			if _, err := w.AskPartner(w.ctx, asCustomer(w.ofProvider), orders.RequestPartnerPayment{OrderID: order.ID}); err != nil {
				t.Fatal(err)
			}
			return order.ID
		}
		first, another := bill(), bill()
		cmd := orders.PartnerPayOrder{OrderID: first, IdempotencyKey: "pay"}
		for _, row := range []struct {
			code *string
			want string
		}{{nil, "CODE_REQUIRED"}, {ptr("000000"), "CODE_WRONG"}} {
			cmd.Code = row.code
			if _, err := w.PayForCustomer(w.ctx, partner, cmd); reasonOf(err) != row.want {
				t.Errorf("%v, want %s", err, row.want)
			}
		}
		if found, err := w.ByIDs(w.ctx, partner, []models.ID{first}); err != nil || found[first].Status != models.OrderPendingPayment {
			t.Fatalf("a refusal left %+v, %v", found[first], err)
		}
		cmd.Code = ptr("246810")
		paid, err := w.PayForCustomer(w.ctx, partner, cmd)
		if err != nil {
			t.Fatal(err)
		}
		again, err := w.PayForCustomer(w.ctx, partner, cmd)
		if diff := cmp.Diff(paid, again); diff != "" || err != nil { // the same key answers, though the code is spent
			t.Errorf("%v %s", err, diff)
		}
		cmd.OrderID, cmd.IdempotencyKey = another, "pay another"
		if _, err := w.PayForCustomer(w.ctx, partner, cmd); reasonOf(err) != "CODE_SPENT" {
			t.Errorf("with a spent code: %v", err)
		}
	})
}
