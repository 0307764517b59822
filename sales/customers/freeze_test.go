package customers_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// TestAFreezeGoesItsWay is C21: every move from every state, and by whom.
func TestAFreezeGoesItsWay(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		who := asPartner(m.reseller)
		c := m.create("some-name", m.reseller.ID, models.Resale)
		freeze := func(who models.Principal, scope models.FrozenScope, reason string) error {
			return errOf(m.Freeze(m.ctx, who, customers.FreezeCustomer{CustomerID: c.ID, Scope: scope, Reason: reason}))
		}
		unfreeze := func(who models.Principal, reason string) error {
			return errOf(m.Unfreeze(m.ctx, who, customers.UnfreezeCustomer{CustomerID: c.ID, Reason: reason}))
		}
		const account, all = models.FrozenAccount, models.FrozenAccountAndResources
		m.refused("not frozen", "NOT_FROZEN", unfreeze(who, "r"))
		for name, err := range map[string]error{
			"no scope": freeze(who, models.NotFrozen, "r"), "no reason": freeze(who, account, ""), "a long reason": freeze(who, account, strings.Repeat("r", 257)), "no reason to end": unfreeze(who, ""),
		} {
			m.refused(name, "INVALID", err)
		}
		m.done("freeze", freeze(who, account, "does not answer"))
		want := &models.CustomerFreeze{Scope: account, By: ptr(models.FrozenByPartner), Reason: ptr("does not answer"), Since: &m.at}
		if diff := cmp.Diff(want, m.row(c.ID).Freeze()); diff != "" {
			t.Errorf("frozen:\n%s", diff)
		}
		m.refused("again", "ALREADY_FROZEN", freeze(who, account, "r"))
		if len(m.frozen) != 0 {
			t.Error("resources were frozen with the account alone")
		}
		m.done("further", freeze(who, all, "r"))
		m.refused("less", "ALREADY_FROZEN", freeze(operator(), account, "r"))
		m.done("unfreeze", unfreeze(who, "r"))
		if m.row(c.ID).Freeze() != nil || len(m.frozen) != 1 || len(m.thawed) != 1 {
			t.Errorf("unfrozen: %+v, resources %v %v", m.row(c.ID), m.frozen, m.thawed)
		}
		m.done("by an operator", freeze(operator(), account, "r"))
		m.refused("a partner, further", "FROZEN_BY_OPERATOR", freeze(who, all, "r"))
		m.refused("a partner unfreezes", "FROZEN_BY_OPERATOR", unfreeze(who, "r"))
		m.done("an operator unfreezes", unfreeze(operator(), "r"))
		m.set(c, "frozen", account) // by whom nobody knows
		m.refused("of unknown origin", "FROZEN_BY_OPERATOR", unfreeze(who, "r"))
		if frozen, ended := m.happened(models.EventCustomerFrozen), m.happened(models.EventCustomerUnfrozen); frozen != 3 || ended != 2 {
			t.Errorf("%d and %d events", frozen, ended)
		}
		_, err := m.EndAssociation(m.ctx, operator(), customers.EndAssociation{CustomerID: c.ID, Reason: "r", IdempotencyKey: "k"})
		m.refused("the end of the association", "CUSTOMER_FROZEN", err)
	})
}

// TestAFreezeWaitsForMoneyUnderWay: whoever holds the customer's accounts is waited for, which is the house's rule of locks.
func TestAFreezeWaitsForMoneyUnderWay(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		c := m.create("some-name", m.reseller.ID, models.Resale)
		floor := int64(0)
		m.done("account", m.DB.InTx(m.ctx, func(ctx context.Context, tx bun.Tx) error {
			return m.Ledger.Make(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCustomer, OwnerID: string(c.ID), Kind: models.AccountBalance, Asset: "CNY", Floor: &floor})
		}))
		held, frozen := make(chan struct{}), make(chan error, 1)
		m.done("a move", m.DB.InTx(m.ctx, func(ctx context.Context, tx bun.Tx) error {
			if _, err := m.Ledger.LockOwners(ctx, tx, c.ID); err != nil {
				return err
			}
			close(held)
			go func() {
				_, err := m.Freeze(m.ctx, asPartner(m.reseller), customers.FreezeCustomer{CustomerID: c.ID, Scope: models.FrozenAccount, Reason: "r"})
				frozen <- err
			}()
			select {
			case err := <-frozen:
				t.Errorf("the freeze did not wait: %v", err)
			case <-time.After(300 * time.Millisecond):
			}
			return nil
		}))
		<-held
		m.done("the freeze", <-frozen)
	})
}

func TestACustomerHasOneAccountManager(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		who := asPartner(m.reseller)
		c := m.create("some-name", m.reseller.ID, models.Resale)
		ann, bob, foreign := m.member(m.reseller, "ann"), m.member(m.reseller, "bob"), m.member(m.distributor, "foreign")
		assign := func(user models.ID) error {
			return errOf(m.AssignManager(m.ctx, who, customers.AssignAccountManager{CustomerID: c.ID, UserID: user}))
		}
		manager := func(who models.Principal) string {
			found, err := m.ManagersFor(m.ctx, who, []models.ID{c.ID})
			m.done("managers", err)
			return found[c.ID].LoginName
		}
		m.refused("nobody to remove", "NO_ACCOUNT_MANAGER", errOf(m.RemoveManager(m.ctx, who, customers.RemoveAccountManager{CustomerID: c.ID})))
		m.refused("the distributor's", "NOT_FOUND", assign(foreign.ID))
		m.refused("unknown", "NOT_FOUND", assign(m.IDs(models.PrefixUser)))
		m.refused("no person", "INVALID", assign(c.ID))
		m.done("assign", assign(ann.ID))
		m.done("the same", assign(ann.ID))
		m.done("reassign", assign(bob.ID))
		if manager(who) != "bob" || manager(operator()) != "bob" || manager(asPartner(m.distributor)) != "" || manager(asCustomer(c)) != "" {
			t.Errorf("seen: %q %q %q %q", manager(who), manager(operator()), manager(asPartner(m.distributor)), manager(asCustomer(c)))
		}
		_, err := m.DB.NewUpdate().Table("users").Set("state = ?", models.UserDisabled).Where("id = ?", ann.ID).Exec(m.ctx)
		m.done("disable", err)
		m.refused("disabled", "PERSON_DISABLED", assign(ann.ID))
		m.done("remove", errOf(m.RemoveManager(m.ctx, who, customers.RemoveAccountManager{CustomerID: c.ID})))
		if manager(who) != "" || m.happened(models.EventAccountManagerAssigned) != 2 || m.happened(models.EventAccountManagerRemoved) != 1 {
			t.Errorf("after the removal: %q", manager(who))
		}
	})
}

// TestContactsAreSealed is C19.
func TestContactsAreSealed(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		who := asPartner(m.reseller)
		c := m.create("some-name", m.reseller.ID, models.Resale)
		set := func(contacts ...models.CustomerContact) error {
			return errOf(m.SetContacts(m.ctx, who, customers.SetCustomerContacts{CustomerID: c.ID, Contacts: contacts}))
		}
		want := []models.CustomerContact{{Name: "Ann Example", Email: ptr("ann@acme.example"), Phone: ptr("0086-13800000001"), Role: ptr("finance")}, {Name: "Bob"}}
		m.done("set", set(want[1]))
		m.done("set", set(want...))
		see := func(who models.Principal) []models.CustomerContact {
			found, err := m.ContactsFor(m.ctx, who, []models.ID{c.ID})
			m.done("contacts", err)
			return found[c.ID]
		}
		if diff := cmp.Diff(want, see(who)); diff != "" {
			t.Errorf("contacts:\n%s", diff)
		}
		if see(asPartner(m.distributor)) != nil || see(asCustomer(c)) != nil || see(asPartner(m.stranger)) != nil || len(see(operator())) != 2 {
			t.Error("others see other contacts than they may")
		}
		var row models.CustomerContacts
		m.done("row", m.DB.NewSelect().Model(&row).Scan(m.ctx))
		if strings.Contains(string(row.Sealed), "Ann") {
			t.Error("not sealed")
		}
		many := make([]models.CustomerContact, 21)
		for i := range many {
			many[i].Name = "n"
		}
		m.refused("twenty-one", "INVALID", set(many...))
		m.done("twenty", set(many[:20]...))
		for name, c := range map[string]models.CustomerContact{
			"no name": {}, "a long name": {Name: strings.Repeat("n", 65)}, "an address": {Name: "n", Email: ptr("x")}, "a number": {Name: "n", Phone: ptr("x")}, "a role": {Name: "n", Role: ptr("a\nb")},
		} {
			m.refused(name, "INVALID", set(c))
		}
		m.done("none", set())
		if len(see(who)) != 0 {
			t.Errorf("still %v", see(who))
		}
	})
}

// TestABudgetTellsOnceInACycle is C22, over two months.
func TestABudgetTellsOnceInACycle(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		who := asPartner(m.reseller)
		c := m.create("some-name", m.reseller.ID, models.Resale)
		watch := func(when string, spent int64, want int) {
			t.Helper()
			m.spending[c.ID] = spent
			told, err := m.WatchBudgets(m.ctx)
			if err != nil || told != want {
				t.Errorf("%s: %d told, want %d: %v", when, told, want, err)
			}
		}
		set := func(cmd customers.SetCustomerBudget) error {
			cmd.CustomerID = c.ID
			return errOf(m.SetBudget(m.ctx, who, cmd))
		}
		watch("without a budget", 1, 0)
		m.done("set", set(customers.SetCustomerBudget{Kind: models.MonthlyBudget, Amount: decimal.New(1000, -1), AlertPercents: []int32{100, 50, 80, 80}, Freeze: true}))
		want := []models.SpendingPeriod{{
			CustomerID: c.ID, PartnerID: m.reseller.ID, Currency: models.CNY,
			From: time.Date(2026, 10, 31, 16, 0, 0, 0, time.UTC), Until: time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC),
		}}
		if diff := cmp.Diff(want, m.asked); diff != "" {
			t.Errorf("measured (-want +got):\n%s", diff)
		}
		watch("below", 4_999, 0)
		watch("half", 5_000, 1)
		watch("half again", 5_001, 0)
		watch("both at once", 10_000, 1) // 80 and 100, told of as the higher one; and frozen
		watch("beyond", 20_000, 0)
		if freeze := m.row(c.ID).Freeze(); freeze == nil || *freeze.By != models.FrozenByBudget || freeze.Scope != models.FrozenAccount {
			t.Errorf("frozen: %+v", freeze)
		}
		m.done("unfreeze", errOf(m.Unfreeze(m.ctx, who, customers.UnfreezeCustomer{CustomerID: c.ID, Reason: "r"})))
		watch("unfrozen in the same cycle", 20_000, 0)
		if m.row(c.ID).Freeze() != nil {
			t.Error("frozen twice in a cycle")
		}
		seen, err := m.BudgetsFor(m.ctx, who, []models.ID{c.ID})
		m.done("budgets", err)
		if b := seen[c.ID]; b.SpentMinor != 20_000 || b.Cycle != "2026-11" || b.AlertPercents[2] != 100 || len(b.AlertPercents) != 3 {
			t.Errorf("seen: %+v", b)
		}
		// The next cycle begins at midnight in UTC+8.
		m.at = time.Date(2026, 11, 30, 15, 59, 59, 0, time.UTC)
		watch("a second before", 10_000, 0)
		m.at = m.at.Add(time.Second)
		watch("the next cycle", 10_000, 1)
		if m.row(c.ID).Freeze() == nil || m.asked[0].From != m.at {
			t.Errorf("the next cycle: %+v %v", m.row(c.ID).Freeze(), m.asked)
		}
		var events []models.Event
		m.done("events", m.DB.NewSelect().Model(&events).Where("type = ?", models.EventBudgetAlert).Order("id").Scan(m.ctx))
		var percents []float64
		for _, e := range events {
			percent, _ := e.Data["percent"].(float64)
			percents = append(percents, percent)
			if e.PartnerID != m.reseller.ID || e.CustomerID != c.ID || e.Data["amount"] != "100.00" {
				t.Errorf("event %+v", e)
			}
		}
		if diff := cmp.Diff([]float64{50, 100, 100}, percents); diff != "" {
			t.Errorf("told:\n%s", diff)
		}
		// Setting it anew looks at once, and tells anew.
		m.done("set", set(customers.SetCustomerBudget{Kind: models.PackageBudget, Amount: decimal.New(100, 0)}))
		if n := m.happened(models.EventBudgetAlert); n != 4 {
			t.Errorf("%d alerts", n)
		}
		m.at = m.at.AddDate(0, 2, 0)
		watch("a package has no cycles", 10_000, 0)
		if from := m.asked[0].From; !from.Equal(time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC)) {
			t.Errorf("a package since %s", from)
		}
		m.done("remove", errOf(m.RemoveBudget(m.ctx, who, customers.RemoveCustomerBudget{CustomerID: c.ID})))
		m.refused("none to remove", "NOT_FOUND", errOf(m.RemoveBudget(m.ctx, who, customers.RemoveCustomerBudget{CustomerID: c.ID})))
		for name, cmd := range map[string]customers.SetCustomerBudget{
			"another kind": {Kind: "YEARLY", Amount: decimal.New(1, 0)}, "nothing": {Kind: models.MonthlyBudget}, "three digits": {Kind: models.MonthlyBudget, Amount: decimal.New(1005, -3)},
			"huge": {Kind: models.MonthlyBudget, Amount: decimal.New(1, 30)}, "zero percent": {Kind: models.MonthlyBudget, Amount: decimal.New(1, 0), AlertPercents: []int32{0}},
			"101 percent": {Kind: models.MonthlyBudget, Amount: decimal.New(1, 0), AlertPercents: []int32{101}},
			"six shares":  {Kind: models.MonthlyBudget, Amount: decimal.New(1, 0), AlertPercents: []int32{1, 2, 3, 4, 5, 6}},
		} {
			m.refused(name, "INVALID", set(cmd))
		}
	})
}

// TestReplicasTellOfABudgetOnce: several look at once.
func TestReplicasTellOfABudgetOnce(t *testing.T) {
	t.Parallel()
	eachManaged(t, func(t *testing.T, m *managed) {
		for _, name := range []string{"first-one", "second-one", "third-one"} {
			c := m.create(name, m.reseller.ID, models.Resale)
			m.done("set", errOf(m.SetBudget(m.ctx, asPartner(m.reseller), customers.SetCustomerBudget{
				CustomerID: c.ID, Kind: models.MonthlyBudget, Amount: decimal.New(1, 0), Freeze: true,
			})))
			m.spending[c.ID] = 100
		}
		spending := played(m.spending)
		m.Spending = spending
		results := make(chan int)
		for range 6 {
			go func() {
				told, err := m.WatchBudgets(m.ctx)
				if err != nil {
					t.Error(err)
				}
				results <- told
			}()
		}
		told := 0
		for range 6 {
			told += <-results
		}
		if told != 3 || m.happened(models.EventBudgetAlert) != 3 || m.happened(models.EventCustomerFrozen) != 3 {
			t.Errorf("%d told, %d events, %d freezes", told, m.happened(models.EventBudgetAlert), m.happened(models.EventCustomerFrozen))
		}
	})
}

// played is spending that nobody changes, so that many may look.
type played map[models.ID]int64

func (p played) SpentIn(context.Context, bun.IDB, []models.SpendingPeriod) (map[models.ID]int64, error) {
	return p, nil
}
