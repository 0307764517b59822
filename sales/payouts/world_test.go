package payouts_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/files/filestest"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/payouts"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
)

// world is a distributor with a reseller, and two solution providers.
type world struct {
	*payouts.Service
	t    *testing.T
	kept *filestest.Memory

	funds *funds.Service
	due   map[models.ID]time.Time // jobs of payouts

	mu     sync.Mutex
	at     time.Time
	serial int

	distributor, reseller, provider, stranger models.Partner
}

// MayAttach is asked for other purposes only.
func (w *world) MayAttach(context.Context, models.Principal) error { return errors.New("not this one") }

// ScheduleIn remembers what is to be done at its time.
func (w *world) ScheduleIn(_ context.Context, _ bun.IDB, kind models.JobKind, object models.ID, due time.Time) error {
	if kind != models.JobPayoutDue {
		return fmt.Errorf("%s is scheduled", kind)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due[object] = due
	return nil
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) moveTo(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = at
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	sealer, err := seal.New("test:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), kept: &filestest.Memory{}}
	ids, log := models.RandomIDs(), slog.New(slog.DiscardHandler)
	recorder := &events.Recorder{IDs: ids, Now: w.clock}
	const origin = "https://sales.example.com"
	w.Service = &payouts.Service{
		DB: db, Now: w.clock, IDs: ids, Events: recorder, Seal: sealer, Logger: log,
		Files: &files.Service{
			DB: db, Now: w.clock, IDs: ids, Events: recorder, Objects: w.kept, Gate: w, Random: rand.Reader, Origin: origin, TempDir: t.TempDir(), Logger: log,
		},
	}
	w.Ledger = &ledger.Service{DB: db, Now: w.clock, IDs: ids}
	w.Incentives = &incentives.Service{DB: db, Now: w.clock, IDs: ids, Cloud: "hwc", Events: recorder, Jobs: w, Payouts: w.Service, Ledger: w.Ledger}
	w.Quotas = &coupons.Service{DB: db, Now: w.clock, IDs: ids, Events: recorder, Ledger: w.Ledger}
	w.funds = &funds.Service{DB: db, Now: w.clock, IDs: ids, Events: recorder, Ledger: w.Ledger, Seal: sealer}
	w.Debts = w.funds
	w.due = map[models.ID]time.Time{}
	w.distributor = w.partner(models.Distributor, "")
	w.reseller = w.partner(models.CloudReseller, w.distributor.ID)
	w.provider = w.partner(models.SolutionProvider, "")
	w.stranger = w.partner(models.SolutionProvider, "")
	return w
}

func (w *world) insert(row any) {
	w.t.Helper()
	if _, err := w.DB.NewInsert().Model(row).Exec(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) partner(kind models.PartnerKind, parent models.ID) models.Partner {
	w.t.Helper()
	p := models.Partner{
		ID: w.IDs(models.PrefixPartner), Cloud: "hwc", Kind: kind, Name: string(kind), Level: models.LevelStandard, State: models.PartnerActive,
		ParentID: parent, Country: "CN", SigningEntity: "CN", Currency: models.CNY, CreatedAt: w.clock(), UpdatedAt: w.clock(),
	}
	w.insert(&p)
	return p
}

// as is a program of a partner.
func as(p models.Partner) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, PartnerID: p.ID, PartnerKind: p.Kind, KeyID: "key_partner", RequestID: "test",
		Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind),
	}
}

func operator() models.Principal {
	return models.Principal{Kind: models.Operator, KeyID: "key_operator", RequestID: "test", Permissions: models.DefaultPermissions(models.Operator, "")}
}

// without is a principal that lacks a permission.
func without(who models.Principal, permission models.Permission) models.Principal {
	var rest []models.Permission
	for _, p := range who.Permissions {
		if p != permission {
			rest = append(rest, p)
		}
	}
	who.Permissions = rest
	return who
}

// letter brings a bank letter for a partner.
func (w *world) letter(p models.Partner) models.ID {
	w.t.Helper()
	w.mu.Lock()
	w.serial++
	side := 8 + w.serial
	w.mu.Unlock()
	var content bytes.Buffer
	w.must(png.Encode(&content, image.NewGray(image.Rect(0, 0, side, 8))))
	made, err := w.Files.Create(w.t.Context(), as(p), files.CreateUpload{
		Purpose: models.UploadBankLetter, FileName: "letter.png", ContentType: "image/png", Size: int64(content.Len()),
	})
	w.must(err)
	_, token, _ := strings.Cut(made.URL, files.UploadPath)
	_, err = w.Files.Receive(w.t.Context(), as(p), token, -1, "", &content)
	w.must(err)
	return made.UploadID
}

// account is a bank account that no event, log or column may show.
func account() funds.BankCard {
	return funds.BankCard{Holder: "Secret Holdings", Number: "6222 0211 0001 9876", Bank: "Bank of Secrets"}
}

func (w *world) submission(p models.Partner) payouts.SubmitCertification {
	w.t.Helper()
	return payouts.SubmitCertification{TaxRate: amount("0.06"), Currency: models.CNY, BankCard: account(), BankLetterID: w.letter(p)}
}

func (w *world) submitted(p models.Partner) models.CommercialCertification {
	w.t.Helper()
	done, err := w.SubmitCertification(w.t.Context(), as(p), w.submission(p))
	w.must(err)
	return done.CommercialCertification
}

func (w *world) approved(p models.Partner, sent string) models.CommercialCertification {
	w.t.Helper()
	test := amount(sent)
	done, err := w.ReviewCertification(w.t.Context(), operator(), payouts.ReviewCertification{CertificationID: w.submitted(p).ID, Approve: true, TestAmount: &test})
	w.must(err)
	return done.CommercialCertification
}

func (w *world) certified(p models.Partner) models.CommercialCertification {
	w.t.Helper()
	done, err := w.ConfirmTestAmount(w.t.Context(), as(p), payouts.ConfirmTestAmount{CertificationID: w.approved(p, "0.37").ID, Amount: amount("0.37")})
	w.must(err)
	return done.CommercialCertification
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// want fails the test unless err is a refusal of this kind; "" = no error.
func (w *world) want(err error, refused string) {
	w.t.Helper()
	if got := refusal(err); got != refused {
		w.t.Errorf("got %q (%v), want %q", got, err, refused)
	}
}

// refusal is a refusal's reason, or its code with the field at fault; "" for no error.
func refusal(err error) string {
	var e *models.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e):
		return err.Error()
	case e.Reason() != "":
		return e.Reason()
	case e.Field != "":
		return string(e.Code) + " " + e.Field
	}
	return string(e.Code)
}

func amount(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func ptr[T any](v T) *T { return &v }

// atOnce runs fn n times at the same time and returns what it returned.
func atOnce(n int, fn func(i int) error) []error {
	answers := make([]error, n)
	start := make(chan struct{})
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			<-start
			answers[i] = fn(i)
		})
	}
	close(start)
	running.Wait()
	return answers
}

func read(t *testing.T, body io.ReadCloser) []byte {
	t.Helper()
	defer func() { _ = body.Close() }()
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
