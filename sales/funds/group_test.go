package funds_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// TestMovesOfOneGroupDoNotTouchEachOther: good ones, refused ones and repeated keys at the same time through one partner, so
// that lanes carry them out together.
func TestMovesOfOneGroupDoNotTouchEachOther(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		who := s.as(s.distributor)
		ctx := context.Background()
		fund := func(customer models.ID, text, key string) string {
			_, err := s.FundCustomer(ctx, who, funds.CustomerMove{CustomerID: customer, Amount: amount(text), IdempotencyKey: key})
			return refusal(err)
		}
		// The key that others then try to use again.
		if refused := fund(s.resale, "1", "good0"); refused != "" {
			t.Fatal(refused)
		}
		var mu sync.Mutex
		got := map[string]int{}
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				outcomes := map[string]string{
					"good":     fund(s.resale, "1", fmt.Sprint("good", i)),
					"stranger": fund(s.other, "1", fmt.Sprint("stranger", i)),
					"advisory": fund(s.advisory, "1", fmt.Sprint("advisory", i)),
					"digits":   fund(s.resale, "1.001", fmt.Sprint("digits", i)),
					"too much": fund(s.resale, "100.01", fmt.Sprint("too much", i)),
					"shared":   fund(s.resale, "0.50", fmt.Sprint("shared", i%3)),
					"reused":   fund(s.resale, "0.01", "good0"),
				}
				mu.Lock()
				defer mu.Unlock()
				for name, outcome := range outcomes {
					got[name+" "+outcome]++
				}
			})
		}
		wg.Wait()
		want := map[string]int{
			"good ": 60, "stranger NOT_FOUND": 60, "advisory ADVISORY_CUSTOMER": 60, "digits INVALID amount": 60,
			"too much INSUFFICIENT_BALANCE": 60, "shared ": 60, "reused CONFLICT": 60,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		if a, b := s.cash(s.distributor), s.cash(s.resale); a != 10_000-6_150 || b != 6_150 {
			t.Errorf("%d and %d are left", a, b)
		}
		s.sound()
	})
}

// TestAnswersOfAGroupAreWhatIsLeftAfterEach: the balances in the answers count down one by one.
func TestAnswersOfAGroupAreWhatIsLeftAfterEach(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.give(models.OwnerPartner, s.distributor, models.AccountBalance, "CNY", 10_000, 0)
		left := make([]bool, 100)
		versions := map[int64]bool{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				cmd := funds.CustomerMove{CustomerID: s.resale, Amount: amount("1"), IdempotencyKey: fmt.Sprint(i)}
				done, err := s.FundCustomer(context.Background(), s.as(s.distributor), cmd)
				s.want(err, "")
				again, err := s.FundCustomer(context.Background(), s.as(s.distributor), cmd)
				s.want(err, "")
				if diff := cmp.Diff(done, again); diff != "" {
					t.Errorf("the second answer differs:\n%s", diff)
				}
				mu.Lock()
				defer mu.Unlock()
				left[done.PartnerBalance.Available.Minor/100] = true
				versions[done.PartnerBalance.Version] = true
				if done.PartnerBalance.Available.Minor+done.TargetBalance.Available.Minor != 10_000 {
					t.Errorf("%s and %s", done.PartnerBalance.Available, done.TargetBalance.Available)
				}
			})
		}
		wg.Wait()
		for i, seen := range left {
			if !seen {
				t.Errorf("no answer leaves %d", i)
			}
		}
		if len(versions) != 100 {
			t.Errorf("%d versions in 100 answers", len(versions))
		}
		s.sound()
	})
}
