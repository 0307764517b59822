package funds_test

import (
	"context"
	"encoding/base64"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/seal"
	"github.com/partnergraph/partnergraph/store/storetest"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// shop is a distributor with a reseller, another partner beside it, and their customers.
type shop struct {
	*funds.Service
	t                                         *testing.T
	distributor, reseller, stranger           models.ID
	resale, advisory, resellers, other, empty models.ID
}

func newShop(t *testing.T, db *store.DB) *shop {
	ids, now := models.RandomIDs(), func() time.Time { return noon }
	sealer, err := seal.New("k:" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef")))
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, Service: &funds.Service{
		DB: db, Now: now, IDs: ids, Seal: sealer, Ledger: &ledger.Service{DB: db, Now: now, IDs: ids}, Events: &events.Recorder{IDs: ids, Now: now},
	}}
	partner := func(kind models.PartnerKind, parent models.ID) models.ID {
		p := models.Partner{ID: ids(models.PrefixPartner), Cloud: "sim", Kind: kind, Name: "P", ParentID: parent, Currency: models.CNY, CreatedAt: noon, UpdatedAt: noon}
		s.insert(&p)
		return p.ID
	}
	customer := func(partner models.ID, mode models.AssociationMode, currency models.Currency) models.ID {
		c := models.Customer{ID: ids(models.PrefixCustomer), Cloud: "sim", PartnerID: partner, Mode: mode, Frozen: models.NotFrozen, Currency: currency, CreatedAt: noon, UpdatedAt: noon}
		c.Name = string(c.ID)
		s.insert(&c)
		return c.ID
	}
	s.distributor = partner(models.Distributor, "")
	s.reseller = partner(models.CloudReseller, s.distributor)
	s.stranger = partner(models.SolutionProvider, "")
	s.resale = customer(s.distributor, models.Resale, models.CNY)
	s.advisory = customer(s.distributor, models.Advisory, models.CNY)
	s.resellers = customer(s.reseller, models.Resale, models.CNY)
	s.other = customer(s.stranger, models.Resale, models.CNY)
	s.empty = customer(s.distributor, models.Resale, models.USD)
	return s
}

func (s *shop) insert(row any) {
	s.t.Helper()
	if _, err := s.DB.NewInsert().Model(row).Exec(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

// give puts money from the outside into an account of an owner.
func (s *shop) give(kind models.OwnerKind, owner models.ID, account models.AccountKind, asset string, amount, hold int64) {
	s.t.Helper()
	err := s.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		world, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: "sim", Kind: models.AccountWorld, Asset: asset})
		if err != nil {
			return err
		}
		to, err := s.Ledger.Open(ctx, tx, ledger.AccountSpec{OwnerKind: kind, OwnerID: string(owner), Kind: account, Asset: asset, Floor: new(int64)})
		if err != nil {
			return err
		}
		_, _, err = s.Ledger.Post(ctx, tx, models.SystemPrincipal("test"), ledger.Posting{
			Kind: models.TransferRecharge, Legs: []ledger.Leg{{AccountID: world.ID, AmountMinor: -amount}, {AccountID: to.ID, AmountMinor: amount}},
		})
		if err != nil || hold == 0 {
			return err
		}
		_, _, err = s.Ledger.Place(ctx, tx, ledger.PlaceHold{AccountID: to.ID, AmountMinor: hold, ExpiresAt: noon.Add(time.Hour)})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func cny(minor int64) models.Money { return models.NewMoney(minor, models.CNY) }

func TestBalanceAddsUpTheMoneyAccounts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 1000, 100)
		s.give(models.OwnerCustomer, s.resale, models.AccountBonus, "CNY", 50, 0)
		s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "USD", 7, 0)
		s.give(models.OwnerCustomer, s.resale, models.AccountAllocatable, "CNY", 9, 0)
		s.give(models.OwnerPartner, s.resale, models.AccountBalance, "CNY", 5, 0) // the same id as another kind of owner
		s.give(models.OwnerPartner, s.distributor, models.AccountDeposit, "CNY", 300, 0)

		operator := models.Principal{Kind: models.Operator, Permissions: []models.Permission{models.ReadBalances}}
		ctx, counter := store.CountStatements(context.Background())
		got, err := s.CustomerBalances(ctx, operator, []models.ID{s.resale, s.empty, "cus_01h455vb4pex5vsknk084sn02q"})
		if err != nil {
			t.Fatal(err)
		}
		if counter.Count() != 2 {
			t.Errorf("statements: %v, want two", counter.Statements())
		}
		want := map[models.ID]models.Balance{
			s.resale: {
				Available: cny(950), Total: cny(1050), Held: cny(100), Earmarked: cny(0), Allocatable: cny(900), Version: 3, AsOf: noon,
				Accounts: []models.BalanceAccount{{Type: models.AccountBalance, Amount: cny(1000)}, {Type: models.AccountBonus, Amount: cny(50)}},
			},
			s.empty: {
				Available: models.NewMoney(0, models.USD), Total: models.NewMoney(0, models.USD),
				Held: models.NewMoney(0, models.USD), Earmarked: models.NewMoney(0, models.USD), Allocatable: models.NewMoney(0, models.USD), AsOf: noon,
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("customers' balances (-want +got):\n%s", diff)
		}

		ctx, counter = store.CountStatements(context.Background())
		partners, err := s.PartnerBalances(ctx, operator, []models.ID{s.distributor, s.reseller, s.stranger})
		if err != nil || counter.Count() != 2 {
			t.Fatalf("%v, statements: %v", err, counter.Statements())
		}
		if got := partners[s.distributor].Available; len(partners) != 3 || got != cny(300) || partners[s.reseller].Total != cny(0) {
			t.Errorf("partners' balances: %+v", partners)
		}
	})
}

// rows reads what the customers' rows say.
func (s *shop) rows(t *testing.T, ids map[string]models.ID) []funds.CustomerRow {
	t.Helper()
	var customers []models.Customer
	if err := s.DB.NewSelect().Model(&customers).Where("c.id IN (?)", bun.List(values(ids))).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := make([]funds.CustomerRow, len(customers))
	for i := range customers {
		rows[i] = funds.RowOf(&customers[i])
	}
	return rows
}

func TestWhoSeesWhoseBalance(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		may := []models.Permission{models.ReadBalances}
		partner := func(id models.ID, kind models.PartnerKind) models.Principal {
			return models.Principal{Kind: models.PartnerKey, PartnerID: id, PartnerKind: kind, Permissions: may}
		}
		partners := map[string]models.ID{"distributor": s.distributor, "reseller": s.reseller, "stranger": s.stranger}
		customers := map[string]models.ID{"resale": s.resale, "advisory": s.advisory, "reseller's": s.resellers, "other": s.other}
		for name, tt := range map[string]struct {
			who       models.Principal
			partners  []string
			customers []string
		}{
			"an operator":          {models.Principal{Kind: models.Operator, Permissions: may}, []string{"distributor", "reseller", "stranger"}, []string{"advisory", "other", "resale", "reseller's"}},
			"the distributor":      {partner(s.distributor, models.Distributor), []string{"distributor", "reseller"}, []string{"resale", "reseller's"}},
			"the reseller":         {partner(s.reseller, models.CloudReseller), []string{"reseller"}, []string{"reseller's"}},
			"the stranger":         {partner(s.stranger, models.SolutionProvider), []string{"stranger"}, []string{"other"}},
			"an advisory customer": {models.Principal{Kind: models.CustomerUser, CustomerID: s.advisory, Permissions: may}, nil, []string{"advisory"}},
		} {
			seenPartners, err := s.PartnerBalances(context.Background(), tt.who, values(partners))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			seenCustomers, err := s.CustomerBalances(context.Background(), tt.who, values(customers))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if diff := cmp.Diff(tt.partners, names(partners, seenPartners)); diff != "" {
				t.Errorf("%s sees partners (-want +got):\n%s", name, diff)
			}
			if diff := cmp.Diff(tt.customers, names(customers, seenCustomers)); diff != "" {
				t.Errorf("%s sees customers (-want +got):\n%s", name, diff)
			}
			byRow, err := s.BalancesOfRows(context.Background(), tt.who, s.rows(t, customers))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			seenByRow := map[models.ID]models.Balance{}
			for row, balance := range byRow {
				seenByRow[row.ID] = balance
			}
			if diff := cmp.Diff(tt.customers, names(customers, seenByRow)); diff != "" {
				t.Errorf("%s sees customers by their rows (-want +got):\n%s", name, diff)
			}
		}
		for who, code := range map[*models.Principal]models.Code{
			{}: models.CodeUnauthenticated, {Kind: models.PartnerKey, PartnerID: s.distributor}: models.CodeForbidden,
		} {
			_, ofPartners := s.PartnerBalances(context.Background(), *who, nil)
			_, ofCustomers := s.CustomerBalances(context.Background(), *who, nil)
			_, byRow := s.BalancesOfRows(context.Background(), *who, nil)
			if models.CodeOf(ofPartners) != code || models.CodeOf(ofCustomers) != code || models.CodeOf(byRow) != code {
				t.Errorf("%q without the permission: %v, %v, %v; want %s", who.Kind, ofPartners, ofCustomers, byRow, code)
			}
		}
	})
}
