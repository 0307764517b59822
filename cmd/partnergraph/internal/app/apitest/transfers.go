package apitest

import (
	"context"
	"fmt"
	"testing"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/sales/partners"
)

// handedOn gives a solution provider another account, which is nobody's to call with, and moves two statements there.
func (w *World) handedOn(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	twin := w.twinOf(t, o)
	w.twins = append(w.twins, twin)
	w.Move(t, models.TransferRecharge, 87_300_011+9_001*int64(len(w.twins)), w.world(), Cash(models.OwnerPartner, twin.Partner.ID))
	w.text(twin.Partner.Name, twin.Partner.ID)
	for i, period := range []models.BillingCycle{"2026-05", "2026-06"} {
		w.handed++
		statement := w.Earned(t, o, period, 5_700_001+310_007*w.handed*w.handed, models.StatementToConfirm)
		done, err := w.Incentives.Transfer(ctx, w.who, incentives.TransferIncentives{
			FromPartnerID: o.Partner.ID, ToPartnerID: twin.Partner.ID, StatementIDs: []models.ID{statement.ID}, CaseNumber: fmt.Sprintf("%s-case-%d", o.Tag, i),
			Reason: o.Tag + " rebound", IdempotencyKey: fmt.Sprintf("%s-handed-%d", o.Tag, i),
		})
		must(t, err)
		w.text(done.IncentiveTransfer.CaseNumber, done.IncentiveTransfer.ID)
	}
}

// twinOf makes another account of the partner's company.
func (w *World) twinOf(t *testing.T, o *Org) *Org {
	t.Helper()
	twin := &Org{Tag: o.Tag + " twin"}
	var err error
	twin.Partner, err = w.Partners.Create(t.Context(), w.who, partners.CreatePartner{
		Kind: models.SolutionProvider, Name: twin.Tag, Level: models.LevelLeading, Country: "SG", SigningEntity: "Cloud", Currency: models.CNY, Cloud: w.Cloud,
	})
	must(t, err)
	for _, id := range []models.ID{o.Partner.ID, twin.Partner.ID} {
		_, err := w.Incentives.SetCompany(t.Context(), w.who, incentives.SetCompany{
			PartnerID: id, Country: "SG", RegistrationNumber: fmt.Sprintf("9111%X", o.Tag), Name: o.Tag + " company",
		})
		must(t, err)
	}
	w.text(o.Tag+" company", o.Partner.ID)
	return twin
}

// indexTransfers learns whose transfers there are.
func (w *World) indexTransfers(ctx context.Context, t *testing.T, orgs map[models.ID]*Org) {
	t.Helper()
	var transfers []models.IncentiveTransfer
	must(t, w.DB.NewSelect().Model(&transfers).Scan(ctx))
	for _, row := range transfers {
		w.owners[row.ID] = holder{org: orgs[row.FromPartnerID]}
	}
}

// transferMutations are those of incentives that move between accounts and take a key.
func transferMutations() map[string]MoneyMutation {
	return map[string]MoneyMutation{
		"transferIncentives": {
			Selection: "{incentiveTransfer{id caseNumber total{amount}}}", Event: models.EventIncentivesTransferred, NoDebit: "it moves what is not paid yet: no account has it",
			Prepare: func(t *testing.T, w *World, _ int) MoneyCalls {
				o := w.rich(t, models.SolutionProvider, nil)
				twin := w.twinOf(t, o)
				statement := w.Earned(t, o, "2026-09", 100, models.StatementIssuing)
				return always(w.OperatorKey, map[string]any{
					"fromPartnerId": o.Partner.ID, "toPartnerId": twin.Partner.ID, "statementIds": []models.ID{statement.ID}, "caseNumber": "C-1", "reason": "test",
				}, "caseNumber", "C-2")
			},
		},
	}
}

// transferCalls are those of accounts of one company that move nothing.
func transferCalls() calls {
	return calls{
		"setCompanyIdentity": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"partnerId": w.rich(t, models.SolutionProvider, nil).Partner.ID, "country": "SG", "registrationNumber": "9111-0000", "name": "Audited"}}
		},
	}
}
