package customers_test

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
)

// world is a distributor with a reseller, and two solution providers.
type world struct {
	*customers.Service
	t   *testing.T
	ctx context.Context
	at  time.Time

	// buyers are the customers that have paid an order, ordering those that may still pay one.
	buyers, ordering map[models.ID]bool
	// owing are the customers that have used something and not paid it; settling becomes one of them while its money is recalled.
	owing    map[models.ID]bool
	settling models.ID
	// recalled are the customers as RecallIn and LeaveIn were given them; refused is what RecallIn answers.
	recalled, left []models.Customer
	refused        error

	distributor, reseller, provider, stranger models.Partner
}

// HasPaid stands for sales/orders, which lives above this room.
func (w *world) HasPaid(_ context.Context, _ bun.IDB, id models.ID) (bool, error) {
	return w.buyers[id], nil
}

func (w *world) AwaitsPayment(_ context.Context, _ bun.IDB, id models.ID, _ time.Time) (bool, error) {
	return w.ordering[id], nil
}

// Owes stands for sales/billing, which lives above this room.
func (w *world) Owes(_ context.Context, _ bun.IDB, id models.ID) (bool, error) {
	return w.owing[id], nil
}

// RecallIn stands for sales/funds, which lives above this room.
func (w *world) RecallIn(_ context.Context, _ bun.IDB, _ models.Principal, customer models.Customer) (models.Recalled, error) {
	w.recalled = append(w.recalled, customer)
	if w.settling == customer.ID {
		w.owing[customer.ID] = true
	}
	return models.Recalled{Transfer: &models.Transfer{ID: "trf_recall", Kind: models.TransferRecall}}, w.refused
}

// LeaveIn stands for the rooms that keep something of a customer and its partner.
func (w *world) LeaveIn(_ context.Context, _ bun.IDB, _ models.Principal, customer models.Customer) error {
	w.left = append(w.left, customer)
	return nil
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	sealer, err := seal.New("test:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: t.Context(), at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), buyers: map[models.ID]bool{}, ordering: map[models.ID]bool{}, owing: map[models.ID]bool{}}
	now := func() time.Time { return w.at }
	ids := models.RandomIDs()
	w.Service = &customers.Service{
		DB: db, Now: now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: now}, Seal: sealer, Purchases: w,
		Ledger: &ledger.Service{DB: db, Now: now, IDs: ids}, Recall: w, Debts: w, Farewells: []customers.Farewell{w},
	}
	w.distributor = w.partner("Distributor", models.Distributor, "")
	w.reseller = w.partner("Reseller", models.CloudReseller, w.distributor.ID)
	w.provider = w.partner("Provider", models.SolutionProvider, "")
	w.stranger = w.partner("Stranger", models.SolutionProvider, "")
	return w
}

func (w *world) partner(name string, kind models.PartnerKind, parent models.ID) models.Partner {
	w.t.Helper()
	p := models.Partner{
		ID: w.IDs(models.PrefixPartner), Cloud: "hwc", Kind: kind, Name: name, Level: models.LevelStandard, State: models.PartnerActive,
		ParentID: parent, Country: "CN", SigningEntity: "CN", Currency: models.CNY, CreatedAt: w.at, UpdatedAt: w.at,
	}
	if _, err := w.DB.NewInsert().Model(&p).Exec(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) setState(p models.Partner, state models.PartnerState) {
	w.t.Helper()
	if _, err := w.DB.NewUpdate().Table("partners").Set("state = ?", state).Where("id = ?", p.ID).Exec(w.ctx); err != nil {
		w.t.Fatal(err)
	}
}

// create makes a customer of a partner, or of none.
func (w *world) create(name string, partner models.ID, mode models.AssociationMode) models.Customer {
	w.t.Helper()
	c, err := w.Create(w.ctx, operator(), customers.CreateCustomer{Name: name, PartnerID: partner, Mode: mode, Cloud: "hwc", Currency: models.CNY})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) associate(who models.Principal, cmd customers.Associate) (models.Association, error) {
	var made models.Association
	err := w.DB.InTx(w.ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		made, err = w.AssociateIn(ctx, tx, who, cmd)
		return err
	})
	return made, err
}

func operator() models.Principal {
	return models.Principal{Kind: models.Operator, UserID: "usr_operator", Permissions: models.AllPermissions()}
}

func asPartner(p models.Partner) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, PartnerID: p.ID, PartnerKind: p.Kind, Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind),
	}
}

func asCustomer(c models.Customer) models.Principal {
	return models.Principal{
		Kind: models.CustomerUser, CustomerID: c.ID, Permissions: models.DefaultPermissions(models.CustomerUser, ""),
	}
}

func ptr[T any](v T) *T { return &v }

// reasonOf returns the machine-readable reason of a refusal, or its code where it has none.
func reasonOf(err error) string {
	var e *models.Error
	if errors.As(err, &e) && e.Reason() != "" {
		return e.Reason()
	}
	return string(models.CodeOf(err))
}

func namesOf(rows []models.Customer) []string {
	var names []string
	for _, c := range rows {
		names = append(names, c.Name)
	}
	return names
}

func sorted(names []string) []string {
	names = append([]string(nil), names...)
	slices.Sort(names)
	return names
}
