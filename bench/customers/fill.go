package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
)

// batch is how many rows one insert carries.
const batch = 1000

// crowd is a partner with many customers, all of whom have the common label, manager and states, and a few of whom the rare ones.
type crowd struct {
	rooms   *customers.Service
	who     models.Principal
	manager models.ID
	ids     []models.ID // of the customers, in order
	started time.Time
}

// rare is how many customers share one rare property: every thousandth.
const rare = 1000

func fill(ctx context.Context, db *store.DB, n int) (*crowd, error) {
	sealer, err := seal.New("bench:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("b", 32))))
	if err != nil {
		return nil, err
	}
	newID := models.RandomIDs()
	c := &crowd{
		rooms: &customers.Service{DB: db, Now: time.Now, IDs: newID, Seal: sealer}, started: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	mine, other := newPartner(newID, c.started), newPartner(newID, c.started)
	c.manager = newID(models.PrefixUser)
	user := models.User{ID: c.manager, Kind: models.PartnerMember, PartnerID: mine.ID, LoginName: "manager", State: models.UserActive, Permissions: []models.Permission{}, CreatedAt: c.started, UpdatedAt: c.started}
	if err := insert(ctx, db, &[]models.Partner{mine, other}, &[]models.User{user}); err != nil {
		return nil, err
	}
	c.who = models.Principal{
		Kind: models.PartnerKey, PartnerID: mine.ID, PartnerKind: mine.Kind, Permissions: models.DefaultPermissions(models.PartnerKey, mine.Kind),
	}
	var made rows
	for i := range n {
		c.ids = append(c.ids, made.add(c, newID, sealer, mine.ID, i))
		if i%4 == 0 { // another partner's between them
			made.add(c, newID, sealer, other.ID, n+i)
		}
		if len(made.customers) >= batch || i == n-1 {
			if err := insert(ctx, db, &made.customers, &made.associations, &made.tags); err != nil {
				return nil, err
			}
			made = rows{}
		}
	}
	slices.Sort(c.ids) // those of one millisecond come in any order
	_, err = db.ExecContext(ctx, "ANALYZE")
	return c, err
}

type rows struct {
	customers    []models.Customer
	associations []models.Association
	tags         []models.CustomerTag
}

// add makes one customer.
func (r *rows) add(c *crowd, newID models.IDSource, sealer *seal.Sealer, partner models.ID, i int) models.ID {
	at := c.started.Add(time.Duration(i) * time.Minute)
	row := models.Customer{
		ID: newID(models.PrefixCustomer), Cloud: "bench", Name: fmt.Sprintf("customer-%07d", i), Kind: models.Enterprise, VerifiedStatus: models.Verified,
		Frozen: models.NotFrozen, Currency: models.CNY, ExternalID: fmt.Sprint("x", i), PartnerID: partner, Mode: models.Resale, AccountManagerID: c.manager,
		AssociatedAt: &at, CreatedAt: at, UpdatedAt: at,
	}
	email := row.Name + "@customers.example"
	phone := fmt.Sprintf("0086-100%08d", i)
	personal := func(column, plain string) []byte {
		return sealer.Seal([]byte(plain), "customers."+column+":"+string(row.ID))
	}
	row.RealNameSealed, row.EmailSealed, row.PhoneSealed = personal("real_name", "Customer Limited"), personal("email", email), personal("phone", phone)
	row.EmailBlind, row.PhoneBlind = sealer.Blind(email, "customers.email"), sealer.Blind(phone, "customers.phone")
	r.tags = append(r.tags, models.CustomerTag{PartnerID: partner, Tag: "common", CustomerID: row.ID}, models.CustomerTag{PartnerID: partner, Tag: fmt.Sprint("group", i%20), CustomerID: row.ID})
	if i%rare == 0 {
		row.Frozen = models.FrozenAccount
		r.tags = append(r.tags, models.CustomerTag{PartnerID: partner, Tag: "rare", CustomerID: row.ID})
	}
	r.customers = append(r.customers, row)
	r.associations = append(r.associations, models.Association{
		ID: newID(models.PrefixAssociation), CustomerID: row.ID, PartnerID: partner, Mode: models.Resale, Source: models.SourceAPI, Since: at,
	})
	return row.ID
}

func newPartner(newID models.IDSource, at time.Time) models.Partner {
	id := newID(models.PrefixPartner)
	return models.Partner{
		ID: id, Cloud: "bench", Kind: models.SolutionProvider, Name: string(id), Level: models.LevelStandard, State: models.PartnerActive, Country: "CN",
		SigningEntity: "CN", Currency: models.CNY, CreatedAt: at, UpdatedAt: at,
	}
}

func insert(ctx context.Context, db bun.IDB, all ...any) error {
	for _, some := range all {
		if _, err := db.NewInsert().Model(some).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *crowd) searches() []search {
	n := len(c.ids)
	few := (n + rare - 1) / rare
	ptr := func(text string) *string { return &text }
	common, scarce := ptr("common"), ptr("rare")
	verified, enterprise, frozen, resale := models.Verified, models.Enterprise, models.FrozenAccount, models.Resale
	from, until := c.started.Add(1000*time.Minute), c.started.Add(1100*time.Minute)
	one := fmt.Sprintf("customer-%07d", n/2)
	type filter = customers.CustomerFilter
	return []search{
		{"all", filter{}, n},
		{"mode", filter{Mode: &resale}, n},
		{"verified", filter{VerifiedStatus: &verified}, n},
		{"kind", filter{Kind: &enterprise}, n},
		{"account manager", filter{AccountManagerID: &c.manager}, n},
		{"label", filter{Tag: common}, n},
		{"label, verified, kind, manager", filter{Tag: common, VerifiedStatus: &verified, Kind: &enterprise, AccountManagerID: &c.manager}, n},
		{"associated since", filter{AssociatedAfter: &c.started}, n},
		{"created since", filter{CreatedAfter: &c.started}, n},
		{"name prefix of all", filter{Query: ptr("customer-")}, n},
		{"rare label", filter{Tag: scarce}, few},
		{"frozen", filter{Frozen: &frozen}, few},
		{"rare label, frozen, manager", filter{Tag: scarce, Frozen: &frozen, AccountManagerID: &c.manager}, few},
		{"name prefix of ten", filter{Query: ptr(one[:len(one)-1])}, 10},
		{"e-mail", filter{Email: ptr(one + "@customers.example")}, 1},
		{"phone", filter{Phone: ptr(fmt.Sprintf("0086-100%08d", n/2))}, 1},
		{"external id", filter{ExternalID: ptr(fmt.Sprint("x", n/2))}, 1},
		{"created within 100 minutes", filter{CreatedAfter: &from, CreatedBefore: &until}, 100},
		{"associated within 100 minutes", filter{AssociatedAfter: &from, AssociatedBefore: &until}, 100},
	}
}
