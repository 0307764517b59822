package customers_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// managed is a world in which customers are managed. What lives above or beside this room is played.
type managed struct {
	*world
	bound          map[string]models.ID // xAccountId to customer
	frozen, thawed []models.ID
	spending       map[models.ID]int64
	asked          []models.SpendingPeriod
	calls          map[string]int64
}

func newManaged(t *testing.T, db *store.DB) *managed {
	t.Helper()
	m := &managed{world: newWorld(t, db), bound: map[string]models.ID{}, spending: map[models.ID]int64{}, calls: map[string]int64{}}
	hasher, err := identity.NewHasher(identity.Cost{MemoryKiB: 8, Passes: 1, Threads: 1}, rand.Reader, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.People = &identity.Service{DB: db, Now: m.Now, IDs: m.IDs, Events: m.Events, Random: rand.Reader, Passwords: hasher}
	m.Platforms, m.Bindings, m.Running, m.Spending, m.Limits = m, m, m, m, m
	m.Farewells = append(m.Farewells, m.Service)
	return m
}

// ForPartner stands for sales/exposure: the distributor's platform serves its reseller too.
func (m *managed) ForPartner(_ context.Context, id models.ID) (models.AccessConfiguration, bool, error) {
	return models.AccessConfiguration{PlatformID: "PLATFORM"}, id == m.distributor.ID || id == m.reseller.ID, nil
}

// BindAccountIn stands for sales/federation.
func (m *managed) BindAccountIn(_ context.Context, _ bun.IDB, _ models.Principal, _ models.ID, a models.FederatedAccount) error {
	if m.bound[a.XAccountID] != "" {
		return models.Precondition("IDENTITY_ALREADY_BOUND", "bound")
	}
	m.bound[a.XAccountID] = a.CustomerID
	return nil
}

// FreezeIn and ThawIn stand for sales/resources.
func (m *managed) FreezeIn(_ context.Context, _ bun.IDB, _ models.Principal, c models.Customer) error {
	m.frozen = append(m.frozen, c.ID)
	return nil
}

func (m *managed) ThawIn(_ context.Context, _ bun.IDB, _ models.Principal, c models.Customer) error {
	m.thawed = append(m.thawed, c.ID)
	return nil
}

// SpentIn stands for sales/orders.
func (m *managed) SpentIn(_ context.Context, _ bun.IDB, periods []models.SpendingPeriod) (map[models.ID]int64, error) {
	m.asked = periods
	return m.spending, nil
}

// Allow stands for the cache, whose windows never end here.
func (m *managed) Allow(_ context.Context, key string, limit int64, window time.Duration) (bool, time.Duration) {
	m.calls[key]++
	return m.calls[key] <= limit || window == time.Second, window
}

func (m *managed) member(p models.Partner, name string) models.User {
	m.t.Helper()
	user := models.User{
		ID: m.IDs(models.PrefixUser), Kind: models.PartnerMember, PartnerID: p.ID, LoginName: name, State: models.UserActive, Permissions: []models.Permission{},
		CreatedAt: m.at, UpdatedAt: m.at,
	}
	if _, err := m.DB.NewInsert().Model(&user).Exec(m.ctx); err != nil {
		m.t.Fatal(err)
	}
	return user
}

func (m *managed) set(c models.Customer, column string, value any) {
	m.t.Helper()
	if _, err := m.DB.NewUpdate().Table("customers").Set("? = ?", bun.Ident(column), value).Where("id = ?", c.ID).Exec(m.ctx); err != nil {
		m.t.Fatal(err)
	}
}

func (m *managed) row(id models.ID) models.Customer {
	m.t.Helper()
	found, err := m.ByIDs(m.ctx, operator(), []models.ID{id})
	if err != nil {
		m.t.Fatal(err)
	}
	return found[id]
}

// happened counts the events of a kind.
func (m *managed) happened(what models.EventType) int {
	m.t.Helper()
	n, err := m.DB.NewSelect().Model((*models.Event)(nil)).Where("type = ?", what).Count(m.ctx)
	if err != nil {
		m.t.Fatal(err)
	}
	return int(n)
}

func (m *managed) refused(what, want string, err error) {
	m.t.Helper()
	if got := reasonOf(err); got != want {
		m.t.Errorf("%s: %s (%v), want %s", what, got, err, want)
	}
}

func (m *managed) done(what string, err error) {
	m.t.Helper()
	if err != nil {
		m.t.Errorf("%s: %v", what, err)
	}
}

func eachManaged(t *testing.T, run func(t *testing.T, m *managed)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { run(t, newManaged(t, db)) })
}

// TestAPartnerCreatesACustomer is CreateSubCustomer (3.2): account, association, first user and binding, once per key.
func TestAPartnerCreatesACustomer(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		cmd := customers.RegisterCustomer{
			AccountName: "acme-one", ExternalID: "x-1", Email: ptr("Boss@acme.example"), Phone: ptr("0086-13800000001"), Password: ptr("abc12345"), IdempotencyKey: "k",
		}
		first, err := m.Register(m.ctx, asPartner(m.distributor), cmd)
		if err != nil {
			t.Fatal(err)
		}
		c := first.Customer
		got := []any{c.Name, c.PartnerID, c.Mode, c.ExternalID, *c.Email, *c.Phone, first.Association.PartnerID, first.Association.Source, *first.PlatformID, m.bound["x-1"]}
		want := []any{"acme-one", m.distributor.ID, models.Resale, "x-1", "Boss@acme.example", "0086-13800000001", m.distributor.ID, models.SourceAPI, "PLATFORM", c.ID}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("created (-want +got):\n%s", diff)
		}
		again, err := m.Register(m.ctx, asPartner(m.distributor), cmd)
		m.done("again", err)
		if again.Customer.ID != c.ID || m.happened(models.EventCustomerCreated) != 1 || m.happened(models.EventUserCreated) != 1 {
			t.Errorf("again: %+v", again)
		}
		var keys []models.IdempotencyKey
		m.done("keys", m.DB.NewSelect().Model(&keys).Scan(m.ctx))
		if len(keys) != 1 || strings.Contains(string(keys[0].Answer), "acme") {
			t.Errorf("the key keeps %s", keys[0].Answer)
		}
		var user models.User
		m.done("user", m.DB.NewSelect().Model(&user).Where("customer_id = ?", c.ID).Scan(m.ctx))
		if user.LoginName != "acme-one" || user.PasswordHash == "" {
			t.Errorf("the first user: %+v", user)
		}
		// A distributor for its reseller, in advisory mode.
		cmd = customers.RegisterCustomer{AccountName: "acme-two", ExternalID: "x-2", ActingForPartnerID: &m.reseller.ID, Mode: ptr(models.Advisory), IdempotencyKey: "k2"}
		second, err := m.Register(m.ctx, asPartner(m.distributor), cmd)
		m.done("acting", err)
		if second.Customer.PartnerID != m.reseller.ID || second.Customer.Mode != models.Advisory || m.bound["x-2"] != second.Customer.ID {
			t.Errorf("acting: %+v", second)
		}
		third, err := m.Register(m.ctx, asPartner(m.provider), customers.RegisterCustomer{AccountName: "acme-three", ExternalID: "x-1", IdempotencyKey: "k"})
		m.done("without a platform, with another partner's external id", err)
		if third.PlatformID != nil {
			t.Errorf("a platform: %s", *third.PlatformID)
		}
	})
}

func TestWhatKeepsACustomerFromBeingCreated(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		taken := m.create("taken-name", m.distributor.ID, models.Resale)
		m.set(taken, "external_id", "taken")
		m.bound["elsewhere"] = "cus_other"
		who := asPartner(m.distributor)
		whole := func(change func(*customers.RegisterCustomer)) customers.RegisterCustomer {
			cmd := customers.RegisterCustomer{AccountName: "fresh-name", ExternalID: "fresh", Phone: ptr("0086-13800000009"), IdempotencyKey: "k"}
			change(&cmd)
			return cmd
		}
		password := func(text string) customers.RegisterCustomer {
			return whole(func(c *customers.RegisterCustomer) { c.Password = &text })
		}
		before := m.count()
		for name, c := range map[string]struct {
			who  models.Principal
			cmd  customers.RegisterCustomer
			want string // code and field, or the reason
		}{
			"a short name":                   {who, whole(func(c *customers.RegisterCustomer) { c.AccountName = "abcd" }), "INVALID accountName"},
			"a name with op_":                {who, whole(func(c *customers.RegisterCustomer) { c.AccountName = "op_someone" }), "INVALID accountName"},
			"a taken name":                   {who, whole(func(c *customers.RegisterCustomer) { c.AccountName = "taken-name" }), "CONFLICT accountName"},
			"no external id":                 {who, whole(func(c *customers.RegisterCustomer) { c.ExternalID = "" }), "INVALID externalId"},
			"a long external id":             {who, whole(func(c *customers.RegisterCustomer) { c.ExternalID = strings.Repeat("x", 129) }), "INVALID externalId"},
			"a taken external id":            {who, whole(func(c *customers.RegisterCustomer) { c.ExternalID = "taken" }), "CONFLICT externalId"},
			"bound on the platform":          {who, whole(func(c *customers.RegisterCustomer) { c.ExternalID = "elsewhere" }), "IDENTITY_ALREADY_BOUND"},
			"no address":                     {who, whole(func(c *customers.RegisterCustomer) { c.Email = ptr("nobody") }), "INVALID email"},
			"an address with a break":        {who, whole(func(c *customers.RegisterCustomer) { c.Email = ptr("a@b\r\nBcc: c@d") }), "INVALID email"},
			"a number abroad":                {who, whole(func(c *customers.RegisterCustomer) { c.Phone = ptr("0049-1701234567") }), "INVALID phone"},
			"another mode":                   {who, whole(func(c *customers.RegisterCustomer) { c.Mode = ptr(models.AssociationMode("RESELL")) }), "INVALID mode"},
			"no key":                         {who, whole(func(c *customers.RegisterCustomer) { c.IdempotencyKey = "" }), "INVALID idempotencyKey"},
			"a short password":               {who, password("abc1234"), "INVALID password"},
			"a long password":                {who, password(strings.Repeat("ab1", 11)), "INVALID password"},
			"one class":                      {who, password("abcdefgh"), "INVALID password"},
			"the name":                       {who, password("Fresh-Name"), "INVALID password"},
			"the name backwards":             {who, password("eman-hserF"), "INVALID password"},
			"the number in it":               {who, password("a13800000009"), "INVALID password"},
			"for a stranger":                 {who, whole(func(c *customers.RegisterCustomer) { c.ActingForPartnerID = &m.stranger.ID }), "NOT_FOUND "},
			"for itself by name":             {who, whole(func(c *customers.RegisterCustomer) { c.ActingForPartnerID = &m.distributor.ID }), "NOT_FOUND "},
			"a reseller for its distributor": {asPartner(m.reseller), whole(func(c *customers.RegisterCustomer) { c.ActingForPartnerID = &m.distributor.ID }), "NOT_FOUND "},
			"an operator":                    {operator(), whole(func(*customers.RegisterCustomer) {}), "FORBIDDEN "},
			"a customer":                     {asCustomer(taken), whole(func(*customers.RegisterCustomer) {}), "FORBIDDEN "},
			"nobody":                         {models.Principal{}, whole(func(*customers.RegisterCustomer) {}), "UNAUTHENTICATED "},
		} {
			_, err := m.Register(m.ctx, c.who, c.cmd)
			if got := codeAndField(err); got != c.want {
				t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
			}
		}
		m.setState(m.distributor, models.PartnerRestricted)
		_, err := m.Register(m.ctx, asPartner(m.reseller), whole(func(*customers.RegisterCustomer) {}))
		m.refused("under a restricted distributor", "PARTNER_RESTRICTED", err)
		if diff := cmp.Diff(before, m.count()); diff != "" {
			t.Errorf("something is left behind (-before +after):\n%s", diff)
		}
		m.setState(m.distributor, models.PartnerActive)
		_, err = m.Register(m.ctx, who, whole(func(*customers.RegisterCustomer) {}))
		m.done("the key is free after all that", err)
		_, err = m.Register(m.ctx, who, whole(func(c *customers.RegisterCustomer) { c.Password = ptr("other1234") }))
		m.refused("the same key with another password", "CONFLICT", err)
	})
}

// count counts the rows that a registration writes.
func (m *managed) count() map[string]int {
	m.t.Helper()
	counts := map[string]int{}
	for _, table := range []string{"customers", "associations", "users", "events", "idempotency_keys"} {
		n, err := m.DB.NewSelect().Table(table).Count(m.ctx)
		if err != nil {
			m.t.Fatal(err)
		}
		counts[table] = int(n)
	}
	return counts
}

func codeAndField(err error) string {
	var e *models.Error
	if errors.As(err, &e) && e.Reason() == "" {
		return string(e.Code) + " " + e.Field
	}
	return reasonOf(err)
}

// TestAnIdentityIsCheckedSparingly: whole values only, nobody's name in the answer, and few answers.
func TestAnIdentityIsCheckedSparingly(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		_, err := m.Register(m.ctx, asPartner(m.stranger), customers.RegisterCustomer{
			AccountName: "Known-name", ExternalID: "x", Email: ptr("known@acme.example"), Phone: ptr("0086-13800000001"), IdempotencyKey: "k",
		})
		m.done("registered", err)
		for _, c := range []struct {
			by    customers.IdentityKind
			value string
			want  customers.IdentityStatus
		}{
			{customers.IdentityEmail, "KNOWN@acme.example", customers.IdentityUsed},
			{customers.IdentityEmail, "unknown@acme.example", customers.IdentityAvailable},
			{customers.IdentityPhone, "0086-13800000001", customers.IdentityUsed},
			{customers.IdentityPhone, "0086-1380000000", customers.IdentityAvailable},
			{customers.IdentityName, "Known-name", customers.IdentityUsed},
			{customers.IdentityName, "known-NAME", customers.IdentityUsed}, // its first user has it
			{customers.IdentityName, "known-nam", customers.IdentityAvailable},
		} {
			got, err := m.Check(m.ctx, asPartner(m.provider), customers.CheckIdentity{By: c.by, Value: c.value})
			if err != nil || got.Status != c.want {
				t.Errorf("%s %s: %s, %v", c.by, c.value, got.Status, err)
			}
		}
		for _, c := range []customers.CheckIdentity{
			{By: customers.IdentityEmail, Value: "%@acme.example "}, {By: customers.IdentityEmail, Value: strings.Repeat("a", 60) + "@b.example"}, {By: customers.IdentityPhone, Value: "13800000001"},
			{By: customers.IdentityPhone, Value: "0049-13800000001"}, {By: customers.IdentityName, Value: "x"}, {By: "ID", Value: "known"}, {By: customers.IdentityName},
		} {
			_, err := m.Check(m.ctx, asPartner(m.provider), c)
			m.refused(fmt.Sprint(c), "INVALID", err)
		}
		_, err = m.Check(m.ctx, asCustomer(models.Customer{ID: "cus_x"}), customers.CheckIdentity{By: customers.IdentityName, Value: "known-name"})
		m.refused("a customer", "FORBIDDEN", err)
		// The rest of the hour's hundred, and one more; another organisation has its own.
		answered := 0
		for range 200 {
			if _, err = m.Check(m.ctx, asPartner(m.provider), customers.CheckIdentity{By: customers.IdentityName, Value: "known-name"}); err == nil {
				answered++
			}
		}
		m.refused("the hundred and first", "RATE_LIMITED", err)
		if answered != 100-7 {
			t.Errorf("%d more answers", answered)
		}
		_, err = m.Check(m.ctx, asPartner(m.stranger), customers.CheckIdentity{By: customers.IdentityName, Value: "known-name"})
		m.done("another organisation", err)
	})
}

// TestWhoManagesWhichCustomer is the wall for everything that changes a customer.
func TestWhoManagesWhichCustomer(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		resale, advisory := m.create("resale-one", m.reseller.ID, models.Resale), m.create("advisory-one", m.reseller.ID, models.Advisory)
		member := m.member(m.reseller, "member")
		alone := m.create("alone-one", "", "")
		acts := map[string]func(models.Principal, models.ID) error{
			"update": func(who models.Principal, id models.ID) error {
				_, err := m.Update(m.ctx, who, customers.UpdateCustomer{CustomerID: id, Email: ptr("a@b.example")})
				return err
			},
			"tags": func(who models.Principal, id models.ID) error {
				_, err := m.ChangeTags(m.ctx, who, customers.ChangeCustomerTags{CustomerID: id, Add: []string{"a"}})
				return err
			},
			"newTag": func(who models.Principal, id models.ID) error {
				_, err := m.SetNewCustomerTag(m.ctx, who, customers.SetNewCustomerTag{CustomerID: id})
				return err
			},
			"freeze": func(who models.Principal, id models.ID) error {
				_, err := m.Freeze(m.ctx, who, customers.FreezeCustomer{CustomerID: id, Scope: models.FrozenAccount, Reason: "r"})
				return err
			},
			"unfreeze": func(who models.Principal, id models.ID) error {
				_, err := m.Unfreeze(m.ctx, who, customers.UnfreezeCustomer{CustomerID: id, Reason: "r"})
				return err
			},
			"manager": func(who models.Principal, id models.ID) error {
				_, err := m.AssignManager(m.ctx, who, customers.AssignAccountManager{CustomerID: id, UserID: member.ID})
				return err
			},
			"contacts": func(who models.Principal, id models.ID) error {
				_, err := m.SetContacts(m.ctx, who, customers.SetCustomerContacts{CustomerID: id, Contacts: []models.CustomerContact{{Name: "Ann"}}})
				return err
			},
			"budget": func(who models.Principal, id models.ID) error {
				_, err := m.SetBudget(m.ctx, who, customers.SetCustomerBudget{CustomerID: id, Kind: models.MonthlyBudget, Amount: decimal.New(100, 0)})
				return err
			},
		}
		narrow := asPartner(m.reseller)
		narrow.Permissions = []models.Permission{models.ReadCustomers}
		for act, do := range acts {
			for name, c := range map[string]struct {
				who  models.Principal
				id   models.ID
				want string
			}{
				"a distributor, its reseller's": {asPartner(m.distributor), resale.ID, "NOT_FOUND"}, "a stranger": {asPartner(m.stranger), resale.ID, "NOT_FOUND"},
				"nobody's customer": {asPartner(m.reseller), alone.ID, "NOT_FOUND"}, "an unknown one": {operator(), m.IDs(models.PrefixCustomer), "NOT_FOUND"},
				"the customer itself": {asCustomer(resale), resale.ID, "FORBIDDEN"}, "without the permission": {narrow, resale.ID, "FORBIDDEN"},
				"anonymous": {models.Principal{}, resale.ID, "UNAUTHENTICATED"}, "another kind of id": {operator(), member.ID, "INVALID"},
			} {
				m.refused(act+": "+name, c.want, do(c.who, c.id))
			}
		}
		before := m.count()
		for act, want := range map[string]string{
			"update": "ADVISORY_CUSTOMER", "freeze": "ADVISORY_CUSTOMER", "unfreeze": "ADVISORY_CUSTOMER", "budget": "ADVISORY_CUSTOMER", "newTag": "FORBIDDEN",
		} {
			m.refused(act+" of an advisory customer", want, acts[act](asPartner(m.reseller), advisory.ID))
		}
		for _, act := range []string{"tags", "manager", "contacts", "budget"} {
			m.refused(act+" of nobody's customer", "NOT_ASSOCIATED", acts[act](operator(), alone.ID))
		}
		if diff := cmp.Diff(before, m.count()); diff != "" {
			t.Errorf("a refusal left something behind:\n%s", diff)
		}
		for _, act := range []string{"tags", "manager", "contacts"} {
			m.done(act+" of an advisory customer", acts[act](asPartner(m.reseller), advisory.ID))
		}
		for _, act := range []string{"update", "tags", "manager", "contacts", "budget", "freeze", "unfreeze"} {
			m.done(act, acts[act](asPartner(m.reseller), resale.ID))
		}
	})
}

func TestACustomerIsUpdated(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		who := asPartner(m.provider)
		c := m.create("some-name", m.provider.ID, models.Resale)
		other := m.create("other-name", m.provider.ID, models.Resale)
		m.set(other, "external_id", "taken")
		update := func(cmd customers.UpdateCustomer) (models.Customer, error) {
			cmd.CustomerID = c.ID
			done, err := m.Update(m.ctx, who, cmd)
			return done.Customer, err
		}
		got, err := update(customers.UpdateCustomer{RealName: ptr("Acme Limited"), Email: ptr("a@acme.example"), Phone: ptr("0049-1701234567"), ExternalID: ptr("x")})
		m.done("update", err)
		if diff := cmp.Diff([]string{"Acme Limited", "a@acme.example", "0049-1701234567", "x"}, []string{*got.RealName, *got.Email, *got.Phone, got.ExternalID}); diff != "" {
			t.Errorf("updated:\n%s", diff)
		}
		if stored := m.row(c.ID); *stored.Email != "a@acme.example" || *stored.Phone != "0049-1701234567" || *stored.RealName != "Acme Limited" {
			t.Errorf("stored: %+v", stored)
		}
		_, err = update(customers.UpdateCustomer{Email: ptr("a@acme.example")})
		m.done("the same", err)
		if n := m.happened(models.EventCustomerUpdated); n != 1 {
			t.Errorf("%d events", n)
		}
		got, err = update(customers.UpdateCustomer{Phone: ptr("")})
		m.done("cleared", err)
		if got.Phone != nil || got.Email == nil || m.row(c.ID).PhoneBlind != "" {
			t.Errorf("cleared: %+v", got)
		}
		for field, cmd := range map[string]customers.UpdateCustomer{
			"INVALID email": {Email: ptr("x")}, "INVALID phone": {Phone: ptr("12")}, "INVALID realName": {RealName: ptr(strings.Repeat("n", 201))},
			"INVALID externalId": {ExternalID: ptr("a\nb")}, "CONFLICT externalId": {ExternalID: ptr("taken")},
		} {
			_, err := update(cmd)
			if codeAndField(err) != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		for _, status := range []models.VerifiedStatus{models.Verified, models.VerifyReviewing} {
			m.set(c, "verified_status", status)
			_, err = update(customers.UpdateCustomer{RealName: ptr("Another"), Email: ptr("new@acme.example")})
			m.refused(string(status), "REAL_NAME_FIXED", err)
			_, err = update(customers.UpdateCustomer{RealName: ptr("Acme Limited"), Email: ptr("b@acme.example")})
			m.done("the same real name", err)
		}
		m.set(c, "verified_status", models.VerifyRejected)
		_, err = update(customers.UpdateCustomer{RealName: ptr("Another")})
		m.done("after a rejection", err)
	})
}

func TestTagsAreFewAndThePartnersOwn(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		who := asPartner(m.reseller)
		c := m.create("some-name", m.reseller.ID, models.Resale)
		tags := func(who models.Principal) []string {
			found, err := m.TagsFor(m.ctx, who, []models.ID{c.ID})
			m.done("tags", err)
			return found[c.ID]
		}
		change := func(add, remove []string) error {
			_, err := m.ChangeTags(m.ctx, who, customers.ChangeCustomerTags{CustomerID: c.ID, Add: add, Remove: remove})
			return err
		}
		m.done("add", change([]string{"vip", "North", "vip"}, nil))
		m.done("add and remove", change([]string{"south", "vip"}, []string{"North", "absent"}))
		if diff := cmp.Diff([]string{"south", "vip"}, tags(who)); diff != "" {
			t.Errorf("tags:\n%s", diff)
		}
		if len(tags(operator())) != 2 || tags(asPartner(m.distributor)) != nil || tags(asCustomer(c)) != nil || tags(asPartner(m.stranger)) != nil {
			t.Error("others see other tags than they may")
		}
		m.done("nothing new", change([]string{"vip"}, []string{"absent"}))
		if n := m.happened(models.EventCustomerTagsChanged); n != 2 {
			t.Errorf("%d events", n)
		}
		var many []string
		for i := range 18 {
			many = append(many, fmt.Sprint("t", i))
		}
		m.done("twenty", change(many, nil))
		m.refused("twenty-one", "TOO_MANY_TAGS", change([]string{"more"}, nil))
		m.done("one for another", change([]string{"more"}, []string{"vip"}))
		if len(tags(who)) != 20 {
			t.Errorf("%d tags", len(tags(who)))
		}
		for name, cmd := range map[string][2][]string{
			"none": {}, "empty": {{""}, nil}, "long": {{strings.Repeat("n", 65)}, nil}, "a space": {{" a"}, nil}, "a control": {{"a\x00b"}, nil}, "both": {{"a"}, {"a"}},
			"too many": {append(many, "a", "b", "c"), nil},
		} {
			m.refused(name, "INVALID", change(cmd[0], cmd[1]))
		}
		// The next partner finds nothing of it.
		m.done("contacts", errOf(m.SetContacts(m.ctx, who, customers.SetCustomerContacts{CustomerID: c.ID, Contacts: []models.CustomerContact{{Name: "Ann"}}})))
		m.done("budget", errOf(m.SetBudget(m.ctx, who, customers.SetCustomerBudget{CustomerID: c.ID, Kind: models.PackageBudget, Amount: decimal.New(5, 0)})))
		m.done("manager", errOf(m.AssignManager(m.ctx, who, customers.AssignAccountManager{CustomerID: c.ID, UserID: m.member(m.reseller, "member").ID})))
		_, err := m.EndAssociation(m.ctx, operator(), customers.EndAssociation{CustomerID: c.ID, Reason: "r", IdempotencyKey: "end"})
		m.done("end", err)
		_, err = m.associate(operator(), customers.Associate{CustomerID: c.ID, PartnerID: m.stranger.ID})
		m.done("associate", err)
		for _, who := range []models.Principal{asPartner(m.stranger), operator()} {
			contacts, _ := m.ContactsFor(m.ctx, who, []models.ID{c.ID})
			budgets, _ := m.BudgetsFor(m.ctx, who, []models.ID{c.ID})
			managers, _ := m.ManagersFor(m.ctx, who, []models.ID{c.ID})
			if len(contacts)+len(budgets)+len(managers)+len(tags(who)) != 0 {
				t.Errorf("%s finds %v %v %v %v", who.Kind, contacts, budgets, managers, tags(who))
			}
		}
	})
}

func errOf(_ customers.CustomerChange, err error) error { return err }

func TestTheNewCustomerTagIsForVerifiedCustomers(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		c := m.create("some-name", m.provider.ID, models.Resale)
		set := func(value models.NewCustomer, from, until models.BillingCycle) error {
			_, err := m.SetNewCustomerTag(m.ctx, operator(), customers.SetNewCustomerTag{CustomerID: c.ID, Value: &value, From: &from, Until: &until})
			return err
		}
		m.refused("not verified", "NOT_VERIFIED", set(models.NewCustomerYes, "2026-01", "2026-12"))
		m.set(c, "verified_status", models.Verified)
		for name, err := range map[string]error{
			"another value": set("MAYBE", "2026-01", "2026-12"), "no month": set(models.NewCustomerYes, "2026-13", "2026-12"), "backwards": set(models.NewCustomerYes, "2026-02", "2026-01"),
			"months alone": errOf(m.SetNewCustomerTag(m.ctx, operator(), customers.SetNewCustomerTag{CustomerID: c.ID, From: ptr(models.BillingCycle("2026-01"))})),
		} {
			m.refused(name, "INVALID", err)
		}
		m.done("set", set(models.NewCustomerYes, "2026-01", "2026-12"))
		want := &models.NewCustomerTag{Value: models.NewCustomerYes, From: ptr(models.BillingCycle("2026-01")), Until: ptr(models.BillingCycle("2026-12"))}
		if diff := cmp.Diff(want, m.row(c.ID).NewCustomerTag()); diff != "" {
			t.Errorf("tag:\n%s", diff)
		}
		m.done("taken away", errOf(m.SetNewCustomerTag(m.ctx, operator(), customers.SetNewCustomerTag{CustomerID: c.ID})))
		if tag := m.row(c.ID).NewCustomerTag(); tag != nil {
			t.Errorf("still %v", tag)
		}
	})
}
