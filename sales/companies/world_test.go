package companies_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/companies"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

type fields = map[string]any

// world is a register with whoever asks it.
type world struct {
	*companies.Service
	t   *testing.T
	ctx context.Context
	at  time.Time
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)}
	now, ids := func() time.Time { return w.at }, models.RandomIDs()
	w.Service = &companies.Service{Register: &companies.Register{DB: db, Now: now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: now}}}
	return w
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, newWorld(t, db)) })
}

func operator() models.Principal {
	return models.Principal{Kind: models.Operator, UserID: "usr_operator", Permissions: models.AllPermissions()}
}

// partner is a key of a partner of a kind, with everything that such a key may do.
func partner(kind models.PartnerKind) models.Principal {
	return models.Principal{Kind: models.PartnerKey, PartnerID: models.ID("par_" + string(kind)), PartnerKind: kind, Permissions: models.DefaultPermissions(models.PartnerKey, kind)}
}

// creditCode is a code of a place that does not exist, with its check digit.
func creditCode(n int) string {
	code := fmt.Sprintf("91990000MA%07d", n)
	for _, last := range "0123456789ABCDEFGHJKLMNPQRTUWXY" {
		if _, err := models.ParseRegistration("CN", code+string(last)); err == nil {
			return code + string(last)
		}
	}
	panic("no check digit")
}

// company is a record with what it must have, and more.
func company(n int, more fields) fields {
	one := fields{
		"country": "CN", "registrationNumber": creditCode(n), "name": fmt.Sprintf("样例%d号科技有限公司", n), "status": "ACTIVE", "source": "a test", "asOf": "2026-11-01",
	}
	maps.Copy(one, more)
	return one
}

func file(records ...fields) string {
	var text strings.Builder
	for _, one := range records {
		line, err := json.Marshal(one)
		if err != nil {
			panic(err)
		}
		text.Write(append(line, '\n'))
	}
	return text.String()
}

func (w *world) load(records ...fields) companies.LoadedCompanies {
	w.t.Helper()
	loaded, err := w.Load(w.ctx, operator(), companies.LoadCompanies{Label: "test", Content: file(records...)})
	w.done("load", err)
	return loaded
}

func (w *world) done(what string, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

func (w *world) find(filter companies.CompanyFilter) []string {
	w.t.Helper()
	found, err := w.Find(w.ctx, operator(), filter, models.PageArgs{WantTotal: true})
	w.done("find", err)
	if *found.TotalCount != len(found.Edges) {
		w.t.Errorf("%d in all, %d on the page", *found.TotalCount, len(found.Edges))
	}
	var names []string
	for _, c := range found.Nodes() {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

// named is the company with a number.
func (w *world) named(n int) models.Company {
	w.t.Helper()
	key := "CN/" + creditCode(n)
	found, err := w.ByKeys(w.ctx, operator(), []string{key})
	w.done("by key", err)
	return found[key]
}

func ptr[T any](v T) *T { return &v }

// counts are what a load did: added, replaced, unchanged, older, refused.
func counts(l companies.LoadedCompanies) []int {
	return []int{l.Added, l.Replaced, l.Unchanged, l.Older, l.Refused}
}
