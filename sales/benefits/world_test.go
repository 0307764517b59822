package benefits_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/benefits"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/files/filestest"
	"github.com/partnergraph/partnergraph/store"
)

// world is a solution provider, a distributor with a reseller, and a stranger; the first two are on the service path. It answers for orders and keeps
// what is scheduled.
type world struct {
	*benefits.Service
	t    *testing.T
	ctx  context.Context
	at   time.Time
	kept *filestest.Memory

	mu     sync.Mutex
	due    map[models.ID]time.Time
	orders map[models.ID]models.Order
	serial int

	provider, distributor, reseller, stranger models.Partner
}

func (w *world) ScheduleManyIn(_ context.Context, _ bun.IDB, kind models.JobKind, all []models.Due) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range all {
		if kind != models.JobBenefitLapse {
			return fmt.Errorf("%s is scheduled as %s", one.Object, kind)
		}
		w.due[one.Object] = one.At
	}
	return nil
}

// ByIDs answers as sales/orders does: with what the caller may see.
func (w *world) ByIDs(_ context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Order, error) {
	found := map[models.ID]models.Order{}
	for _, id := range ids {
		order, there := w.orders[id]
		if there && (who.SeesAll() || order.PartnerID == who.PartnerID || who.PartnerKind == models.Distributor && order.PartnerID == w.reseller.ID) {
			found[id] = order
		}
	}
	return found, nil
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{
		t: t, ctx: t.Context(), at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), kept: &filestest.Memory{}, due: map[models.ID]time.Time{},
		orders: map[models.ID]models.Order{},
	}
	now, ids := func() time.Time { return w.at }, models.RandomIDs()
	recorder := &events.Recorder{IDs: ids, Now: now}
	kept := &files.Service{
		DB: db, Now: now, IDs: ids, Events: recorder, Objects: w.kept, Random: rand.Reader, Origin: "https://sales.example.com", TempDir: t.TempDir(),
		Logger: slog.New(slog.DiscardHandler),
	}
	w.Service = &benefits.Service{
		DB: db, Now: now, IDs: ids, Events: recorder, Jobs: w, Files: kept, Orders: w,
	}
	w.provider = w.partner("Provider", models.SolutionProvider, "")
	w.distributor = w.partner("Distributor", models.Distributor, "")
	w.reseller = w.partner("Reseller", models.CloudReseller, w.distributor.ID)
	w.stranger = w.partner("Stranger", models.SolutionProvider, "")
	for _, p := range []models.Partner{w.provider, w.distributor} {
		_, err := w.SetStanding(w.ctx, operator(), benefits.SetStanding{PartnerID: p.ID, Path: ptr(models.PathService), Stage: ptr(models.StageCertified)})
		w.must(err)
	}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) partner(name string, kind models.PartnerKind, parent models.ID) models.Partner {
	w.t.Helper()
	p := models.Partner{
		ID: w.IDs(models.PrefixPartner), Cloud: "hwc", Kind: kind, Name: name, Level: models.LevelLeading, State: models.PartnerActive,
		ParentID: parent, Country: "CN", SigningEntity: "CN", Currency: models.CNY, CreatedAt: w.at, UpdatedAt: w.at,
	}
	_, err := w.DB.NewInsert().Model(&p).Exec(w.ctx)
	w.must(err)
	return p
}

// order writes an order down that a partner's customer has.
func (w *world) order(partner models.ID) models.ID {
	w.t.Helper()
	w.serial++
	c := models.Customer{
		ID: w.IDs(models.PrefixCustomer), Cloud: "hwc", Name: fmt.Sprintf("customer-%d", w.serial), Kind: models.Enterprise, VerifiedStatus: models.NotVerified,
		Frozen: models.NotFrozen, Currency: models.CNY, PartnerID: partner, Mode: models.Resale, CreatedAt: w.at, UpdatedAt: w.at,
	}
	o := models.Order{
		ID: w.IDs(models.PrefixOrder), Cloud: "hwc", CustomerID: c.ID, PartnerID: partner, Status: models.OrderPendingPayment, Type: models.OrderNew,
		Source: models.PlacedByCustomer, Currency: models.CNY, TotalMinor: 100, OfficialMinor: 100, CreatedAt: w.at, UpdatedAt: w.at,
	}
	o.Number = string(o.ID)
	for _, row := range []any{&c, &o} {
		_, err := w.DB.NewInsert().Model(row).Exec(w.ctx)
		w.must(err)
	}
	w.orders[o.ID] = o
	return o.ID
}

// certify has a partner apply for a tag, and grants it.
func (w *world) certify(p models.Partner, tag string) models.CapabilityStatus {
	w.t.Helper()
	applied, err := w.ApplyForCapability(w.ctx, as(p), benefits.ApplyForCapability{TagCode: tag})
	w.must(err)
	granted, err := w.DecideCapability(w.ctx, operator(), benefits.DecideCapability{CapabilityID: *applied.PartnerCapability.CapabilityID(), Granted: true})
	w.must(err)
	return granted.PartnerCapability
}

// draft begins an application for the uplift incentive of a tag.
func (w *world) draft(p models.Partner, tag string) models.BenefitApplication {
	w.t.Helper()
	done, err := w.DraftUplift(w.ctx, as(p), benefits.DraftUplift{TagCode: tag, Form: models.UpliftCash})
	w.must(err)
	return done.BenefitApplication
}

func (w *world) request(p models.Partner, amount string) (models.BenefitApplication, error) {
	done, err := w.RequestMDF(w.ctx, as(p), benefits.RequestMDF{Amount: decimal.RequireFromString(amount), Purpose: "A fair", From: "2026-12-01", Until: "2026-12-03"})
	return done.BenefitApplication, err
}

// upload brings a picture of its own size and returns its id.
func (w *world) upload(who models.Principal) models.ID {
	w.t.Helper()
	w.serial++
	var b bytes.Buffer
	w.must(png.Encode(&b, image.NewGray(image.Rect(0, 0, w.serial, 5))))
	created, err := w.Files.Create(w.ctx, who, files.CreateUpload{Purpose: models.UploadProof, FileName: "x.png", ContentType: "image/png", Size: int64(b.Len())})
	w.must(err)
	_, token, _ := strings.Cut(created.URL, "/uploads/")
	_, err = w.Files.Receive(w.ctx, who, token, -1, "", &b)
	w.must(err)
	return created.UploadID
}

// happened counts the events of a type about a subject.
func (w *world) happened(what models.EventType, subject models.ID) int {
	w.t.Helper()
	n, err := w.DB.NewSelect().Model((*models.Event)(nil)).Where("ev.type = ? AND ev.subject_id = ?", what, subject).Count(w.ctx)
	w.must(err)
	return int(n)
}

func operator() models.Principal {
	return models.Principal{Kind: models.Operator, UserID: "usr_operator", Permissions: models.AllPermissions(), RequestID: "test"}
}

func as(p models.Partner) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, KeyID: "key_" + p.ID, PartnerID: p.ID, PartnerKind: p.Kind, RequestID: "test",
		Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind),
	}
}

// without is the principal without a permission.
func without(who models.Principal, permission models.Permission) models.Principal {
	var left []models.Permission
	for _, p := range who.Permissions {
		if p != permission {
			left = append(left, p)
		}
	}
	who.Permissions = left
	return who
}

func ptr[T any](v T) *T { return &v }

// reasonOf is the machine-readable reason of a refusal, or its code and field where it has none; "" for nil.
func reasonOf(err error) string {
	var e *models.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e) && e.Reason() != "":
		return e.Reason()
	case e != nil && e.Field != "":
		return string(e.Code) + " " + e.Field
	}
	return string(models.CodeOf(err))
}

// together runs n calls at once.
func together(n int, call func(i int) error) []error {
	var wg sync.WaitGroup
	failures := make([]error, n)
	for i := range n {
		wg.Go(func() { failures[i] = call(i) })
	}
	wg.Wait()
	return failures
}
