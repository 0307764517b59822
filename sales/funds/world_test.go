package funds_test

import (
	"context"
	"errors"
	"sync"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
)

// as is a program of one of the partners.
func (s *shop) as(partner models.ID) models.Principal {
	kinds := map[models.ID]models.PartnerKind{s.distributor: models.Distributor, s.reseller: models.CloudReseller, s.stranger: models.SolutionProvider}
	keys := map[models.ID]models.ID{s.distributor: "key_distributor", s.reseller: "key_reseller", s.stranger: "key_stranger"}
	return models.Principal{
		Kind: models.PartnerKey, KeyID: keys[partner], PartnerID: partner, PartnerKind: kinds[partner], RequestID: "test",
		Permissions: models.DefaultPermissions(models.PartnerKey, kinds[partner]),
	}
}

// partner makes one more partner without a parent.
func (s *shop) partner(kind models.PartnerKind) models.ID {
	s.t.Helper()
	p := models.Partner{
		ID: s.Ledger.IDs(models.PrefixPartner), Cloud: "sim", Kind: kind, Name: "P", Currency: models.CNY, CreatedAt: noon, UpdatedAt: noon,
	}
	s.insert(&p)
	return p.ID
}

// customer makes one more resale customer.
func (s *shop) customer(partner models.ID, frozen models.FrozenScope) models.ID {
	s.t.Helper()
	c := models.Customer{
		ID: s.Ledger.IDs(models.PrefixCustomer), Cloud: "sim", PartnerID: partner, Frozen: frozen, Currency: models.CNY,
		CreatedAt: noon, UpdatedAt: noon,
	}
	if c.Name = string(c.ID); partner != "" {
		c.Mode = models.Resale
	}
	s.insert(&c)
	return c.ID
}

func (s *shop) withCustomer() map[string]func(context.Context, models.Principal, funds.CustomerMove) (funds.Moved, error) {
	return map[string]func(context.Context, models.Principal, funds.CustomerMove) (funds.Moved, error){
		"fund": s.FundCustomer, "reclaim": s.ReclaimFromCustomer,
	}
}

func (s *shop) withReseller() map[string]func(context.Context, models.Principal, funds.ResellerMove) (funds.Moved, error) {
	return map[string]func(context.Context, models.Principal, funds.ResellerMove) (funds.Moved, error){
		"fund": s.FundReseller, "reclaim": s.ReclaimFromReseller,
	}
}

// want fails the test unless err is a refusal of this kind; "" = no error.
func (s *shop) want(err error, refused string) {
	s.t.Helper()
	if refusal(err) != refused {
		s.t.Errorf("got %v, want %q", err, refused)
	}
}

func (s *shop) wantMoved(got funds.Moved, kind models.TransferKind, partner, target string) {
	s.t.Helper()
	if got.Transfer.Kind != kind || got.Transfer.ID == "" || got.Transfer.CreatedAt.IsZero() ||
		got.PartnerBalance.Available.String() != partner || got.TargetBalance.Available.String() != target {
		s.t.Errorf("%s %q leaves %s and %s, want %s, %s and %s", got.Transfer.Kind, got.Transfer.ID,
			got.PartnerBalance.Available, got.TargetBalance.Available, kind, partner, target)
	}
}

// cash is what an owner has in CNY, in minor units.
func (s *shop) cash(owner models.ID) int64 {
	s.t.Helper()
	accounts, err := s.Ledger.Accounts(context.Background(), s.DB, []string{string(owner)})
	s.want(err, "")
	return models.BalanceOf(accounts, models.CNY, noon).Total.Minor
}

// everything counts the rows that a refusal must not leave behind, and lists all balances.
func (s *shop) everything() map[string]int64 {
	s.t.Helper()
	seen := map[string]int64{}
	for _, table := range []string{"transfers", "entries", "events", "outbox", "idempotency_keys", "accounts"} {
		rows, err := s.DB.NewSelect().Table(table).Count(context.Background())
		s.want(err, "")
		seen[table] = rows
	}
	var accounts []models.Account
	s.want(s.DB.NewSelect().Model(&accounts).Scan(context.Background()), "")
	for _, account := range accounts {
		seen[string(account.ID)] = account.BalanceMinor
	}
	return seen
}

// sound fails the test when the ledger breaks an invariant.
func (s *shop) sound() {
	s.t.Helper()
	report, err := s.Ledger.Audit(context.Background())
	if err != nil || report.Breaches() != 0 {
		s.t.Errorf("audit: %+v, %v", report, err)
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

// atOnce runs fn n times at the same time and returns what it returned.
func atOnce[T any](n int, fn func(i int) T) []T {
	answers := make([]T, n)
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
