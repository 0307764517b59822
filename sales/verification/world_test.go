package verification_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"image"
	"image/png"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/files/filestest"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/verification"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
)

// world is a distributor with a reseller, a solution provider and a stranger, and what stands for the edges of the network.
type world struct {
	*verification.Service
	t    *testing.T
	at   time.Time
	kept *filestest.Memory
	// off are the partners whose platform has the switch off; bucket is what is in everybody's bucket, by path; read counts its reads.
	off    map[models.ID]bool
	bucket map[string][]byte
	read   int
	// codes sends what goes to email, the address of every customer; letter is the newest one. asked counts the calls of the authority, and
	// answer is what it says.
	codes  *identity.Codes
	email  *string
	letter string
	asked  int
	answer verification.Answer
	broken error // of the authority

	distributor, reseller, provider, stranger models.Partner
	serial                                    int
}

func (w *world) ForPartner(_ context.Context, partnerID models.ID) (models.AccessConfiguration, bool, error) {
	return models.AccessConfiguration{AttachmentUpload: !w.off[partnerID]}, partnerID != "", nil
}

func (w *world) OpenAttachment(_ context.Context, _ models.ID, path string) (io.ReadCloser, error) {
	w.read++
	if w.bucket == nil {
		return nil, exposure.ErrNoBucket
	}
	content, ok := w.bucket[path]
	if !ok {
		return nil, exposure.ErrAttachmentMissing
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func (w *world) EmailOfIn(context.Context, bun.IDB, models.ID) (*string, error) { return w.email, nil }

func (w *world) SendCode(_ context.Context, message identity.CodeMessage) (bool, error) {
	w.letter = message.Letter.Subject
	return false, nil
}

// code has somebody ask for a customer's code, and returns it from the letter, past the throttles for the next one.
func (w *world) code(ask func() error) string {
	w.t.Helper()
	if err := ask(); err != nil {
		w.t.Fatal(err)
	}
	if err := w.codes.SendCode(w.t.Context(), w.lastEvent(models.EventCodeRequested)); err != nil {
		w.t.Fatal(err)
	}
	w.at = w.at.Add(models.CodePause)
	return sixDigits.FindString(w.letter)
}

var sixDigits = regexp.MustCompile("[0-9]{6}")

func (w *world) lastEvent(kind models.EventType) (happened models.Event) {
	w.t.Helper()
	err := w.DB.NewSelect().Model(&happened).Where("ev.type = ?", kind).Order("ev.id DESC").Limit(1).Scan(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return happened
}

func (w *world) Ask(context.Context, models.Verification) (verification.Answer, error) {
	w.asked++
	return w.answer, w.broken
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	sealer, err := seal.New("test:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), kept: &filestest.Memory{}, off: map[models.ID]bool{}}
	now, ids := func() time.Time { return w.at }, models.RandomIDs()
	recorder := &events.Recorder{IDs: ids, Now: now}
	log := slog.New(slog.DiscardHandler)
	w.Service = &verification.Service{
		DB: db, Now: now, IDs: ids, Events: recorder, Seal: sealer, Platforms: w, Logger: log,
		Customers: &customers.Service{DB: db, Now: now, IDs: ids, Events: recorder, Seal: sealer},
	}
	w.Files = &files.Service{
		DB: db, Now: now, IDs: ids, Events: recorder, Objects: w.kept, Gate: w.Service, Random: rand.Reader, Origin: "https://sales.example.com",
		TempDir: t.TempDir(), Logger: log,
	}
	w.codes = &identity.Codes{
		DB: db, Now: now, IDs: ids, Events: recorder, Random: rand.Reader, Seal: sealer, Addresses: w, Sender: w, Logger: log,
	}
	w.Codes, w.email = w.codes, ptr("mei@example.com")
	w.distributor = w.partner(models.Distributor, "")
	w.reseller = w.partner(models.CloudReseller, w.distributor.ID)
	w.provider = w.partner(models.SolutionProvider, "")
	w.stranger = w.partner(models.SolutionProvider, "")
	return w
}

func (w *world) partner(kind models.PartnerKind, parent models.ID) models.Partner {
	w.t.Helper()
	p := models.Partner{
		ID: w.IDs(models.PrefixPartner), Cloud: "hwc", Kind: kind, Name: string(kind), Level: models.LevelStandard, State: models.PartnerActive,
		ParentID: parent, Country: "CN", SigningEntity: "CN", Currency: models.CNY, CreatedAt: w.at, UpdatedAt: w.at,
	}
	if _, err := w.DB.NewInsert().Model(&p).Exec(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// customer makes a customer of a partner, or of none, in a state of verification.
func (w *world) customer(partner models.ID, status models.VerifiedStatus, kind models.CustomerKind) models.Customer {
	w.t.Helper()
	w.serial++
	c := models.Customer{
		ID: w.IDs(models.PrefixCustomer), Cloud: "hwc", Name: "customer-" + string(rune('a'+w.serial)), Kind: kind, VerifiedStatus: status,
		Frozen: models.NotFrozen, Currency: models.CNY, PartnerID: partner, Mode: models.Resale, CreatedAt: w.at, UpdatedAt: w.at,
	}
	if partner == "" {
		c.Mode = ""
	}
	if _, err := w.DB.NewInsert().Model(&c).Exec(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// now is the customer's row as it is, with its real name open.
func (w *world) now(id models.ID) models.Customer {
	w.t.Helper()
	found, err := w.Customers.ByIDs(w.t.Context(), operator(), []models.ID{id})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[id]
}

// upload brings a picture of its own size and returns its id.
func (w *world) upload(who models.Principal) models.ID {
	w.t.Helper()
	w.serial++
	content := picture(w.serial)
	created, err := w.Files.Create(w.t.Context(), who, files.CreateUpload{
		Purpose: models.UploadAttachment, FileName: "x.png", ContentType: "image/png", Size: int64(len(content)),
	})
	if err == nil {
		_, token, _ := strings.Cut(created.URL, "/uploads/")
		_, err = w.Files.Receive(w.t.Context(), who, token, -1, "", bytes.NewReader(content))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return created.UploadID
}

func (w *world) attachments(who models.Principal, n int) (all []verification.Attachment) {
	for range n {
		id := w.upload(who)
		all = append(all, verification.Attachment{UploadID: &id})
	}
	return all
}

// individual is a complete application of a person.
func (w *world) individual(who models.Principal, customer models.ID) verification.SubmitIndividual {
	document := models.DocumentPassport
	return verification.SubmitIndividual{
		CustomerID: customer, IdentifyType: models.IdentifyByDocument, DocumentType: &document, Name: "Li Lei", Number: "E12345678",
		Attachments: w.attachments(who, 3),
	}
}

func (w *world) enterprise(who models.Principal, customer models.ID) verification.SubmitEnterprise {
	legal := "Han Meimei"
	return verification.SubmitEnterprise{
		CustomerID: customer, CertificateType: models.CertificateLicence, Name: "Example Limited", Number: "91310000MA1FL0000X", LegalName: &legal,
		Attachments: w.attachments(who, 3),
	}
}

func picture(width int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, 5))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func operator() models.Principal {
	return models.Principal{Kind: models.Operator, UserID: "usr_operator", Permissions: models.AllPermissions()}
}

func as(p models.Partner) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, PartnerID: p.ID, PartnerKind: p.Kind, Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind),
	}
}

func asCustomer(c models.Customer) models.Principal {
	return models.Principal{Kind: models.CustomerUser, CustomerID: c.ID, Permissions: models.DefaultPermissions(models.CustomerUser, "")}
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
