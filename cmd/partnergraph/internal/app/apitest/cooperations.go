package apitest

import (
	"context"
	"fmt"
	"testing"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/partners"
)

// cooperate lets a reseller leave its distributor and come back by an invitation, has a person of the distributor's look after it, and the
// distributor ask for another end.
func (w *World) cooperate(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	_, err := w.Partners.EndCooperation(ctx, w.who, partners.EndCooperation{ResellerID: o.Partner.ID, Reason: "test", IdempotencyKey: "end " + o.Tag})
	must(t, err)
	invited, err := w.Partners.InviteReseller(ctx, selfOf(o.Parent), partners.InviteReseller{ResellerID: o.Partner.ID, Reason: o.Tag + " comes back"})
	must(t, err)
	w.text(o.Tag+" comes back", invited.Request.ID)
	_, err = w.Partners.ConfirmCooperation(ctx, selfOf(o), partners.ConfirmCooperationRequest{RequestID: invited.Request.ID, IdempotencyKey: "join " + o.Tag})
	must(t, err)
	_, err = w.Partners.AssignManager(ctx, selfOf(o.Parent), partners.AssignResellerManager{ResellerID: o.Partner.ID, UserID: o.Parent.ManagerID})
	must(t, err)
	asked, err := w.Partners.RequestCooperationEnd(ctx, selfOf(o.Parent), partners.RequestCooperationEnd{ResellerID: &o.Partner.ID, Reason: o.Tag + " may leave"})
	must(t, err)
	w.text(o.Tag+" may leave", asked.Request.ID)
	for i := range 2 {
		wish := fmt.Sprintf("%s upgrade %d", o.Tag, i)
		upgrade, err := w.Partners.RequestUpgrade(ctx, selfOf(o), partners.RequestResellerUpgrade{Reason: wish})
		must(t, err)
		w.text(wish, upgrade.Upgrade.ID)
		if i == 0 {
			_, err = w.Partners.CancelUpgrade(ctx, selfOf(o), partners.CancelResellerUpgrade{UpgradeID: upgrade.Upgrade.ID})
			must(t, err)
		}
	}
}

// soldEnough lets every reseller have the performance that an upgrade takes: in this world nobody sells so much.
type soldEnough struct{}

var _ partners.Performance = soldEnough{}

// PerformanceOfReseller is the least that suffices.
func (soldEnough) PerformanceOfReseller(context.Context, bun.IDB, models.ID, models.BillingCycle, models.Currency) (int64, error) {
	return models.UpgradePerformanceMinor, nil
}

// upgrading makes a reseller of the distributor's that has asked for its upgrade, and one that is in the plan.
func (w *World) upgrading(t *testing.T, distributor *Org, planned bool) (*Org, models.ID) {
	t.Helper()
	o := w.rich(t, models.CloudReseller, distributor)
	asked, err := w.Partners.RequestUpgrade(t.Context(), selfOf(o), partners.RequestResellerUpgrade{Reason: "test"})
	must(t, err)
	if planned {
		_, err = w.Partners.ReviewUpgrade(t.Context(), w.who, partners.ReviewResellerUpgrade{
			UpgradeID: asked.Upgrade.ID, Approve: true, Reason: "test", IdempotencyKey: "plan " + o.Tag,
		})
		must(t, err)
	}
	return o, asked.Upgrade.ID
}

// indexCooperations learns whose the cooperations, requests and managers are: the reseller's, and so its distributor's.
func (w *World) indexCooperations(ctx context.Context, t *testing.T, orgs map[models.ID]*Org) {
	t.Helper()
	var cooperations []models.Cooperation
	var requests []models.CooperationRequest
	var managers []models.ResellerManager
	var upgrades []models.ResellerUpgrade
	for _, rows := range []any{&cooperations, &requests, &managers, &upgrades} {
		must(t, w.DB.NewSelect().Model(rows).Scan(ctx))
	}
	for _, row := range cooperations {
		w.owners[row.ID] = holder{org: orgs[row.ResellerID]}
	}
	for _, row := range requests {
		w.owners[row.ID] = holder{org: orgs[row.ResellerID]}
	}
	for _, row := range upgrades {
		w.owners[row.ID] = holder{org: orgs[row.ResellerID]}
	}
	for _, row := range managers {
		w.owners[row.ID] = holder{org: orgs[row.ResellerID]}
	}
}

// loneReseller makes a partner of the reseller program that has no distributor, with a key.
func (w *World) loneReseller(t *testing.T) *Org {
	t.Helper()
	o := &Org{Tag: w.tag()}
	var err error
	o.Partner, err = w.Partners.Create(t.Context(), w.who, partners.CreatePartner{
		Kind: models.CloudReseller, Name: o.Tag, Level: models.LevelLeading, Country: "CN", SigningEntity: "Cloud", Currency: models.CNY, Cloud: w.Cloud,
	})
	must(t, err)
	key := w.key(t.Context(), t, identity.CreateKey{Name: o.Tag, PartnerID: &o.Partner.ID})
	o.Key, o.KeyID = key.Secret, key.APIKey.ID
	return o
}

// cooperationMutations are those of cooperations that take a key.
func cooperationMutations() map[string]MoneyMutation {
	const once = "it takes back whatever there is, once"
	return map[string]MoneyMutation{
		"endCooperation": {
			Selection: "{cooperation{id until} transfer{id kind createdAt} partnerBalance{available{amount} version} resellerBalance{available{amount} version}}",
			NoDebit:   once,
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				t.Helper()
				reseller := w.rich(t, models.CloudReseller, w.rich(t, models.Distributor, nil))
				return always(w.OperatorKey, map[string]any{"resellerId": reseller.Partner.ID, "reason": "moved away"}, "reason", "another")
			},
		},
		"reviewResellerUpgrade": {
			Selection: "{upgrade{id state} transfer{id kind createdAt}}",
			NoDebit:   once,
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				t.Helper()
				reseller, id := w.upgrading(t, w.rich(t, models.Distributor, nil), true)
				_, err := w.Partners.RequestDistributor(t.Context(), selfOf(reseller), partners.RequestDistributorRole{UpgradeID: id, Plan: "done"})
				must(t, err)
				return always(w.OperatorKey, map[string]any{"upgradeId": id, "approve": true, "reason": "well done"}, "reason", "another")
			},
		},
		"confirmCooperationRequest": {
			Selection: "{request{id state} cooperation{id until} transfer{id kind createdAt}}",
			NoDebit:   once,
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				t.Helper()
				distributor := w.rich(t, models.Distributor, nil)
				reseller := w.rich(t, models.CloudReseller, distributor)
				asked, err := w.Partners.RequestCooperationEnd(t.Context(), selfOf(reseller), partners.RequestCooperationEnd{Reason: "test"})
				must(t, err)
				return always(distributor.Key, map[string]any{"requestId": asked.Request.ID}, "requestId", w.IDs(models.PrefixCooperationRequest)[0])
			},
		},
	}
}

func cooperationCalls() calls {
	invited := func(t *testing.T, w *World) (*Org, models.ID) {
		t.Helper()
		o := w.loneReseller(t)
		asked, err := w.Partners.InviteReseller(t.Context(), selfOf(w.Distributors[0]), partners.InviteReseller{ResellerID: o.Partner.ID, Reason: "audit"})
		must(t, err)
		return o, asked.Request.ID
	}
	managed := func(t *testing.T, w *World) models.ID {
		t.Helper()
		id := w.rich(t, models.CloudReseller, w.Distributors[0]).Partner.ID
		_, err := w.Partners.AssignManager(t.Context(), selfOf(w.Distributors[0]), partners.AssignResellerManager{ResellerID: id, UserID: w.Distributors[0].ManagerID})
		must(t, err)
		return id
	}
	return calls{
		"requestResellerUpgrade": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.loneReseller(t).Key, map[string]any{"reason": "audit"}}
		},
		"requestDistributorRole": func(t *testing.T, _ *Server, w *World) Call {
			o, id := w.upgrading(t, w.Distributors[0], true)
			return Call{o.Key, map[string]any{"upgradeId": id, "plan": "audit"}}
		},
		"cancelResellerUpgrade": func(t *testing.T, _ *Server, w *World) Call {
			o, id := w.upgrading(t, w.Distributors[0], false)
			return Call{o.Key, map[string]any{"upgradeId": id}}
		},
		"inviteReseller": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.Distributors[0].Key, map[string]any{"resellerId": w.loneReseller(t).Partner.ID, "reason": "audit"}}
		},
		"requestCooperation": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.loneReseller(t).Key, map[string]any{"distributorId": w.Distributors[0].Partner.ID, "reason": "audit"}}
		},
		"requestCooperationEnd": func(t *testing.T, _ *Server, w *World) Call {
			id := w.rich(t, models.CloudReseller, w.Distributors[0]).Partner.ID
			return Call{w.Distributors[0].Key, map[string]any{"resellerId": id, "reason": "audit"}}
		},
		"rejectCooperationRequest": func(t *testing.T, _ *Server, w *World) Call {
			o, id := invited(t, w)
			return Call{o.Key, map[string]any{"requestId": id, "reason": "audit"}}
		},
		"cancelCooperationRequest": func(t *testing.T, _ *Server, w *World) Call {
			_, id := invited(t, w)
			return Call{w.Distributors[0].Key, map[string]any{"requestId": id}}
		},
		"assignResellerManager": func(t *testing.T, _ *Server, w *World) Call {
			id := w.rich(t, models.CloudReseller, w.Distributors[0]).Partner.ID
			return Call{w.Distributors[0].Key, map[string]any{"resellerId": id, "userId": w.Distributors[0].ManagerID}}
		},
		"retractResellerManager": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.Distributors[0].Key, map[string]any{"resellerId": managed(t, w)}}
		},
	}
}
