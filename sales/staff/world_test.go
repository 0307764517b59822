package staff_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/staff"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
)

// world is two solution providers, and a distributor with a reseller. It schedules, and pays as the payouts would.
type world struct {
	*staff.Service
	t  *testing.T
	at time.Time

	mu        sync.Mutex
	due       map[models.ID]time.Time
	unpayable error
	credited  map[models.ID]models.Money
	serial    int

	provider, stranger, distributor, reseller models.Partner
}

func (w *world) ScheduleIn(_ context.Context, _ bun.IDB, kind models.JobKind, object models.ID, due time.Time) error {
	if kind != models.JobStaffYear {
		return fmt.Errorf("%s is scheduled", kind)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due[object] = due
	return nil
}

func (w *world) PayableIn(context.Context, bun.IDB, models.ID, models.PayoutMethod, models.Currency) error {
	return w.unpayable
}

func (w *world) CreditIn(_ context.Context, _ bun.IDB, _ models.Principal, partner, subject models.ID, amount models.Money) (models.ID, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, twice := w.credited[subject]; twice || partner == "" {
		return "", errors.New("credited twice")
	}
	w.credited[subject] = amount
	return "", nil
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	sealer, err := seal.New("test:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, at: time.Date(2026, 10, 5, 8, 0, 0, 0, time.UTC), due: map[models.ID]time.Time{}, credited: map[models.ID]models.Money{}}
	now, ids := func() time.Time { return w.at }, models.RandomIDs()
	w.Service = &staff.Service{
		DB: db, Now: now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: now}, Ledger: &ledger.Service{DB: db, Now: now, IDs: ids}, Seal: sealer,
		Payer: w, Jobs: w,
		Files: &files.Service{DB: db, Now: now, IDs: ids, Random: rand.Reader, Origin: "https://sales.example.com"},
	}
	w.provider = w.partner(models.SolutionProvider, "")
	w.stranger = w.partner(models.SolutionProvider, "")
	w.distributor = w.partner(models.Distributor, "")
	w.reseller = w.partner(models.CloudReseller, w.distributor.ID)
	return w
}

func (w *world) partner(kind models.PartnerKind, parent models.ID) models.Partner {
	w.t.Helper()
	p := models.Partner{
		ID: w.IDs(models.PrefixPartner), Cloud: "hwc", Kind: kind, Name: string(kind), Level: models.LevelLeading, State: models.PartnerActive,
		ParentID: parent, Country: "CN", SigningEntity: "CN", Currency: models.CNY, CreatedAt: w.at, UpdatedAt: w.at,
	}
	_, err := w.DB.NewInsert().Model(&p).Exec(w.t.Context())
	w.must(err)
	return p
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

func operator() models.Principal {
	return models.Principal{Kind: models.Operator, KeyID: "key_operator", RequestID: "test", Permissions: models.DefaultPermissions(models.Operator, "")}
}

func as(p models.Partner) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, PartnerID: p.ID, PartnerKind: p.Kind, KeyID: "key_" + p.ID, RequestID: "test",
		Permissions: models.DefaultPermissions(models.PartnerKey, p.Kind),
	}
}

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

func ptr[T any](v T) *T { return &v }

func d(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func invitation(p models.Partner) staff.Invite {
	return staff.Invite{
		PartnerID: p.ID, Code: "FH", Name: "Dedicated staff", Year: 2026, HeadCount: 2, AgreementVersion: "2026-1",
		Rates: []models.StaffRate{{Role: "ENGINEER", DayRate: d("100.33333333")}, {Role: "MANAGER", DayRate: d("200")}},
		Criteria: []models.StaffCriterion{
			{Code: "BASE", Name: "Presence", Weight: d("0.7")}, {Code: "BONUS", Name: "Opportunities", Weight: d("0.3")},
		},
	}
}

func (w *world) invited(p models.Partner) models.StaffScheme {
	w.t.Helper()
	done, err := w.Invite(w.t.Context(), operator(), invitation(p))
	w.must(err)
	return done.StaffScheme
}

func (w *world) request(p models.Partner, scheme models.ID) (models.StaffScheme, error) {
	done, err := w.RequestScheme(w.t.Context(), as(p), staff.RequestScheme{SchemeID: scheme, AgreementVersion: "2026-1", Signatory: "Signing Person"})
	return done.StaffScheme, err
}

// approved is a scheme whose partner has signed and was found eligible.
func (w *world) approved(p models.Partner) models.StaffScheme {
	w.t.Helper()
	scheme, err := w.request(p, w.invited(p).ID)
	w.must(err)
	done, err := w.ReviewScheme(w.t.Context(), operator(), staff.ReviewScheme{SchemeID: scheme.ID, Approve: true})
	w.must(err)
	return done.StaffScheme
}

// person is somebody nobody else is.
func (w *world) person(scheme models.ID) staff.AddMember {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serial++
	return staff.AddMember{
		SchemeID: scheme, Name: fmt.Sprint("Secret Person ", w.serial), NationalID: fmt.Sprintf("SECRETID%04d", w.serial), Email: fmt.Sprintf("secret%d@example.com", w.serial),
		Role: "ENGINEER", Certificate: "Professional", From: "2026-07-01", Until: "2026-12-31",
	}
}

func (w *world) added(p models.Partner, scheme models.ID) models.StaffMember {
	w.t.Helper()
	done, err := w.AddMember(w.t.Context(), as(p), w.person(scheme))
	w.must(err)
	return done.StaffMember
}

func (w *world) apply(p models.Partner, member models.ID, month models.BillingCycle, days string, met ...string) (models.StaffMonth, error) {
	done, err := w.ApplyForMonth(w.t.Context(), as(p), staff.ApplyForMonth{MemberID: member, Month: month, Days: d(days), Met: met})
	return done.StaffMonth, err
}

// confirmed is a month that was applied for and confirmed.
func (w *world) confirmed(p models.Partner, member models.ID, month models.BillingCycle, days string, met ...string) models.StaffMonth {
	w.t.Helper()
	row, err := w.apply(p, member, month, days, met...)
	w.must(err)
	done, err := w.ReviewMonth(w.t.Context(), operator(), staff.ReviewMonth{MonthID: row.ID, Confirm: true})
	w.must(err)
	return done.StaffMonth
}

func (w *world) pay(scheme models.ID, quarter int) (models.StaffPayment, error) {
	done, err := w.Service.RequestPayment(w.t.Context(), as(w.provider), staff.RequestPayment{SchemeID: scheme, Quarter: quarter, Method: models.PayoutAccount})
	return done.StaffPayment, err
}

// told are the types of the events about something, in order.
func (w *world) told(subject models.ID) (types []models.EventType) {
	w.t.Helper()
	w.must(w.DB.NewSelect().Model((*models.Event)(nil)).Column("ev.type").Where("ev.subject_id = ?", subject).Order("ev.id").Scan(w.t.Context(), &types))
	return types
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
