package customers_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TurnIn stands for sales/resources, which lives above this room.
func (w *world) TurnIn(_ context.Context, _ bun.IDB, _ models.Principal, customer models.Customer) error {
	w.left = append(w.left, customer)
	return nil
}

func (w *world) leave(who models.Principal, c models.Customer) (models.AssociationRequest, error) {
	done, err := w.RequestDisassociation(w.ctx, who, customers.RequestDisassociation{CustomerID: &c.ID, Reason: "asked to"})
	return done.Request, err
}

func (w *world) change(who models.Principal, c models.Customer, mode models.AssociationMode) (models.AssociationRequest, error) {
	done, err := w.RequestModeSwitch(w.ctx, who, customers.RequestModeSwitch{CustomerID: &c.ID, Mode: mode, Reason: "asked to"})
	return done.Request, err
}

func (w *world) confirm(who models.Principal, id models.ID) (customers.ConfirmedRelation, error) {
	return w.ConfirmRequest(w.ctx, who, customers.ConfirmAssociationRequest{RequestID: id, IdempotencyKey: "confirm " + string(id)})
}

// TestBothSidesChangeARelation is C11 and C14: one side asks, the other agrees, history keeps what was.
func TestBothSidesChangeARelation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Turns = []customers.Turn{w}
		began := w.at
		c := w.create("changing", w.provider.ID, models.Resale)
		partner, customer := asPartner(w.provider), asCustomer(c)

		// The partner asks for the other mode, the customer agrees.
		w.at = began.Add(24 * time.Hour)
		switched := w.at
		asked, err := w.change(partner, c, models.Advisory)
		if err != nil || asked.State != models.AssociationRequested || asked.RequestedBy != models.SidePartner {
			t.Fatalf("%v %+v", err, asked)
		}
		for name, row := range map[string]struct {
			err  error
			want string
		}{
			"the partner agrees with itself": {second(w.confirm(partner, asked.ID)), "FORBIDDEN"},
			"a stranger agrees":              {second(w.confirm(asPartner(w.stranger), asked.ID)), "NOT_FOUND"},
			"an operator agrees":             {second(w.confirm(operator(), asked.ID)), "FORBIDDEN"},
			"another request":                {second(w.leave(customer, c)), "REQUEST_OPEN"},
		} {
			if reasonOf(row.err) != row.want {
				t.Errorf("%s: %v, want %s", name, row.err, row.want)
			}
		}
		if got := w.customerOf(c.ID); got.Mode != models.Resale {
			t.Fatal("it has changed before anybody agreed")
		}
		done, err := w.confirm(customer, asked.ID)
		if err != nil || done.Request.State != models.AssociationRequestConfirmed || done.Association.Mode != models.Advisory || done.Association.Source != models.SourceSwitch ||
			done.Transfer == nil || *done.Ended.Until != switched || done.Association.Since != switched {
			t.Fatalf("%v %+v", err, done)
		}
		if again, err := w.confirm(customer, asked.ID); err != nil || again.Association.ID != done.Association.ID {
			t.Errorf("the same key again: %v %+v", err, again)
		}
		if len(w.recalled) != 1 || w.recalled[0].Mode != models.Resale || len(w.left) != 1 || w.left[0].Mode != models.Advisory {
			t.Errorf("recalled %+v, turned %+v", w.recalled, w.left)
		}
		if got := w.customerOf(c.ID); got.Mode != models.Advisory || got.PartnerID != w.provider.ID {
			t.Errorf("%+v", got)
		}

		// The customer asks to leave, the partner agrees.
		w.at = began.Add(48 * time.Hour)
		left := w.at
		asked, err = w.leave(customer, c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.confirm(customer, asked.ID); reasonOf(err) != "FORBIDDEN" {
			t.Errorf("the customer agrees with itself: %v", err)
		}
		done, err = w.confirm(partner, asked.ID)
		if err != nil || done.Association != nil || w.customerOf(c.ID).PartnerID != "" || w.told(models.EventCustomerDisassociated, c.ID) != 1 {
			t.Fatalf("%v %+v", err, done)
		}

		w.wantHistory(c, began, switched, left)
	})
}

// wantHistory wants a resale customer of the provider since began that was switched to advisory and then left.
func (w *world) wantHistory(c models.Customer, began, switched, left time.Time) {
	w.t.Helper()
	t, partner, customer := w.t, asPartner(w.provider), asCustomer(c)
	// Who was whose in which mode on any day; the former partner keeps its requests and not the customer.
	for name, row := range map[string]struct {
		at   time.Time
		want models.AssociationMode
	}{
		"before": {began.Add(-time.Microsecond), ""}, "at the beginning": {began, models.Resale}, "just before the change": {switched.Add(-time.Microsecond), models.Resale},
		"at the change": {switched, models.Advisory}, "just before the end": {left.Add(-time.Microsecond), models.Advisory}, "at the end": {left, ""},
	} {
		for _, who := range []models.Principal{operator(), customer, partner} {
			found, err := w.AssociationsAt(w.ctx, who, []models.ID{c.ID}, row.at)
			if err != nil || found[c.ID].Mode != row.want {
				t.Errorf("%s as %s: %v, %q", name, who.Kind, err, found[c.ID].Mode)
			}
		}
		if found, err := w.AssociationsAt(w.ctx, asPartner(w.stranger), []models.ID{c.ID}, row.at); err != nil || len(found) != 0 {
			t.Errorf("%s: a stranger sees %v %v", name, err, found)
		}
	}
	history, err := w.HistoryFor(w.ctx, customer, []models.ID{c.ID}, models.PageArgs{})
	var modes []models.AssociationMode
	for _, row := range history[c.ID].Nodes() {
		modes = append(modes, row.Mode)
	}
	if diff := cmp.Diff([]models.AssociationMode{models.Advisory, models.Resale}, modes); err != nil || diff != "" {
		t.Errorf("history %v %s", err, diff)
	}
	for name, who := range map[string]models.Principal{"partner": partner, "customer": customer} {
		if found, err := w.FindRequests(w.ctx, who, customers.RequestFilter{CustomerID: &c.ID}, models.PageArgs{}); err != nil || len(found.Edges) != 2 {
			t.Errorf("%s: %v, %d requests", name, err, len(found.Edges))
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestRequestsEndOtherwise: rejected, cancelled, expired, or overtaken by the end of the association; each only once and by
// the right side.
func TestRequestsEndOtherwise(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c := w.create("staying", w.provider.ID, models.Resale)
		partner, customer := asPartner(w.provider), asCustomer(c)
		ask := func() models.ID {
			t.Helper()
			asked, err := w.leave(partner, c)
			if err != nil {
				t.Fatal(err)
			}
			return asked.ID
		}
		state := func(id models.ID) models.AssociationRequestState {
			found, err := w.RequestsByIDs(w.ctx, operator(), []models.ID{id})
			if err != nil {
				t.Fatal(err)
			}
			return found[id].State
		}
		reject := func(who models.Principal, id models.ID) error {
			_, err := w.RejectRequest(w.ctx, who, customers.RejectAssociationRequest{RequestID: id, Reason: "no"})
			return err
		}
		cancel := func(who models.Principal, id models.ID) error {
			_, err := w.CancelRequest(w.ctx, who, customers.CancelAssociationRequest{RequestID: id})
			return err
		}
		closed := func(id models.ID, want string) {
			t.Helper()
			for name, err := range map[string]error{"reject": reject(customer, id), "cancel": cancel(partner, id), "confirm": second(w.confirm(customer, id))} {
				if reasonOf(err) != want {
					t.Errorf("%s: %v, want %s", name, err, want)
				}
			}
		}
		id := ask()
		if err := reject(partner, id); reasonOf(err) != "FORBIDDEN" {
			t.Errorf("rejecting one's own: %v", err)
		}
		if err := cancel(customer, id); reasonOf(err) != "FORBIDDEN" {
			t.Errorf("cancelling the other's: %v", err)
		}
		if err := reject(customer, id); err != nil || state(id) != models.AssociationRequestRejected {
			t.Error(err, state(id))
		}
		closed(id, "REQUEST_CLOSED")
		id = ask()
		if err := cancel(partner, id); err != nil || state(id) != models.AssociationRequestCancelled {
			t.Error(err, state(id))
		}
		closed(id, "REQUEST_CLOSED")
		id = ask()
		w.at = w.at.Add(customers.RequestValidity)
		closed(id, "REQUEST_EXPIRED")
		if err := w.SweepRelations(w.ctx); err != nil || state(id) != models.AssociationRequestExpired || w.told(models.EventRelationExpired, id) != 1 {
			t.Error(err, state(id))
		}
		closed(id, "REQUEST_EXPIRED")
		id = ask()
		w.at = w.at.Add(customers.RequestValidity)
		next := ask() // the overdue one, not swept, is out of the way
		if state(id) != models.AssociationRequestExpired {
			t.Error(state(id))
		}
		if _, err := w.EndAssociation(w.ctx, operator(), customers.EndAssociation{CustomerID: c.ID, Reason: "r", IdempotencyKey: "e"}); err != nil || state(next) != models.AssociationRequestCancelled {
			t.Error(err, state(next))
		}
		closed(next, "REQUEST_CLOSED")
	})
}

// TestAskingIsRefused row by row: who is no side, what C13 and C9 find in the way, and C12.
func TestAskingIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		n := 0
		fresh := func(mode models.AssociationMode) models.Customer {
			n++
			return w.create(fmt.Sprintf("asking%02d", n), w.reseller.ID, mode)
		}
		ordering, frozen, restricted, free := fresh(models.Resale), fresh(models.Resale), fresh(models.Advisory), w.create("nobodys", "", "")
		w.ordering[ordering.ID] = true
		frozen.Frozen = models.FrozenAccount
		if _, err := db.NewUpdate().Model(&frozen).Column("frozen").WherePK().Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []models.CustomerRestrictionKind{models.RestrictFramework, models.RestrictStoredValue} {
			if _, err := w.Restrict(w.ctx, operator(), customers.RestrictCustomer{CustomerID: restricted.ID, Kind: kind, Note: "n"}); err != nil {
				t.Fatal(err)
			}
		}
		_, twice := w.Restrict(w.ctx, operator(), customers.RestrictCustomer{CustomerID: restricted.ID, Kind: models.RestrictFramework, Note: "n"})
		_, notTheirs := w.Restrict(w.ctx, asPartner(w.reseller), customers.RestrictCustomer{CustomerID: restricted.ID, Kind: models.RestrictFramework, Note: "n"})
		owing, held, gifted := fresh(models.Advisory), fresh(models.Resale), fresh(models.Advisory)
		w.account(owing, models.AccountBalance, -5, 0)
		w.account(held, models.AccountBalance, 10, 5)
		w.account(gifted, models.AccountBonus, 5, 0)
		reseller := asPartner(w.reseller)
		narrow := reseller
		narrow.Permissions = []models.Permission{models.ReadCustomers, models.WriteCustomers}
		no := customers.RequestDisassociation{}
		for name, row := range map[string]struct {
			err  error
			want string
		}{
			"a restriction twice":              {twice, "RESTRICTION_IN_FORCE"},
			"a partner restricts":              {notTheirs, "FORBIDDEN"},
			"orders that wait":                 {second(w.leave(reseller, ordering)), "PENDING_PAYMENT_ORDERS"},
			"orders that wait, as customer":    {second(w.leave(asCustomer(ordering), ordering)), "PENDING_PAYMENT_ORDERS"},
			"frozen":                           {second(w.leave(reseller, frozen)), "CUSTOMER_FROZEN"},
			"a framework contract":             {second(w.leave(reseller, restricted)), "FRAMEWORK_CONTRACT"},
			"a debt":                           {second(w.leave(reseller, owing)), "ARREARS"},
			"money set aside":                  {second(w.leave(reseller, held)), "HELD_MONEY"},
			"gifts, to resale":                 {second(w.change(reseller, gifted, models.Resale)), "RECHARGE_GIFT"},
			"the same mode":                    {second(w.change(reseller, gifted, models.Advisory)), "SAME_MODE"},
			"another mode":                     {second(w.change(reseller, gifted, "GIFT")), "INVALID"},
			"nobody's, as customer":            {second(w.leave(asCustomer(free), free)), "NOT_ASSOCIATED"},
			"nobody's, as partner":             {second(w.leave(reseller, free)), "NOT_FOUND"},
			"the distributor":                  {second(w.leave(asPartner(w.distributor), gifted)), "FORBIDDEN"},
			"a stranger":                       {second(w.leave(asPartner(w.stranger), gifted)), "NOT_FOUND"},
			"another customer":                 {second(w.leave(asCustomer(free), gifted)), "NOT_FOUND"},
			"an operator":                      {second(w.leave(operator(), gifted)), "FORBIDDEN"},
			"nobody":                           {second(w.leave(models.Principal{}, gifted)), "UNAUTHENTICATED"},
			"a person who is no administrator": {second(w.leave(narrow, gifted)), "FORBIDDEN"},
			"no reason":                        {second(w.RequestDisassociation(w.ctx, asCustomer(gifted), no)), "INVALID"},
			"no customer":                      {second(w.RequestDisassociation(w.ctx, reseller, customers.RequestDisassociation{Reason: "r"})), "INVALID"},
		} {
			if reasonOf(row.err) != row.want {
				t.Errorf("%s: %v, want %s", name, row.err, row.want)
			}
		}
		if got := w.rows("association_requests"); got[0] != 0 {
			t.Errorf("%d requests were made", got[0])
		}

		// C12: a customer once in 3 months, and its partner 3 months after that.
		c := fresh(models.Resale)
		asked, err := w.leave(asCustomer(c), c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.RejectRequest(w.ctx, reseller, customers.RejectAssociationRequest{RequestID: asked.ID, Reason: "stay"}); err != nil {
			t.Fatal(err)
		}
		for _, who := range []models.Principal{asCustomer(c), reseller} {
			if _, err := w.leave(who, c); reasonOf(err) != "ASKED_TOO_RECENTLY" {
				t.Errorf("%s again: %v", who.Kind, err)
			}
		}
		w.Throttle = models.ThrottleInternational
		if again, err := w.leave(asCustomer(c), c); err != nil {
			t.Errorf("the international site: %v", err)
		} else if _, err := w.CancelRequest(w.ctx, asCustomer(c), customers.CancelAssociationRequest{RequestID: again.ID}); err != nil {
			t.Error(err)
		}
		w.Throttle, w.at = "", w.at.AddDate(0, 3, 0)
		if _, err := w.leave(reseller, c); err != nil {
			t.Errorf("3 months later: %v", err)
		}
	})
}

// account gives a customer an account with a balance and something held of it.
func (w *world) account(c models.Customer, kind models.AccountKind, balance, held int64) {
	w.t.Helper()
	floor := int64(-100)
	if balance >= 0 {
		floor = 0
	}
	err := w.DB.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error {
		account, err := w.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCustomer, OwnerID: string(c.ID), Kind: kind, Asset: string(models.CNY), Floor: &floor})
		if err != nil {
			return err
		}
		_, err = tx.NewUpdate().Model(&account).Set("balance_minor = ?, held_minor = ?", balance, held).WherePK().Exec(ctx)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestWhatComesUpLaterStopsAConfirmation: it is judged again, and a refusal leaves everything as it was.
func TestWhatComesUpLaterStopsAConfirmation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c := w.create("patient", w.provider.ID, models.Resale)
		asked, err := w.leave(asCustomer(c), c)
		if err != nil {
			t.Fatal(err)
		}
		w.ordering[c.ID] = true
		if _, err := w.confirm(asPartner(w.provider), asked.ID); reasonOf(err) != "PENDING_PAYMENT_ORDERS" {
			t.Error(err)
		}
		w.ordering[c.ID] = false
		w.refused = models.BlockHeldMoney.Refusal() // what the accounts say once they are locked
		if _, err := w.confirm(asPartner(w.provider), asked.ID); reasonOf(err) != "HELD_MONEY" {
			t.Error(err)
		}
		if got := w.customerOf(c.ID); got.PartnerID != w.provider.ID || w.told(models.EventRelationConfirmed, asked.ID) != 0 {
			t.Errorf("%+v", got)
		}
		w.refused = nil
		if _, err := w.confirm(asPartner(w.provider), asked.ID); err != nil {
			t.Error(err)
		}
	})
}

// TestSixteenConfirmationsDoItOnce, with keys of their own, while others cancel and reject.
func TestSixteenConfirmationsDoItOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		c := w.create("contested", w.provider.ID, models.Advisory)
		asked, err := w.leave(asCustomer(c), c)
		if err != nil {
			t.Fatal(err)
		}
		errs := make([]error, 16)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				switch i % 4 {
				case 0:
					_, errs[i] = w.CancelRequest(w.ctx, asCustomer(c), customers.CancelAssociationRequest{RequestID: asked.ID})
				case 1:
					_, errs[i] = w.RejectRequest(w.ctx, asPartner(w.provider), customers.RejectAssociationRequest{RequestID: asked.ID, Reason: "no"})
				default:
					_, errs[i] = w.ConfirmRequest(w.ctx, asPartner(w.provider), customers.ConfirmAssociationRequest{RequestID: asked.ID, IdempotencyKey: fmt.Sprint("k", i)})
				}
			})
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if reasonOf(err) != "REQUEST_CLOSED" && models.CodeOf(err) != models.CodeForbidden { // the partner is none any more
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d decisions counted, want one", won)
		}
	})
}
