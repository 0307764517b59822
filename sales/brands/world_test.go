package brands_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/brands"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/files/filestest"
	"github.com/partnergraph/partnergraph/store"
)

// world is a solution provider and a distributor with a reseller, each with a customer. It answers for platforms and for the catalogue.
type world struct {
	*brands.Service
	t    *testing.T
	ctx  context.Context
	at   time.Time
	kept *filestest.Memory
	up   *files.Service

	origins  map[models.ID][]string
	services []string

	provider, distributor, reseller models.Partner
	buyer, resellersBuyer           models.Principal
}

// ForPartner answers as sales/exposure does: with the partner's own platform, or its distributor's.
func (w *world) ForPartner(_ context.Context, id models.ID) (models.AccessConfiguration, bool, error) {
	if id == w.reseller.ID {
		id = w.distributor.ID
	}
	origins, found := w.origins[id]
	return models.AccessConfiguration{PartnerID: id, AllowedOrigins: origins}, found, nil
}

func (w *world) UnknownServiceTypes(_ context.Context, codes []string) ([]string, error) {
	return slices.DeleteFunc(slices.Clone(codes), func(code string) bool { return slices.Contains(w.services, code) }), nil
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{
		t: t, ctx: t.Context(), at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), kept: &filestest.Memory{}, origins: map[models.ID][]string{},
		services: []string{"hws.service.type.ec2", "hws.service.type.ebs"},
	}
	now, ids := func() time.Time { return w.at }, models.RandomIDs()
	recorder := &events.Recorder{IDs: ids, Now: now}
	w.up = &files.Service{
		DB: db, Now: now, IDs: ids, Events: recorder, Objects: w.kept, Random: rand.Reader, Origin: "https://sales.example.com", TempDir: t.TempDir(),
		Logger: slog.New(slog.DiscardHandler),
	}
	w.Service = &brands.Service{
		DB: db, Now: now, IDs: ids, Events: recorder, Uploads: w.up, Platforms: w, Catalogue: w, Origin: "https://sales.example.com",
		Logger: slog.New(slog.DiscardHandler),
	}
	w.provider = w.partner("Provider", models.SolutionProvider, "")
	w.distributor = w.partner("Distributor", models.Distributor, "")
	w.reseller = w.partner("Reseller", models.CloudReseller, w.distributor.ID)
	w.origins[w.provider.ID] = []string{"https://shop.example.com"}
	w.buyer, w.resellersBuyer = w.customer("buyer", w.provider.ID), w.customer("second", w.reseller.ID)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) insert(row any) {
	w.t.Helper()
	_, err := w.DB.NewInsert().Model(row).Exec(w.ctx)
	w.must(err)
}

func (w *world) partner(name string, kind models.PartnerKind, parent models.ID) models.Partner {
	w.t.Helper()
	p := models.Partner{
		ID: w.IDs(models.PrefixPartner), Cloud: "hwc", Kind: kind, Name: name, Level: models.LevelLeading, State: models.PartnerActive,
		ParentID: parent, Country: "CN", SigningEntity: "CN", Currency: models.CNY, CreatedAt: w.at, UpdatedAt: w.at,
	}
	w.insert(&p)
	return p
}

func (w *world) customer(name string, partner models.ID) models.Principal {
	w.t.Helper()
	c := models.Customer{
		ID: w.IDs(models.PrefixCustomer), Cloud: "hwc", Name: name, Kind: models.Enterprise, VerifiedStatus: models.NotVerified,
		Frozen: models.NotFrozen, Currency: models.CNY, PartnerID: partner, Mode: models.Resale, CreatedAt: w.at, UpdatedAt: w.at,
	}
	w.insert(&c)
	return models.Principal{Kind: models.CustomerUser, CustomerID: c.ID, Permissions: models.DefaultPermissions(models.CustomerUser, ""), RequestID: "test"}
}

// named saves a draft that can be handed in.
func (w *world) named(p models.Partner, name string) models.BrandVersion {
	w.t.Helper()
	saved, err := w.SaveDraft(w.ctx, as(p), brands.SaveDraft{NameEN: &name, NameZH: ptr(name + "商店")})
	w.must(err)
	return saved.BrandVersion
}

// submitted saves a draft and hands it in.
func (w *world) submitted(p models.Partner, name string) models.BrandVersion {
	w.t.Helper()
	done, err := w.Submit(w.ctx, as(p), brands.Version{BrandVersionID: w.named(p, name).ID})
	w.must(err)
	return done.BrandVersion
}

// published saves a draft, hands it in and has it published.
func (w *world) published(p models.Partner, name string) models.BrandVersion {
	w.t.Helper()
	row := w.submitted(p, name)
	done, err := w.Review(w.ctx, operator(), brands.Review{BrandVersionID: row.ID, Revision: row.Revision, Publish: true})
	w.must(err)
	return done.BrandVersion
}

// seen is the name that the provider's customer sees; "" when nothing is published.
func (w *world) seen() string {
	w.t.Helper()
	brand, err := w.Published(w.ctx, w.buyer, nil)
	w.must(err)
	if brand == nil {
		return ""
	}
	return brand.NameEN()
}

// picture is a PNG of a size, with something behind its end that a picture does not need.
func picture(width, height int) []byte {
	canvas := image.NewRGBA(image.Rect(0, 0, width, height))
	canvas.Set(0, 0, color.RGBA{200, 30, 40, 255})
	var b bytes.Buffer
	if err := png.Encode(&b, canvas); err != nil {
		panic(err)
	}
	return append(b.Bytes(), "taken at 39.9N 116.4E"...)
}

// upload brings a file as the principal and returns its id.
func (w *world) upload(who models.Principal, name, contentType string, content []byte) (models.ID, error) {
	w.t.Helper()
	created, err := w.up.Create(w.ctx, who, files.CreateUpload{Purpose: models.UploadLogo, FileName: name, ContentType: contentType, Size: int64(len(content))})
	if err != nil {
		return "", err
	}
	_, token, _ := strings.Cut(created.URL, "/uploads/")
	_, err = w.up.Receive(w.ctx, who, token, -1, "", bytes.NewReader(content))
	return created.UploadID, err
}

// count counts the rows of a table of this room.
func (w *world) count(model any) int {
	w.t.Helper()
	n, err := w.DB.NewSelect().Model(model).Count(w.ctx)
	w.must(err)
	return int(n)
}

// events returns the events about a version, oldest first.
func (w *world) events(id models.ID) []models.Event {
	w.t.Helper()
	var rows []models.Event
	w.must(w.DB.NewSelect().Model(&rows).Where("ev.subject_id = ?", id).Order("ev.id").Scan(w.ctx))
	return rows
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
