package orders_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/resources"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// paidOrder places and pays an order of two servers with a disk each.
func paidOrder(t *testing.T, w *world) models.Order {
	t.Helper()
	w.give(w.ofProvider, 100)
	paid, err := w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: w.place(w.ofProvider, 100).ID, IdempotencyKey: "pay"})
	if err != nil {
		t.Fatal(err)
	}
	return paid.Order
}

func paymentOf(order models.Order) models.Event {
	return models.Event{Type: models.EventOrderPaid, SubjectID: string(order.ID)}
}

func TestProvisionThroughTheOutbox(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		order := paidOrder(t, w)
		relay := &events.Relay{DB: db, Consumer: orders.ConsumerProvision, Handle: w.Provision, Now: w.Now, Logger: w.Logger}
		if _, err := relay.Deliver(w.ctx); err != nil {
			t.Fatal(err)
		}
		done, err := w.ByIDs(w.ctx, asCustomer(w.ofProvider), []models.ID{order.ID})
		if err != nil || done[order.ID].Status != models.OrderCompleted || done[order.ID].CompletedAt == nil {
			t.Errorf("order: %+v, %v", done[order.ID], err)
		}
		made, err := w.Resources.FindForOrders(w.ctx, asPartner(w.provider), []models.ID{order.ID})
		if err != nil || len(made[order.ID]) != 4 {
			t.Fatalf("%d resources, want 4: %v", len(made[order.ID]), err)
		}
		ends := w.Now().AddDate(0, 3, 0)
		disks := map[models.ID]int{}
		for _, r := range made[order.ID] {
			if r.Status != models.ResourceInUse || r.PartnerID != w.provider.ID || r.ExpiresAt == nil || !r.ExpiresAt.Equal(ends) {
				t.Errorf("resource: %+v", r)
			}
			if !r.IsMain() {
				disks[r.ParentID]++
			}
		}
		subs, err := w.Resources.SubResourcesFor(w.ctx, asCustomer(w.ofProvider), keys(disks))
		if err != nil || len(disks) != 2 || len(subs) != 2 {
			t.Errorf("disks per server: %v, %d subs, %v", disks, len(subs), err)
		}
		var left int
		if left, err = count(w, (*models.OutboxRow)(nil)); err != nil || left != 0 {
			t.Errorf("%d rows left in the outbox, %v", left, err)
		}
	})
}

func TestProvisionTwiceMakesEverythingOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		order := paidOrder(t, w)
		errs := make([]error, 4)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { errs[i] = w.Provision(w.ctx, paymentOf(order)) })
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
		if n, err := count(w, (*models.Resource)(nil)); err != nil || n != 4 {
			t.Errorf("%d resources, want 4: %v", n, err)
		}
	})
}

func TestProvisionLeavesAloneWhatIsNotPaid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		if err := w.Provision(w.ctx, paymentOf(w.place(w.ofProvider, 1))); err != nil {
			t.Error(err)
		}
		if n, err := count(w, (*models.Resource)(nil)); err != nil || n != 0 {
			t.Errorf("%d resources for an order that waits for payment: %v", n, err)
		}
		if err := w.Provision(w.ctx, paymentOf(models.Order{ID: w.IDs(models.PrefixOrder)})); err == nil {
			t.Error("an order that does not exist was provisioned")
		}
	})
}

// cloud is a Driver that changes what the simulator makes.
type cloud func([]orders.Created) ([]orders.Created, error)

func (c cloud) Create(ctx context.Context, request orders.ProvisionRequest) ([]orders.Created, error) {
	made, err := orders.Simulator{}.Create(ctx, request)
	if err != nil {
		return nil, err
	}
	return c(made)
}

func (c cloud) Alter(context.Context, orders.AlterRequest) error { return nil }

func (c cloud) Release(context.Context, orders.ReleaseRequest) error { return nil }

func TestProvisionWaitsForTheWholeOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		order := paidOrder(t, w)
		for name, driver := range map[string]cloud{
			"down":             func([]orders.Created) ([]orders.Created, error) { return nil, errors.New("cloud is down") },
			"one disk missing": func(made []orders.Created) ([]orders.Created, error) { return made[:3], nil },
			"nothing":          func([]orders.Created) ([]orders.Created, error) { return nil, nil },
			"one too many":     func(made []orders.Created) ([]orders.Created, error) { return append(made, made[0]), nil },
			"without an id":    func(made []orders.Created) ([]orders.Created, error) { made[0].CloudID = ""; return made, nil },
			"a disk of no server": func(made []orders.Created) ([]orders.Created, error) {
				made[1].ParentCloudID = "elsewhere"
				return made, nil
			},
			"something else": func(made []orders.Created) ([]orders.Created, error) {
				made[0].OrderItemID = "itm_other"
				return made, nil
			},
		} {
			w.Driver = driver
			if err := w.Provision(w.ctx, paymentOf(order)); err == nil {
				t.Errorf("%s: no error", name)
			}
			if n, err := count(w, (*models.Resource)(nil)); err != nil || n != 0 {
				t.Errorf("%s: %d resources written, %v", name, n, err)
			}
		}
		w.Driver = orders.Simulator{}
		if err := w.Provision(w.ctx, paymentOf(order)); err != nil {
			t.Errorf("once the cloud is back: %v", err)
		}
		found, err := w.Resources.Find(w.ctx, operator(), resources.ResourceFilter{OnlyMain: ptr(true)}, models.PageArgs{})
		if err != nil || len(found.Edges) != 2 {
			t.Errorf("%d servers, want 2: %v", len(found.Edges), err)
		}
	})
}

func TestSimulatorMakesTheSameAgain(t *testing.T) {
	t.Parallel()
	request := orders.ProvisionRequest{Items: []models.OrderItem{
		{ID: "itm_a", ResourceType: "hws.resource.type.vm", Quantity: 3}, {ID: "itm_b", ParentID: "itm_a", ResourceType: "volume", Quantity: 2},
	}}
	first, err := orders.Simulator{}.Create(t.Context(), request)
	if err != nil || len(first) != 9 {
		t.Fatalf("%d made, want 3 mains with 2 parts each: %v", len(first), err)
	}
	again, err := orders.Simulator{}.Create(t.Context(), request)
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	seen := map[string]bool{}
	for _, c := range first {
		seen[c.CloudID] = true
	}
	if len(seen) != 9 {
		t.Errorf("%d different ids of 9", len(seen))
	}
}

func TestOneOffResourcesDoNotExpire(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		item := server(0)
		item.PeriodType, item.PeriodCount = models.PeriodOneOff, 1
		order, err := w.Place(w.ctx, system(), orders.PlaceOrder{CustomerID: w.ofProvider.ID, Items: []orders.PlaceItem{item}, PayBy: ptr(w.Now().Add(time.Hour))})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = w.Pay(w.ctx, asCustomer(w.ofProvider), orders.PayOrder{OrderID: order.ID, IdempotencyKey: "k"}); err != nil {
			t.Fatal(err)
		}
		if err := w.Provision(w.ctx, paymentOf(order)); err != nil {
			t.Fatal(err)
		}
		made, err := w.Resources.FindForOrders(w.ctx, operator(), []models.ID{order.ID})
		if err != nil || len(made[order.ID]) != 4 || made[order.ID][0].ExpiresAt != nil || made[order.ID][1].ExpiresAt != nil {
			t.Errorf("%+v, %v", made[order.ID], err)
		}
	})
}

func count(w *world, model any) (int, error) {
	n, err := w.DB.NewSelect().Model(model).Count(w.ctx)
	return int(n), err
}

func keys(m map[models.ID]int) []models.ID {
	var ids []models.ID
	for id := range m {
		ids = append(ids, id)
	}
	return ids
}

// TestWhatComesAfterTheEndIsTheCustomersAlone: an order that was paid before its customer left is delivered, and the former
// partner does not see what it brings (C14).
func TestWhatComesAfterTheEndIsTheCustomersAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		order := paidOrder(t, w)
		if _, err := db.NewUpdate().Table("customers").Set("partner_id = NULL, mode = NULL").Where("id = ?", w.ofProvider.ID).Exec(w.ctx); err != nil {
			t.Fatal(err)
		}
		if err := w.Provision(w.ctx, paymentOf(order)); err != nil {
			t.Fatal(err)
		}
		former, err := w.Resources.FindForOrders(w.ctx, asPartner(w.provider), []models.ID{order.ID})
		own, ownErr := w.Resources.FindForOrders(w.ctx, asCustomer(w.ofProvider), []models.ID{order.ID})
		if err != nil || ownErr != nil || len(former[order.ID]) != 0 || len(own[order.ID]) != 4 {
			t.Errorf("the former partner sees %d, the customer %d: %v, %v", len(former[order.ID]), len(own[order.ID]), err, ownErr)
		}
		kept, err := w.ByIDs(w.ctx, asPartner(w.provider), []models.ID{order.ID})
		if err != nil || kept[order.ID].Status != models.OrderCompleted {
			t.Errorf("the order, which its money paid: %+v, %v", kept[order.ID], err)
		}
	})
}
