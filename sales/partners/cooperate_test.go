package partners_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/partners"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// tree is two distributors of which the first has a reseller, a reseller that is free, and a solution provider.
type tree struct {
	*partners.Service
	t   *testing.T
	ctx context.Context
	at  time.Time

	first, second, own, free, provider models.Partner

	mu               sync.Mutex
	parted, recalled []models.Partner // as the rooms above were given them
	refused          error            // what the recall answers
}

func (w *tree) PartIn(_ context.Context, _ bun.IDB, _ models.Principal, reseller models.Partner) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parted = append(w.parted, reseller)
	return nil
}

// RecallFromResellerIn stands for sales/funds, which lives above this room.
func (w *tree) RecallFromResellerIn(_ context.Context, _ bun.IDB, _ models.Principal, reseller models.Partner) (models.Recalled, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.recalled = append(w.recalled, reseller)
	return models.Recalled{Transfer: &models.Transfer{ID: "trf_recall", Kind: models.TransferRecall}}, w.refused
}

func newTree(t *testing.T, db *store.DB) *tree {
	t.Helper()
	w := &tree{t: t, ctx: t.Context(), at: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)}
	now, ids := func() time.Time { return w.at }, models.RandomIDs()
	w.Service = &partners.Service{
		DB: db, Now: now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: now}, Ledger: &ledger.Service{DB: db, Now: now, IDs: ids},
		Recall: w, Farewells: []partners.Farewell{w},
	}
	w.first, w.second = create(t, w.Service, models.Distributor, "First", nil), create(t, w.Service, models.Distributor, "Second", nil)
	w.own = create(t, w.Service, models.CloudReseller, "Own", &w.first.ID)
	w.free, w.provider = create(t, w.Service, models.CloudReseller, "Free", nil), create(t, w.Service, models.SolutionProvider, "Provider", nil)
	return w
}

func (w *tree) invite(by, whom models.Partner) (models.CooperationRequest, error) {
	done, err := w.InviteReseller(w.ctx, as(by), partners.InviteReseller{ResellerID: whom.ID, Reason: "join us"})
	return done.Request, err
}

func (w *tree) apply(by, to models.Partner) (models.CooperationRequest, error) {
	done, err := w.RequestCooperation(w.ctx, as(by), partners.RequestCooperation{DistributorID: to.ID, Reason: "take us on"})
	return done.Request, err
}

func (w *tree) askEnd(who models.Principal, whose *models.ID) (models.CooperationRequest, error) {
	done, err := w.RequestCooperationEnd(w.ctx, who, partners.RequestCooperationEnd{ResellerID: whose, Reason: "it is over"})
	return done.Request, err
}

func (w *tree) confirm(by models.Partner, id models.ID) (partners.ConfirmedCooperation, error) {
	return w.ConfirmCooperation(w.ctx, as(by), partners.ConfirmCooperationRequest{RequestID: id, IdempotencyKey: "confirm " + string(id)})
}

func (w *tree) reject(who models.Principal, id models.ID) error {
	_, err := w.RejectCooperation(w.ctx, who, partners.RejectCooperationRequest{RequestID: id, Reason: "no"})
	return err
}

func (w *tree) cancel(who models.Principal, id models.ID) error {
	_, err := w.CancelCooperation(w.ctx, who, partners.CancelCooperationRequest{RequestID: id})
	return err
}

func (w *tree) must(r models.CooperationRequest, err error) models.ID {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return r.ID
}

func (w *tree) state(id models.ID) models.CooperationRequestState {
	w.t.Helper()
	found, err := w.CooperationRequestsByIDs(w.ctx, operator(), []models.ID{id})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[id].State
}

func (w *tree) parentOf(p models.Partner) models.ID {
	w.t.Helper()
	found, err := w.ByIDs(w.ctx, operator(), []models.ID{p.ID})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[p.ID].ParentID
}

// set changes a column of a partner's row.
func (w *tree) set(p models.Partner, column string, value any) {
	w.t.Helper()
	if _, err := w.DB.NewUpdate().Table("partners").Set("? = ?", bun.Ident(column), value).Where("id = ?", p.ID).Exec(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

// told returns what the record of a partner says, oldest first.
func (w *tree) told(p models.Partner) []string {
	w.t.Helper()
	var all []models.Event
	if err := w.DB.NewSelect().Model(&all).Where("partner_id = ?", p.ID).Where("type LIKE ?", "cooperation%").Order("id").Scan(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	said := []string{}
	for _, event := range all {
		what := string(event.Type)
		if event.Type == models.EventCooperationNoted {
			what = fmt.Sprint("noted ", event.Data["event"])
		}
		said = append(said, what)
	}
	return said
}

// why returns the machine-readable reason of a refusal, or its code where it has none.
func why(err error) string {
	if reason := models.ReasonOf(err); reason != "" {
		return reason
	}
	return string(models.CodeOf(err))
}

func second[T any](_ T, err error) error { return err }

// TestAResellerComesAndGoes is P12 and P15: invited or on its own wish it comes under one distributor, and leaves it with the other's consent; history
// keeps who was whose.
func TestAResellerComesAndGoes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTree(t, db)
		began := w.at
		invited, err := w.invite(w.first, w.free)
		if err != nil || invited.State != models.CooperationRequested || invited.ResellerName != "Free" || invited.DistributorName != "First" ||
			!invited.ExpiresAt.Equal(began.Add(partners.CooperationValidity)) {
			t.Fatalf("%v %+v", err, invited)
		}
		overtaken := w.must(w.apply(w.free, w.second))
		for name, row := range map[string]struct {
			err  error
			want string
		}{
			"twice":                       {second(w.invite(w.first, w.free)), "REQUEST_OPEN"},
			"the same pair from below":    {second(w.apply(w.free, w.first)), "REQUEST_OPEN"},
			"the distributor with itself": {second(w.confirm(w.first, invited.ID)), "FORBIDDEN"},
			"a stranger":                  {second(w.confirm(w.second, invited.ID)), "NOT_FOUND"},
		} {
			if why(row.err) != row.want {
				t.Errorf("%s: %v, want %s", name, row.err, row.want)
			}
		}
		w.at = began.Add(time.Hour)
		joined := w.at
		done, err := w.confirm(w.free, invited.ID)
		if err != nil || done.Request.State != models.CooperationConfirmed || done.Cooperation.DistributorID != w.first.ID || done.Cooperation.Until != nil {
			t.Fatalf("%v %+v", err, done)
		}
		if again, err := w.confirm(w.free, invited.ID); err != nil || again.Cooperation.ID != done.Cooperation.ID {
			t.Errorf("the same key again: %v %+v", err, again)
		}
		if w.parentOf(w.free) != w.first.ID || w.state(overtaken) != models.CooperationCancelled {
			t.Errorf("under %s, the other request is %s", w.parentOf(w.free), w.state(overtaken))
		}

		// The reseller asks to leave, the distributor agrees; then it asks another, which takes it on.
		w.at = began.Add(2 * time.Hour)
		left := w.at
		asked := w.must(w.askEnd(as(w.free), nil))
		if _, err := w.confirm(w.free, asked); why(err) != "FORBIDDEN" {
			t.Errorf("the reseller agrees with itself: %v", err)
		}
		ended, err := w.confirm(w.first, asked)
		if err != nil || ended.Transfer == nil || ended.Cooperation.Until == nil || !ended.Cooperation.Until.Equal(left) || w.parentOf(w.free) != "" {
			t.Fatalf("%v %+v", err, ended)
		}
		if len(w.parted) != 1 || w.parted[0].ParentID != w.first.ID || len(w.recalled) != 1 || w.recalled[0].ID != w.free.ID {
			t.Errorf("told %+v, recalled %+v", w.parted, w.recalled)
		}
		w.at = began.Add(3 * time.Hour)
		if _, err := w.confirm(w.second, w.must(w.apply(w.free, w.second))); err != nil || w.parentOf(w.free) != w.second.ID {
			t.Fatal(err)
		}
		w.wantHistory(joined, left)

		w.wantTold()
	})
}

// wantTold wants what both sides are told of a reseller that came, left, and went to another distributor.
func (w *tree) wantTold() {
	w.t.Helper()
	want := []string{"cooperation_request.made", "cooperation.began", "cooperation_request.confirmed", "cooperation_request.made", "cooperation.ended", "cooperation_request.confirmed"}
	if diff := cmp.Diff(want, w.told(w.first)); diff != "" {
		w.t.Errorf("told the first (-want +got):\n%s", diff)
	}
	noted := w.told(w.free)
	if len(noted) != 5+3+3 || noted[0] != "noted cooperation_request.made" {
		w.t.Errorf("on the reseller's record: %v", noted)
	}
}

// wantHistory wants the free reseller to have been the first distributor's between two times and to be the second's now.
func (w *tree) wantHistory(joined, left time.Time) {
	w.t.Helper()
	find := func(who models.Principal, at *time.Time) (all []string) {
		page, err := w.FindCooperations(w.ctx, who, partners.CooperationFilter{PartnerID: &w.free.ID, At: at}, models.PageArgs{})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, row := range page.Nodes() {
			all = append(all, row.ResellerName+" of "+row.DistributorName)
		}
		return all
	}
	both := []string{"Free of Second", "Free of First"}
	for name, row := range map[string]struct {
		who  models.Principal
		at   *time.Time
		want []string
	}{
		"the reseller, ever":             {as(w.free), nil, both},
		"an operator, ever":              {operator(), nil, both},
		"the first, its own alone":       {as(w.first), nil, both[1:]},
		"the second, its own alone":      {as(w.second), nil, both[:1]},
		"a provider, nothing":            {as(w.provider), nil, nil},
		"a customer, nothing":            {models.Principal{Kind: models.CustomerUser, CustomerID: "cus_1", PartnerID: w.first.ID, Permissions: models.DefaultPermissions(models.CustomerUser, "")}, nil, nil},
		"just before the beginning":      {operator(), ptr(joined.Add(-time.Microsecond)), nil},
		"at the beginning":               {operator(), &joined, both[1:]},
		"just before the end":            {operator(), ptr(left.Add(-time.Microsecond)), both[1:]},
		"at the end":                     {operator(), &left, nil},
		"now":                            {operator(), &w.at, both[:1]},
		"an hour later for the reseller": {as(w.free), ptr(w.at.Add(time.Hour)), both[:1]},
	} {
		if diff := cmp.Diff(row.want, find(row.who, row.at)); diff != "" {
			w.t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestCooperatingIsRefused row by row (P15): each reason, all of them beside each other, and that nothing is left behind.
func TestCooperatingIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTree(t, db)
		with := func(name string, change func(*partners.CreatePartner)) models.Partner {
			cmd := command(models.CloudReseller, name, nil)
			change(&cmd)
			made, err := w.Create(w.ctx, operator(), cmd)
			if err != nil {
				t.Fatal(err)
			}
			return made
		}
		abroad := with("Abroad", func(c *partners.CreatePartner) { c.Country = "SG" })
		dollars := with("Dollars", func(c *partners.CreatePartner) { c.Currency = models.USD })
		cloudy := with("Cloudy", func(c *partners.CreatePartner) { c.Cloud = "other" })
		expired := with("Expired", func(*partners.CreatePartner) {})
		w.set(expired, "state", models.PartnerExpired)
		unknown := models.Partner{ID: w.IDs(models.PrefixPartner)}
		narrow := as(w.first)
		narrow.Permissions = []models.Permission{models.ReadPartners, models.WriteCustomers}
		restricted := create(t, w.Service, models.Distributor, "Restricted", nil)
		w.set(restricted, "state", models.PartnerRestricted)
		before := len(w.told(w.first))
		byID := func(who models.Principal, cmd partners.InviteReseller) error {
			return second(w.InviteReseller(w.ctx, who, cmd))
		}
		for name, row := range map[string]struct {
			err  error
			want string
		}{
			"a provider is invited":               {second(w.invite(w.first, w.provider)), "NOT_A_RESELLER"},
			"a distributor is invited":            {second(w.invite(w.first, w.second)), "NOT_A_RESELLER"},
			"another's reseller":                  {second(w.invite(w.second, w.own)), "RESELLER_HAS_DISTRIBUTOR"},
			"one's own reseller":                  {second(w.invite(w.first, w.own)), "RESELLER_HAS_DISTRIBUTOR"},
			"another country":                     {second(w.invite(w.first, abroad)), "OTHER_REGION"},
			"another currency":                    {second(w.invite(w.first, dollars)), "OTHER_SITE"},
			"another cloud":                       {second(w.invite(w.first, cloudy)), "OTHER_SITE"},
			"an expired reseller":                 {second(w.invite(w.first, expired)), "RESELLER_EXPIRED"},
			"a restricted distributor":            {second(w.invite(restricted, w.free)), "PARTNER_RESTRICTED"},
			"nobody":                              {second(w.invite(w.first, unknown)), "NOT_FOUND"},
			"a provider invites":                  {second(w.invite(w.provider, w.free)), "FORBIDDEN"},
			"an operator invites":                 {byID(operator(), partners.InviteReseller{ResellerID: w.free.ID, Reason: "r"}), "FORBIDDEN"},
			"without the permission":              {byID(narrow, partners.InviteReseller{ResellerID: w.free.ID, Reason: "r"}), "FORBIDDEN"},
			"without a credential":                {byID(models.Principal{}, partners.InviteReseller{ResellerID: w.free.ID, Reason: "r"}), "UNAUTHENTICATED"},
			"without a reason":                    {byID(as(w.first), partners.InviteReseller{ResellerID: w.free.ID}), "INVALID"},
			"with a reason of two lines":          {byID(as(w.first), partners.InviteReseller{ResellerID: w.free.ID, Reason: "a\nb"}), "INVALID"},
			"an id of another kind":               {byID(as(w.first), partners.InviteReseller{ResellerID: "cus_01h455vb4pex5vsknk084sn02q", Reason: "r"}), "INVALID"},
			"a provider is asked":                 {second(w.apply(w.free, w.provider)), "NOT_A_DISTRIBUTOR"},
			"a reseller with one asks another":    {second(w.apply(w.own, w.second)), "RESELLER_HAS_DISTRIBUTOR"},
			"a distributor asks":                  {second(w.apply(w.second, w.first)), "FORBIDDEN"},
			"an end without a beginning":          {second(w.askEnd(as(w.free), nil)), "NO_COOPERATION"},
			"a stranger asks for an end":          {second(w.askEnd(as(w.second), &w.own.ID)), "NOT_FOUND"},
			"an operator asks for an end":         {second(w.askEnd(operator(), &w.own.ID)), "FORBIDDEN"},
			"a request that there is not":         {second(w.confirm(w.free, w.IDs(models.PrefixCooperationRequest))), "NOT_FOUND"},
			"a distributor's own end":             {second(w.askEnd(as(w.first), nil)), "NO_COOPERATION"},
			"a provider decides":                  {w.reject(as(w.provider), w.IDs(models.PrefixCooperationRequest)), "NOT_FOUND"},
			"an id of another kind to be decided": {w.cancel(as(w.first), w.own.ID), "INVALID"},
		} {
			if why(row.err) != row.want {
				t.Errorf("%s: %v, want %s", name, row.err, row.want)
			}
		}
		// Nobody clears one hurdle to meet the next.
		all := second(w.invite(restricted, abroad))
		var refused *models.Error
		if errors.As(all, &refused); refused == nil || !cmp.Equal(refused.Details["blockers"], []string{"OTHER_REGION", "PARTNER_RESTRICTED"}) || refused.Details["suggestedAction"] == "" {
			t.Errorf("%v", all)
		}
		if models.ErrOtherRegion.Details["blockers"] != nil {
			t.Error("the shared refusal was written to")
		}
		if rows, err := db.NewSelect().Table("cooperation_requests").Count(w.ctx); err != nil || rows != 0 || len(w.told(w.first)) != before {
			t.Errorf("%v, %d requests are left behind", err, rows)
		}
		// What comes between asking and agreeing counts.
		id := w.must(w.invite(w.first, w.free))
		w.set(w.first, "state", models.PartnerRestricted)
		if _, err := w.confirm(w.free, id); why(err) != "PARTNER_RESTRICTED" || w.state(id) != models.CooperationRequested || w.parentOf(w.free) != "" {
			t.Errorf("%v %s", err, w.state(id))
		}
	})
}

// TestCooperationRequestsEndOtherwise: rejected, cancelled, expired, each once and by the right side.
func TestCooperationRequestsEndOtherwise(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTree(t, db)
		closed := func(id models.ID, want string) {
			t.Helper()
			for name, err := range map[string]error{"reject": w.reject(as(w.free), id), "cancel": w.cancel(as(w.first), id), "confirm": second(w.confirm(w.free, id))} {
				if why(err) != want {
					t.Errorf("%s: %v, want %s", name, err, want)
				}
			}
		}
		id := w.must(w.invite(w.first, w.free))
		if err := w.reject(as(w.first), id); why(err) != "FORBIDDEN" {
			t.Errorf("rejecting one's own: %v", err)
		}
		if err := w.cancel(as(w.free), id); why(err) != "FORBIDDEN" {
			t.Errorf("cancelling the other's: %v", err)
		}
		if err := w.reject(as(w.free), id); err != nil || w.state(id) != models.CooperationRejected {
			t.Error(err, w.state(id))
		}
		closed(id, "REQUEST_CLOSED")
		id = w.must(w.invite(w.first, w.free))
		if err := w.cancel(as(w.first), id); err != nil || w.state(id) != models.CooperationCancelled {
			t.Error(err, w.state(id))
		}
		closed(id, "REQUEST_CLOSED")
		id = w.must(w.invite(w.first, w.free))
		w.at = w.at.Add(partners.CooperationValidity - time.Microsecond)
		if err := w.SweepCooperations(w.ctx); err != nil || w.state(id) != models.CooperationRequested {
			t.Errorf("a moment early: %v %s", err, w.state(id))
		}
		w.at = w.at.Add(time.Microsecond)
		closed(id, "REQUEST_EXPIRED")
		if err := w.SweepCooperations(w.ctx); err != nil || w.state(id) != models.CooperationExpired {
			t.Error(err, w.state(id))
		}
		closed(id, "REQUEST_EXPIRED")
		id = w.must(w.invite(w.first, w.free))
		w.at = w.at.Add(partners.CooperationValidity)
		if w.must(w.invite(w.first, w.free)); w.state(id) != models.CooperationExpired {
			t.Errorf("the overdue one stands in the way: %s", w.state(id))
		}
		page, err := w.FindCooperationRequests(w.ctx, as(w.free), partners.CooperationRequestFilter{States: []models.CooperationRequestState{models.CooperationExpired}}, models.PageArgs{WantTotal: true})
		if err != nil || *page.TotalCount != 2 || page.Nodes()[0].ResellerName != "Free" {
			t.Errorf("%v %+v", err, page)
		}
		if page, err := w.FindCooperationRequests(w.ctx, as(w.second), partners.CooperationRequestFilter{PartnerID: &w.free.ID}, models.PageArgs{}); err != nil || len(page.Edges) != 0 {
			t.Errorf("a stranger finds %+v %v", page, err)
		}
	})
}

// TestOperatorsEndCooperations: exactly once, and what the money refuses leaves nothing behind.
func TestOperatorsEndCooperations(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTree(t, db)
		end := func(who models.Principal, whom models.ID, key string) (partners.EndedCooperation, error) {
			return w.EndCooperation(w.ctx, who, partners.EndCooperation{ResellerID: whom, Reason: "moved away", IdempotencyKey: key})
		}
		open := w.must(w.askEnd(as(w.first), &w.own.ID))
		w.refused = models.Precondition("HELD_MONEY", "no")
		if _, err := end(operator(), w.own.ID, "1"); why(err) != "HELD_MONEY" || w.parentOf(w.own) != w.first.ID || w.state(open) != models.CooperationRequested {
			t.Errorf("%v, under %q, %s", err, w.parentOf(w.own), w.state(open))
		}
		w.refused = nil
		for name, row := range map[string]struct {
			err  error
			want string
		}{
			"a distributor":      {second(end(as(w.first), w.own.ID, "2")), "FORBIDDEN"},
			"nobody's reseller":  {second(end(operator(), w.free.ID, "3")), "NO_COOPERATION"},
			"a provider":         {second(end(operator(), w.provider.ID, "4")), "NO_COOPERATION"},
			"an unknown partner": {second(end(operator(), w.IDs(models.PrefixPartner), "5")), "NOT_FOUND"},
			"without a key":      {second(end(operator(), w.own.ID, "")), "INVALID"},
		} {
			if why(row.err) != row.want {
				t.Errorf("%s: %v, want %s", name, row.err, row.want)
			}
		}
		done, err := end(operator(), w.own.ID, "1")
		if err != nil || done.Transfer == nil || done.Cooperation.ResellerID != w.own.ID || w.parentOf(w.own) != "" || w.state(open) != models.CooperationCancelled {
			t.Fatalf("%v %+v", err, done)
		}
		if again, err := end(operator(), w.own.ID, "1"); err != nil || again.Cooperation.ID != done.Cooperation.ID || len(w.recalled) != 2 {
			t.Errorf("again: %v %+v, %d recalls", err, again, len(w.recalled))
		}
		if _, err := end(operator(), w.own.ID, "6"); why(err) != "NO_COOPERATION" {
			t.Errorf("twice: %v", err)
		}
	})
}

// TestOneDistributorWins: of two that take a reseller on at once, one does.
func TestOneDistributorWins(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTree(t, db)
		both := []models.Partner{w.first, w.second}
		requests, outcomes := make([]models.ID, len(both)), make([]error, len(both))
		for i, distributor := range both {
			requests[i] = w.must(w.apply(w.free, distributor))
		}
		var group sync.WaitGroup
		for i, distributor := range both {
			group.Go(func() { outcomes[i] = second(w.confirm(distributor, requests[i])) })
		}
		group.Wait()
		won := 0
		for i, err := range outcomes {
			switch why(err) {
			case "":
				won++
			case "REQUEST_CLOSED": // the other's cancelled it
			default:
				t.Errorf("%d: %v", i, err)
			}
		}
		if rows, err := db.NewSelect().Model((*models.Cooperation)(nil)).Where("reseller_id = ?", w.free.ID).Count(w.ctx); err != nil || won != 1 || rows != 1 {
			t.Errorf("%d have won, %d cooperations, %v", won, rows, err)
		}
	})
}

// TestResellersHaveAccountManagers is P15: assigned, replaced, retracted, and gone with the cooperation; nobody but the distributor learns of it.
func TestResellersHaveAccountManagers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTree(t, db)
		person := func(name string, of models.Partner, state models.UserState) models.ID {
			u := models.User{
				ID: w.IDs(models.PrefixUser), LoginName: name, Kind: models.PartnerMember, PartnerID: of.ID, State: state, CreatedAt: w.at, UpdatedAt: w.at,
			}
			if _, err := db.NewInsert().Model(&u).Exec(w.ctx); err != nil {
				t.Fatal(err)
			}
			return u.ID
		}
		anna, bert := person("anna", w.first, models.UserActive), person("bert", w.first, models.UserActive)
		gone, theirs := person("gone", w.first, models.UserDisabled), person("theirs", w.second, models.UserActive)
		assign := func(who models.Principal, reseller, user models.ID) error {
			_, err := w.AssignManager(w.ctx, who, partners.AssignResellerManager{ResellerID: reseller, UserID: user})
			return err
		}
		retract := func(who models.Principal) error {
			_, err := w.RetractManager(w.ctx, who, partners.RetractResellerManager{ResellerID: w.own.ID})
			return err
		}
		if err := retract(as(w.first)); why(err) != "NO_ACCOUNT_MANAGER" {
			t.Errorf("nobody: %v", err)
		}
		for _, row := range []struct {
			name string
			err  error
			want string
		}{
			{"a disabled person", assign(as(w.first), w.own.ID, gone), "PERSON_DISABLED"},
			{"another's person", assign(as(w.first), w.own.ID, theirs), "NOT_FOUND"},
			{"another's reseller", assign(as(w.second), w.own.ID, theirs), "NOT_FOUND"},
			{"the reseller itself", assign(as(w.own), w.own.ID, anna), "FORBIDDEN"},
			{"no reseller", assign(as(w.first), w.provider.ID, anna), "NOT_FOUND"},
			{"anna", assign(as(w.first), w.own.ID, anna), ""},
			{"anna again", assign(as(w.first), w.own.ID, anna), ""},
		} {
			if why(row.err) != row.want {
				t.Errorf("%s: %v, want %q", row.name, row.err, row.want)
			}
		}
		w.at = w.at.Add(time.Hour)
		if err := assign(as(w.first), w.own.ID, bert); err != nil {
			t.Fatal(err)
		}
		history := func(who models.Principal) (names []string) {
			found, err := w.ManagerHistoryFor(w.ctx, who, []models.ID{w.own.ID})
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range found[w.own.ID] {
				names = append(names, fmt.Sprint(row.LoginName, " ", row.Until == nil))
			}
			return names
		}
		present := func(who models.Principal) string {
			found, err := w.ManagersFor(w.ctx, who, []models.ID{w.own.ID})
			if err != nil {
				t.Fatal(err)
			}
			return found[w.own.ID].LoginName
		}
		for name, row := range map[string]struct {
			who     models.Principal
			present string
			history []string
		}{
			"the distributor": {as(w.first), "bert", []string{"bert true", "anna false"}}, "an operator": {operator(), "bert", []string{"bert true", "anna false"}},
			"the reseller": {as(w.own), "", nil}, "a stranger": {as(w.second), "", nil},
		} {
			if diff := cmp.Diff(row.history, history(row.who)); diff != "" || present(row.who) != row.present {
				t.Errorf("%s: %q, (-want +got):\n%s", name, present(row.who), diff)
			}
		}
		if err := retract(as(w.first)); err != nil || present(as(w.first)) != "" {
			t.Error(err)
		}
		if err := assign(as(w.first), w.own.ID, anna); err != nil {
			t.Fatal(err)
		}
		if _, err := w.EndCooperation(w.ctx, operator(), partners.EndCooperation{ResellerID: w.own.ID, Reason: "r", IdempotencyKey: "e"}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"anna false", "bert false", "anna false"}, history(as(w.first))); diff != "" {
			t.Errorf("after the end (-want +got):\n%s", diff)
		}
	})
}
