package funds_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/watch"
)

// caller is who a credential belongs to, until that changes.
type caller struct {
	who atomic.Pointer[models.Principal]
	err atomic.Pointer[error]
}

func (c *caller) still(context.Context) (models.Principal, error) {
	if err := c.err.Load(); err != nil {
		return models.Principal{}, *err
	}
	return *c.who.Load(), nil
}

// follow begins to watch as a caller whose rights the test may change.
func (s *shop) follow(who models.Principal, cmd funds.Watch) (*watch.Watching[models.Balance], *caller, error) {
	c := &caller{}
	c.who.Store(&who)
	w, err := s.Watch(s.t.Context(), who, cmd, c.still)
	return w, c, err
}

// next is the next balance of a watch, or why there is none.
func (s *shop) next(w *watch.Watching[models.Balance]) (models.Balance, error) {
	s.t.Helper()
	select {
	case balance, more := <-w.Values():
		if !more {
			return balance, w.Err()
		}
		return balance, nil
	case <-time.After(20 * time.Second):
		s.t.Fatal("nothing is said")
		return models.Balance{}, nil
	}
}

// pay gives the resale customer one cent.
func (s *shop) pay(key string) {
	s.t.Helper()
	_, err := s.FundCustomer(context.Background(), s.as(s.distributor), funds.CustomerMove{
		CustomerID: s.resale, Amount: decimal.New(1, -2), IdempotencyKey: key,
	})
	s.want(err, "")
}

func TestAWatchShowsTheBalanceAndThenEachNewer(t *testing.T) {
	t.Parallel()
	eachCached(t, func(t *testing.T, s *shop) {
		go s.RunWatches(t.Context())
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 1000, 0)
		for name, row := range map[string]struct {
			who models.Principal
			cmd funds.Watch
		}{
			"the customer its own": {s.user(s.resale), funds.Watch{}},
			"the partner":          {s.as(s.distributor), funds.Watch{CustomerID: &s.resale}},
		} {
			w, _, err := s.follow(row.who, row.cmd)
			if err != nil {
				t.Fatal(err)
			}
			last, err := s.next(w)
			s.want(err, "")
			for i := range 3 {
				s.pay(fmt.Sprint(name, i))
				now, err := s.next(w)
				if err != nil || now.Version != last.Version+1 || now.Total.Minor != last.Total.Minor+1 {
					t.Errorf("%s: %+v after %+v, %v", name, now, last, err)
				}
				last = now
			}
			// Of many in quick succession only the newest matters, and it comes.
			for i := range 30 {
				s.pay(fmt.Sprint(name, "burst", i))
			}
			sent := 0
			for want := last.Version + 30; last.Version < want; sent++ {
				now, err := s.next(w)
				if err != nil || now.Version <= last.Version {
					t.Fatalf("%s: %+v after %+v, %v", name, now, last, err)
				}
				last = now
			}
			if sent == 30 {
				t.Logf("%s: a burst of 30 was slow enough to be told in full", name)
			}
		}
		s.sound()
	})
}

func TestASlowReaderGetsTheNewest(t *testing.T) {
	t.Parallel()
	eachCached(t, func(t *testing.T, s *shop) {
		go s.RunWatches(t.Context())
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 1000, 0)
		w, _, err := s.follow(s.user(s.resale), funds.Watch{})
		s.want(err, "")
		for i := range 20 {
			s.pay(fmt.Sprint(i))
		}
		// The first look at it waits to be read all the while, and is replaced.
		time.Sleep(time.Second)
		if got, err := s.next(w); err != nil || got.Version != 20 {
			t.Errorf("version %d, %v", got.Version, err)
		}
	})
}

func TestAWatchLooksByItselfWhenNobodyTellsIt(t *testing.T) {
	t.Parallel()
	eachCached(t, func(t *testing.T, s *shop) {
		s.LookEvery = 50 * time.Millisecond // and nobody listens to the bus
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 1000, 0)
		w, _, err := s.follow(s.user(s.resale), funds.Watch{})
		s.want(err, "")
		for version := range int64(3) {
			if got, err := s.next(w); err != nil || got.Version != version {
				t.Errorf("version %d, %v, want %d", got.Version, err, version)
			}
			s.pay(fmt.Sprint(version))
		}
	})
}

func TestWhoMayWatchWhat(t *testing.T) {
	t.Parallel()
	eachCached(t, func(t *testing.T, s *shop) {
		unknown, malformed, partner := models.ID("cus_01h455vb4pex5vsknk084sn02q"), models.ID("nonsense"), s.distributor
		operator := models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
		narrow := s.as(s.distributor)
		narrow.Permissions = []models.Permission{models.ReadOrders}
		for name, row := range map[string]struct {
			who  models.Principal
			cmd  funds.Watch
			want string
		}{
			"a partner its own":              {s.as(s.distributor), funds.Watch{}, ""},
			"a partner its own by id":        {s.as(s.distributor), funds.Watch{PartnerID: &partner}, ""},
			"a distributor its reseller":     {s.as(s.distributor), funds.Watch{PartnerID: &s.reseller}, ""},
			"its reseller's customer":        {s.as(s.distributor), funds.Watch{CustomerID: &s.resellers}, ""},
			"an operator anybody":            {operator, funds.Watch{CustomerID: &s.other}, ""},
			"an advisory customer its own":   {s.user(s.advisory), funds.Watch{}, ""},
			"an advisory customer's partner": {s.as(s.distributor), funds.Watch{CustomerID: &s.advisory}, "NOT_FOUND"},
			"a reseller its distributor":     {s.as(s.reseller), funds.Watch{PartnerID: &partner}, "NOT_FOUND"},
			"a stranger's partner":           {s.as(s.stranger), funds.Watch{PartnerID: &partner}, "NOT_FOUND"},
			"a stranger's customer":          {s.as(s.stranger), funds.Watch{CustomerID: &s.resale}, "NOT_FOUND"},
			"a customer its partner":         {s.user(s.resale), funds.Watch{PartnerID: &partner}, "NOT_FOUND"},
			"a customer another":             {s.user(s.resale), funds.Watch{CustomerID: &s.other}, "NOT_FOUND"},
			"what does not exist":            {operator, funds.Watch{CustomerID: &unknown}, "NOT_FOUND"},
			"an operator its own":            {operator, funds.Watch{}, "INVALID partnerId"},
			"both":                           {operator, funds.Watch{PartnerID: &partner, CustomerID: &s.resale}, "INVALID customerId"},
			"an id that is none":             {operator, funds.Watch{CustomerID: &malformed}, "INVALID customerId"},
			"a customer's id as a partner's": {operator, funds.Watch{PartnerID: &s.resale}, "INVALID partnerId"},
			"without the permission":         {narrow, funds.Watch{}, "FORBIDDEN"},
			"without a credential":           {models.Principal{}, funds.Watch{CustomerID: &s.resale}, "UNAUTHENTICATED"},
		} {
			w, _, err := s.follow(row.who, row.cmd)
			if refusal(err) != row.want {
				t.Errorf("%s: %v, want %q", name, err, row.want)
			}
			if err == nil {
				_, err := s.next(w)
				s.want(err, "")
			}
		}
	})
}

func TestAWatchEndsWithTheRightToSeeIt(t *testing.T) {
	t.Parallel()
	eachCached(t, func(t *testing.T, s *shop) {
		go s.RunWatches(t.Context())
		s.LookEvery = time.Second
		revoked, away := error(models.Unauthenticated("revoked")), errors.New("the database is away")
		narrow := s.as(s.distributor)
		narrow.Permissions = nil
		for name, row := range map[string]struct {
			end  func(c *caller)
			want error
		}{
			"the key is revoked":     {func(c *caller) { c.err.Store(&revoked) }, watch.ErrCredential},
			"the session ended":      {func(c *caller) { c.who.Store(&models.Principal{Kind: models.Anonymous}) }, watch.ErrCredential},
			"the permission is gone": {func(c *caller) { c.who.Store(&narrow) }, models.Forbidden("")},
			"the association ended": {func(*caller) {
				_, err := s.DB.NewUpdate().Model((*models.Customer)(nil)).Set("partner_id = NULL, mode = NULL").Where("id = ?", s.resale).Exec(t.Context())
				s.want(err, "")
			}, funds.ErrWatchHidden},
		} {
			_, err := s.DB.NewUpdate().Model((*models.Customer)(nil)).Set("partner_id = ?, mode = ?", s.distributor, models.Resale).
				Where("id = ?", s.resale).Exec(t.Context())
			s.want(err, "")
			w, c, err := s.follow(s.as(s.distributor), funds.Watch{CustomerID: &s.resale})
			s.want(err, "")
			_, err = s.next(w)
			s.want(err, "")
			// What nobody can tell now is no reason to end, nor to say anything.
			c.err.Store(&away)
			s.give(models.OwnerCustomer, s.resale, models.AccountBalance, "CNY", 1, 0)
			select {
			case got, more := <-w.Values():
				t.Errorf("%s: %v, %v while nobody knew who was asking", name, got, more)
			case <-time.After(300 * time.Millisecond):
			}
			c.err.Store(nil)
			_, err = s.next(w)
			s.want(err, "")
			row.end(c)
			if got, err := s.next(w); !errors.Is(err, row.want) {
				t.Errorf("%s: %+v, %v, want %v", name, got, err, row.want)
			}
		}
	})
}

func TestWatchesAreBoundedAndEndWithTheServer(t *testing.T) {
	t.Parallel()
	eachCached(t, func(t *testing.T, s *shop) {
		var all []*watch.Watching[models.Balance]
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		who := s.user(s.resale)
		still := func(context.Context) (models.Principal, error) { return who, nil }
		for range watch.Max {
			w, err := s.Watch(ctx, who, funds.Watch{}, still)
			s.want(err, "")
			all = append(all, w)
		}
		_, err := s.Watch(t.Context(), who, funds.Watch{}, still)
		s.want(err, "RATE_LIMITED")
		other, _, err := s.follow(s.user(s.other), funds.Watch{})
		s.want(err, "")
		cancel()
		for _, w := range all {
			for range w.Values() {
			}
			s.want(w.Err(), "")
		}
		again, _, err := s.follow(who, funds.Watch{})
		s.want(err, "")
		s.EndWatches()
		s.EndWatches()
		for _, w := range []*watch.Watching[models.Balance]{other, again} {
			for range w.Values() {
			}
			if !errors.Is(w.Err(), watch.ErrOver) {
				t.Errorf("ended with %v", w.Err())
			}
		}
		_, _, err = s.follow(who, funds.Watch{})
		s.want(err, "UNAVAILABLE")
	})
}
