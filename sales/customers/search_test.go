package customers_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestCustomersAreFoundByWhatIsKnownOfThem tries each filter, alone and together with others, and as somebody else.
func TestCustomersAreFoundByWhatIsKnownOfThem(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		who := asPartner(m.reseller)
		member := m.member(m.reseller, "member")
		first := m.create("alpha-one", m.reseller.ID, models.Resale)
		m.at = m.at.Add(time.Hour)
		second := m.create("beta-two", m.reseller.ID, models.Advisory)
		m.at = m.at.Add(time.Hour)
		third := m.create("gamma-three", m.reseller.ID, models.Resale)
		m.create("alpha-other", m.stranger.ID, models.Resale)
		m.done("update", errOf(m.Update(m.ctx, who, customers.UpdateCustomer{CustomerID: first.ID, Email: ptr("Ann@acme.example"), Phone: ptr("0086-13800000001")})))
		for _, c := range []models.Customer{first, second} {
			m.done("tag", errOf(m.ChangeTags(m.ctx, who, customers.ChangeCustomerTags{CustomerID: c.ID, Add: []string{"vip", c.Name}})))
			m.done("manager", errOf(m.AssignManager(m.ctx, who, customers.AssignAccountManager{CustomerID: c.ID, UserID: member.ID})))
		}
		m.done("freeze", errOf(m.Freeze(m.ctx, who, customers.FreezeCustomer{CustomerID: third.ID, Scope: models.FrozenAccount, Reason: "r"})))
		m.set(second, "verified_status", models.Verified)
		m.set(second, "kind", models.Enterprise)
		start := m.at.Add(-2 * time.Hour)
		type filter = customers.CustomerFilter
		for name, c := range map[string]struct {
			filter
			want []string
		}{
			"all":             {filter{}, []string{"alpha-one", "beta-two", "gamma-three"}},
			"tag":             {filter{Tag: ptr("vip")}, []string{"alpha-one", "beta-two"}},
			"one's tag":       {filter{Tag: ptr("beta-two")}, []string{"beta-two"}},
			"another case":    {filter{Tag: ptr("VIP")}, nil},
			"manager":         {filter{AccountManagerID: &member.ID}, []string{"alpha-one", "beta-two"}},
			"verified":        {filter{VerifiedStatus: ptr(models.Verified)}, []string{"beta-two"}},
			"frozen":          {filter{Frozen: ptr(models.FrozenAccount)}, []string{"gamma-three"}},
			"not frozen":      {filter{Frozen: ptr(models.NotFrozen)}, []string{"alpha-one", "beta-two"}},
			"kind":            {filter{Kind: ptr(models.Enterprise)}, []string{"beta-two"}},
			"e-mail":          {filter{Email: ptr("ANN@acme.example")}, []string{"alpha-one"}},
			"part of it":      {filter{Email: ptr("ann@acme")}, nil},
			"phone":           {filter{Phone: ptr("0086-13800000001")}, []string{"alpha-one"}},
			"created after":   {filter{CreatedAfter: ptr(start.Add(time.Hour))}, []string{"beta-two", "gamma-three"}},
			"created before":  {filter{CreatedBefore: ptr(start.Add(time.Hour))}, []string{"alpha-one"}},
			"associated":      {filter{AssociatedAfter: &start, AssociatedBefore: ptr(start.Add(2 * time.Hour))}, []string{"alpha-one", "beta-two"}},
			"tag and manager": {filter{Tag: ptr("vip"), AccountManagerID: &member.ID, Mode: ptr(models.Resale), AssociatedAfter: &start}, []string{"alpha-one"}},
		} {
			found, err := m.Find(m.ctx, who, c.filter, models.PageArgs{WantTotal: true})
			m.done(name, err)
			if diff := cmp.Diff(c.want, sorted(namesOf(found.Nodes()))); diff != "" || *found.TotalCount != len(c.want) {
				t.Errorf("%s (-want +got), %d in all:\n%s", name, *found.TotalCount, diff)
			}
			// Page by page it is the same, with the same total.
			var paged []string
			for args := (models.PageArgs{First: ptr(1), WantTotal: true}); ; {
				page, err := m.Find(m.ctx, who, c.filter, args)
				m.done(name, err)
				if *page.TotalCount != len(c.want) {
					t.Errorf("%s: %d in all on a later page", name, *page.TotalCount)
				}
				paged = append(paged, namesOf(page.Nodes())...)
				if !page.PageInfo.HasNextPage {
					break
				}
				args.After = page.PageInfo.EndCursor
			}
			if diff := cmp.Diff(c.want, sorted(paged)); diff != "" {
				t.Errorf("%s in pages:\n%s", name, diff)
			}
			// The distributor sees the customers, but not what its reseller keeps of them; a stranger finds nobody.
			kept := c.Tag != nil || c.AccountManagerID != nil
			above, err := m.Find(m.ctx, asPartner(m.distributor), c.filter, models.PageArgs{})
			m.done(name, err)
			if kept && len(above.Edges) > 0 || !kept && len(above.Edges) != len(c.want) {
				t.Errorf("%s: the distributor finds %v", name, namesOf(above.Nodes()))
			}
			if itself, err := m.Find(m.ctx, asCustomer(first), c.filter, models.PageArgs{}); err != nil || kept && len(itself.Edges) > 0 {
				t.Errorf("%s: the customer finds %v, %v", name, namesOf(itself.Nodes()), err)
			}
			if name != "all" && name != "created after" && name != "not frozen" {
				if others, err := m.Find(m.ctx, asPartner(m.stranger), c.filter, models.PageArgs{}); err != nil || len(others.Edges) > 0 {
					t.Errorf("%s: a stranger finds %v, %v", name, namesOf(others.Nodes()), err)
				}
			}
		}
		for name, f := range map[string]filter{
			"no person": {AccountManagerID: &first.ID}, "a long tag": {Tag: ptr(strings.Repeat("n", 65))}, "a long address": {Email: ptr(strings.Repeat("n", 257))},
			"backwards": {CreatedAfter: &m.at, CreatedBefore: &start}, "associated backwards": {AssociatedAfter: &m.at, AssociatedBefore: &start},
		} {
			_, err := m.Find(m.ctx, who, f, models.PageArgs{})
			m.refused(name, "INVALID", err)
		}
	})
}

// crowd writes many customers of two partners, with what filters look for.
func (m *managed) crowd(n int) (member models.User) {
	m.t.Helper()
	member = m.member(m.provider, "busy")
	insert := func(rows any) {
		if _, err := m.DB.NewInsert().Model(rows).Exec(m.ctx); err != nil {
			m.t.Fatal(err)
		}
	}
	for start := 0; start < n; start += 1000 {
		var rows []models.Customer
		var associations []models.Association
		var tags []models.CustomerTag
		for i := start; i < start+1000; i++ {
			partner := m.provider.ID
			if i%4 == 3 {
				partner = m.stranger.ID
			}
			at := m.at.Add(time.Duration(i) * time.Minute)
			c := models.Customer{
				ID: m.IDs(models.PrefixCustomer), Cloud: "hwc", Name: fmt.Sprintf("crowd-%06d", i), Kind: models.CustomerKindNone, VerifiedStatus: models.NotVerified,
				Frozen: models.NotFrozen, Currency: models.CNY, PartnerID: partner, Mode: models.Resale, AssociatedAt: &at, CreatedAt: at, UpdatedAt: at,
				EmailBlind: fmt.Sprint("e", i), PhoneBlind: fmt.Sprint("p", i),
			}
			if i%10 == 0 {
				c.Kind, c.VerifiedStatus, c.AccountManagerID = models.Enterprise, models.Verified, member.ID
			}
			for _, tag := range []string{"north", "south", "east"}[:1+i%3] {
				tags = append(tags, models.CustomerTag{PartnerID: partner, Tag: tag, CustomerID: c.ID})
			}
			if i%10 == 0 {
				tags = append(tags, models.CustomerTag{PartnerID: partner, Tag: "vip", CustomerID: c.ID})
			}
			if i%100 == 0 {
				c.Frozen = models.FrozenAccount
			}
			rows = append(rows, c)
			associations = append(associations, models.Association{
				ID: m.IDs(models.PrefixAssociation), CustomerID: c.ID, PartnerID: partner, Mode: models.Resale, Source: models.SourceAPI, Since: at,
			})
		}
		insert(&rows)
		insert(&associations)
		insert(&tags)
	}
	if _, err := m.DB.ExecContext(m.ctx, "ANALYZE"); err != nil {
		m.t.Fatal(err)
	}
	return member
}

// TestEverySearchUsesAnIndex: one statement per page, which reads the table through an index whatever is asked for, and sorts no more than what it finds.
func TestEverySearchUsesAnIndex(t *testing.T) {
	t.Parallel()
	const n = 8000
	for engine, url := range map[string]string{
		"sqlite": storetest.SQLiteURL(t), "postgres": storetest.InText(storetest.PostgresURL(t)),
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			m := newManaged(t, storetest.Open(t, url))
			searchTheCrowd(t, m, m.crowd(n), n)
		})
	}
}

func searchTheCrowd(t *testing.T, m *managed, member models.User, n int) {
	t.Helper()
	last := storetest.HookLast(m.DB)
	who := asPartner(m.provider)
	type filter = customers.CustomerFilter
	day := m.at.Add(24 * time.Hour)
	for name, c := range map[string]struct {
		filter
		sorts bool // a narrow range of another column may be sorted
	}{
		"all": {filter{}, false}, "its own": {filter{PartnerID: &m.provider.ID}, false}, "mode": {filter{Mode: ptr(models.Resale)}, false},
		"tag": {filter{Tag: ptr("north")}, false}, "a tag of few": {filter{Tag: ptr("vip")}, true}, "manager": {filter{AccountManagerID: &member.ID}, false}, "verified": {filter{VerifiedStatus: ptr(models.Verified)}, false},
		"frozen": {filter{Frozen: ptr(models.FrozenAccount)}, false}, "not frozen": {filter{Frozen: ptr(models.NotFrozen)}, false}, "kind": {filter{Kind: ptr(models.Enterprise)}, false},
		"e-mail": {filter{Email: ptr("a@b.example")}, true}, "phone": {filter{Phone: ptr("0086-1380000")}, true}, "created": {filter{CreatedAfter: &m.at, CreatedBefore: &day}, true},
		"associated": {filter{AssociatedAfter: &m.at, AssociatedBefore: &day}, true}, "prefix": {filter{Query: ptr("crowd-00010")}, true}, "external": {filter{ExternalID: ptr("x")}, true},
		"tag, verified and frozen": {filter{Tag: ptr("vip"), VerifiedStatus: ptr(models.Verified), Frozen: ptr(models.FrozenAccount)}, true}, // six are sorted
		"tag, verified and kind":   {filter{Tag: ptr("north"), VerifiedStatus: ptr(models.NotVerified), Kind: ptr(models.CustomerKindNone)}, false},
		"manager and kind":         {filter{AccountManagerID: &member.ID, Kind: ptr(models.Enterprise), Mode: ptr(models.Resale)}, false},
	} {
		for _, after := range []bool{false, true} {
			args := models.PageArgs{}
			if after {
				var deep models.Customer // half the rows are left: of few, a planner may rather sort them all than walk an index
				m.done("deep", m.DB.NewSelect().Model(&deep).Where("c.name = ?", fmt.Sprintf("crowd-%06d", n/2)).Scan(m.ctx))
				args.After = ptr(models.Cursor("customers", deep.ID))
			}
			ctx, counter := store.CountStatements(m.ctx)
			_, err := m.Find(ctx, who, c.filter, args)
			m.done(name, err)
			if counter.Count() != 1 {
				t.Errorf("%s: %d statements", name, counter.Count())
			}
			plan := storetest.Explain(t, m.DB, last.Text)
			for _, dear := range []string{"Seq Scan on customers", "SCAN c\n", "SCAN ct\n", "SCAN a\n", "Seq Scan on customer_tags", "Seq Scan on associations"} {
				if strings.Contains(plan+"\n", dear) {
					t.Errorf("%s (deep %v): %s in\n%s\n%s", name, after, dear, plan, last.Text)
				}
			}
			if !c.sorts && sortsMany(plan) {
				t.Errorf("%s (deep %v): sorted in\n%s\n%s", name, after, plan, last.Text)
			}
		}
	}
}

var sortNode = regexp.MustCompile(`Sort  \(cost=\S+ rows=(\d+) `)

// sortsMany says whether a plan sorts more than a few pages of rows. PostgreSQL may choose to sort what it takes for a few rows instead of
// walking an index past those that do not match; which of the two is cheaper is its business, and differs by a sample of the table.
func sortsMany(plan string) bool {
	if strings.Contains(plan, "TEMP B-TREE") {
		return true
	}
	for _, node := range sortNode.FindAllStringSubmatch(plan, -1) {
		if rows, err := strconv.Atoi(node[1]); err != nil || rows > 100 {
			return true
		}
	}
	return false
}
