package partners_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/partners"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// sold is what resellers sold, and from which month on was asked.
type sold struct {
	minor map[models.ID]int64
	from  models.BillingCycle
}

func (s *sold) PerformanceOfReseller(_ context.Context, _ bun.IDB, reseller models.ID, from models.BillingCycle, currency models.Currency) (int64, error) {
	s.from = from
	if currency != models.CNY {
		return 0, fmt.Errorf("asked in %s", currency)
	}
	return s.minor[reseller], nil
}

// climb is the way of a reseller of the tree.
type climb struct {
	*tree
	sold *sold
}

func newClimb(t *testing.T, db *store.DB) *climb {
	t.Helper()
	w := &climb{tree: newTree(t, db), sold: &sold{minor: map[models.ID]int64{}}}
	w.sold.minor[w.own.ID] = models.UpgradePerformanceMinor
	w.Performance = w.sold
	return w
}

func (w *climb) ask(by models.Partner) (models.ResellerUpgrade, error) {
	done, err := w.RequestUpgrade(w.ctx, as(by), partners.RequestResellerUpgrade{Reason: "we have grown"})
	return done.Upgrade, err
}

func (w *climb) review(who models.Principal, id models.ID, approve bool, key string) (partners.ReviewedUpgrade, error) {
	return w.ReviewUpgrade(w.ctx, who, partners.ReviewResellerUpgrade{UpgradeID: id, Approve: approve, Reason: "looked at", IdempotencyKey: key})
}

func (w *climb) role(who models.Principal, id models.ID) error {
	_, err := w.RequestDistributor(w.ctx, who, partners.RequestDistributorRole{UpgradeID: id, Plan: "three engineers"})
	return err
}

func (w *climb) stop(who models.Principal, id models.ID) error {
	_, err := w.CancelUpgrade(w.ctx, who, partners.CancelResellerUpgrade{UpgradeID: id})
	return err
}

func (w *climb) row(p models.Partner) models.Partner {
	w.t.Helper()
	found, err := w.ByIDs(w.ctx, operator(), []models.ID{p.ID})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[p.ID]
}

// TestAResellerBecomesADistributor is P13, step by step.
func TestAResellerBecomesADistributor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newClimb(t, db)
		asked, err := w.ask(w.own)
		if err != nil || asked.State != models.UpgradeRequested || asked.PerformanceMinor != models.UpgradePerformanceMinor || w.sold.from != "2025-12" {
			t.Fatalf("%v %+v, from %s", err, asked, w.sold.from)
		}
		if err := w.role(as(w.own), asked.ID); why(err) != "UPGRADE_STATE" {
			t.Errorf("before the plan: %v", err)
		}
		planned, err := w.review(operator(), asked.ID, true, "1")
		if err != nil || planned.Upgrade.State != models.UpgradePlanned || planned.Transfer != nil || w.row(w.own).Kind != models.CloudReseller {
			t.Fatalf("%v %+v", err, planned)
		}
		if _, err := w.review(operator(), asked.ID, true, "2"); why(err) != "UPGRADE_STATE" {
			t.Errorf("nothing is asked: %v", err)
		}
		// What was enough then has to be enough now.
		w.sold.minor[w.own.ID]--
		if err := w.role(as(w.own), asked.ID); why(err) != "PERFORMANCE_TOO_LOW" {
			t.Errorf("less: %v", err)
		}
		w.sold.minor[w.own.ID]++
		if err := w.role(as(w.own), asked.ID); err != nil {
			t.Fatal(err)
		}
		w.refused = models.Precondition("HELD_MONEY", "no")
		if _, err := w.review(operator(), asked.ID, true, "3"); why(err) != "HELD_MONEY" || w.row(w.own).ParentID != w.first.ID {
			t.Errorf("money keeps it: %v", err)
		}
		w.refused = nil
		done, err := w.review(operator(), asked.ID, true, "3")
		if err != nil || done.Upgrade.State != models.UpgradeDone || done.Transfer == nil {
			t.Fatalf("%v %+v", err, done)
		}
		if again, err := w.review(operator(), asked.ID, true, "3"); err != nil || again.Transfer == nil || again.Transfer.ID != done.Transfer.ID {
			t.Errorf("again: %v %+v", err, again)
		}
		if got := w.row(w.own); got.Kind != models.Distributor || got.ParentID != "" || len(w.parted) != 2 {
			t.Errorf("%+v, told %d times", got, len(w.parted))
		}
		// It is one from now on.
		if _, err := w.invite(w.row(w.own), w.free); err != nil {
			t.Error(err)
		}
		var said []string
		var all []models.Event
		if err := db.NewSelect().Model(&all).Where("partner_id = ?", w.own.ID).Where("type IN (?)", bun.List([]models.EventType{
			models.EventResellerUpgrade, models.EventPartnerKindChanged,
		})).Order("id").Scan(w.ctx); err != nil {
			t.Fatal(err)
		}
		for _, event := range all {
			said = append(said, fmt.Sprint(event.Type, " ", *event.Changes[0].After))
		}
		want := []string{
			"reseller_upgrade.changed REQUESTED", "reseller_upgrade.changed PLANNED", "reseller_upgrade.changed DISTRIBUTOR_REQUESTED",
			"partner.kind_changed DISTRIBUTOR", "reseller_upgrade.changed DONE",
		}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("the record (-want +got):\n%s", diff)
		}
	})
}

// restricted is a reseller that sold enough and may not win customers.
func (w *climb) restricted() models.Partner {
	w.t.Helper()
	made := create(w.t, w.Service, models.CloudReseller, "Restricted", &w.first.ID)
	w.set(made, "state", models.PartnerRestricted)
	w.sold.minor[made.ID] = models.UpgradePerformanceMinor
	return made
}

// TestUpgradeEligibilitySaysWhatIsMissing row by row: all that stands in the way, for whoever may know.
func TestUpgradeEligibilitySaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newClimb(t, db)
		restricted := w.restricted()
		blocked := func(who models.Principal, id *models.ID) (codes []models.UpgradeBlock, err error) {
			e, err := w.UpgradeEligibility(w.ctx, who, id)
			if err != nil || e == nil {
				return nil, err
			}
			if e.Eligible() != (len(e.Blockers) == 0) || e.Threshold.Minor != models.UpgradePerformanceMinor {
				t.Errorf("%+v", e)
			}
			for _, blocker := range e.Blockers {
				if blocker.Message == "" || blocker.SuggestedAction == "" {
					t.Errorf("%s has no words", blocker.Code)
				}
				codes = append(codes, blocker.Code)
			}
			return codes, nil
		}
		for name, row := range map[string]struct {
			who  models.Principal
			id   *models.ID
			want []models.UpgradeBlock
			err  string
		}{
			"itself, with enough":         {as(w.own), nil, nil, ""},
			"its distributor":             {as(w.first), &w.own.ID, nil, ""},
			"with too little":             {as(w.free), nil, []models.UpgradeBlock{"PERFORMANCE_TOO_LOW"}, ""},
			"restricted":                  {operator(), &restricted.ID, []models.UpgradeBlock{"PARTNER_RESTRICTED"}, ""},
			"a provider":                  {as(w.provider), nil, []models.UpgradeBlock{"NOT_A_RESELLER", "PERFORMANCE_TOO_LOW"}, ""},
			"a stranger":                  {as(w.second), &w.own.ID, nil, "NOT_FOUND"},
			"its distributor, from below": {as(w.own), &w.first.ID, nil, "NOT_FOUND"},
			"nobody":                      {operator(), nil, nil, ""},
			"a customer":                  {models.Principal{Kind: models.CustomerUser, CustomerID: "cus_1", Permissions: models.DefaultPermissions(models.CustomerUser, "")}, &w.own.ID, nil, "NOT_FOUND"},
			"without a credential":        {models.Principal{}, nil, nil, "UNAUTHENTICATED"},
		} {
			codes, err := blocked(row.who, row.id)
			if diff := cmp.Diff(row.want, codes); diff != "" || why(err) != row.err {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
		}
	})
}

// TestUpgradesAreRefused row by row: who may, and that both reviews may say no.
func TestUpgradesAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newClimb(t, db)
		restricted := w.restricted()
		asked, err := w.ask(w.own)
		if err != nil {
			t.Fatal(err)
		}
		for name, row := range map[string]struct {
			err  error
			want string
		}{
			"twice":                        {second(w.ask(w.own)), "UPGRADE_OPEN"},
			"too little":                   {second(w.ask(w.free)), "PERFORMANCE_TOO_LOW"},
			"restricted":                   {second(w.ask(restricted)), "PARTNER_RESTRICTED"},
			"a distributor asks":           {second(w.ask(w.first)), "FORBIDDEN"},
			"its distributor reviews":      {second(w.review(as(w.first), asked.ID, true, "1")), "FORBIDDEN"},
			"its distributor cancels":      {w.stop(as(w.first), asked.ID), "NOT_FOUND"},
			"an operator cancels":          {w.stop(operator(), asked.ID), "FORBIDDEN"},
			"one that there is not":        {second(w.review(operator(), w.IDs(models.PrefixResellerUpgrade), true, "2")), "NOT_FOUND"},
			"another's":                    {w.role(as(w.free), asked.ID), "NOT_FOUND"},
			"without a plan":               {second(w.RequestDistributor(w.ctx, as(w.own), partners.RequestDistributorRole{UpgradeID: asked.ID})), "INVALID"},
			"a review without its reasons": {second(w.ReviewUpgrade(w.ctx, operator(), partners.ReviewResellerUpgrade{UpgradeID: asked.ID, IdempotencyKey: "3"})), "INVALID"},
		} {
			if why(row.err) != row.want {
				t.Errorf("%s: %v, want %s", name, row.err, row.want)
			}
		}
		if no, err := w.review(operator(), asked.ID, false, "4"); err != nil || no.Upgrade.State != models.UpgradeRejected || no.Upgrade.Answer != "looked at" {
			t.Errorf("%v %+v", err, no)
		}
		if err := w.stop(as(w.own), asked.ID); why(err) != "UPGRADE_STATE" {
			t.Errorf("when it is over: %v", err)
		}
		// It may ask again; and be declined at the end, or stop.
		for _, end := range []models.ResellerUpgradeState{models.UpgradeRejected, models.UpgradeCancelled} {
			next, err := w.ask(w.own)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.review(operator(), next.ID, true, "plan "+string(next.ID)); err != nil {
				t.Fatal(err)
			}
			if err := w.role(as(w.own), next.ID); err != nil {
				t.Fatal(err)
			}
			if end == models.UpgradeCancelled {
				err = w.stop(as(w.own), next.ID)
			} else {
				_, err = w.review(operator(), next.ID, false, "role "+string(next.ID))
			}
			found, findErr := w.UpgradesByIDs(w.ctx, as(w.own), []models.ID{next.ID})
			if err != nil || findErr != nil || found[next.ID].State != end {
				t.Errorf("%v %v %+v", err, findErr, found)
			}
		}
		page, err := w.FindUpgrades(w.ctx, as(w.own), partners.UpgradeFilter{}, models.PageArgs{WantTotal: true})
		if err != nil || *page.TotalCount != 3 || w.row(w.own).Kind != models.CloudReseller || w.row(w.own).ParentID != w.first.ID {
			t.Errorf("%v, %d upgrades, %+v", err, *page.TotalCount, w.row(w.own))
		}
		if page, err := w.FindUpgrades(w.ctx, as(w.first), partners.UpgradeFilter{}, models.PageArgs{}); err != nil || len(page.Edges) != 0 {
			t.Errorf("its distributor finds %+v %v", page, err)
		}
	})
}
