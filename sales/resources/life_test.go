package resources_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/resources"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

const day = 24 * time.Hour

// diary is a clock for a room: what is due when, by kind and object. RunDue does what the engine would.
type diary struct {
	now time.Time
	due map[models.JobKind]map[models.ID]time.Time
}

func (d *diary) ScheduleManyIn(_ context.Context, _ bun.IDB, kind models.JobKind, all []models.Due) error {
	for _, one := range all {
		if d.due[kind] == nil {
			d.due[kind] = map[models.ID]time.Time{}
		}
		d.due[kind][one.Object] = one.At
	}
	return nil
}

// shop is what sales/orders does for a resource, until the test says otherwise.
type shop struct {
	w       *life
	refuse  error
	renewed int
}

func (s *shop) RenewDue(ctx context.Context, id models.ID) error {
	if s.refuse != nil {
		return s.refuse
	}
	s.renewed++
	return s.w.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := s.w.ExtendIn(ctx, tx, models.SystemPrincipal("test"), resources.Extension{
			ResourceID: id, ExpiresAt: s.w.read(id).ExpiresAt.Add(30 * day), Automatic: true,
		})
		return err
	})
}

func (s *shop) ToPayPerUse(ctx context.Context, id models.ID) error {
	if s.refuse != nil {
		return s.refuse
	}
	return s.w.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := s.w.TurnToUseIn(ctx, tx, models.SystemPrincipal("test"), id)
		return err
	})
}

// life is a world whose time moves, with a main resource, its end in 30 days, and two that follow it.
type life struct {
	*world
	diary *diary
	shop  *shop
	main  models.ID
	subs  []models.ID
	user  models.Principal
}

func newLife(t *testing.T, db *store.DB) *life {
	t.Helper()
	l := &life{world: newWorld(t, db)}
	l.diary = &diary{now: l.Now(), due: map[models.JobKind]map[models.ID]time.Time{}}
	l.shop = &shop{w: l}
	l.Service.Now = func() time.Time { return l.diary.now }
	l.Clock, l.Orders, l.Periods = l.diary, l.shop, models.ExpiryPeriods{Grace: 15 * day, Retention: 15 * day}
	l.begin()
	return l
}

// begin makes a fresh tree.
func (l *life) begin() {
	l.t.Helper()
	main := l.order(l.ofProvider)
	end := l.diary.now.Add(30 * day)
	main.ID, main.ExpiresAt, main.EffectiveAt = l.IDs(models.PrefixResource), &end, l.diary.now
	main.CloudID = string(main.ID)
	first, second := main, main
	for _, sub := range []*models.Resource{&first, &second} {
		sub.ID, sub.ParentID = l.IDs(models.PrefixResource), main.ID
		sub.CloudID = string(sub.ID)
	}
	if _, err := l.createAs(models.SystemPrincipal("test"), []models.Resource{main, first, second}); err != nil {
		l.t.Fatal(err)
	}
	l.main, l.subs = main.ID, []models.ID{first.ID, second.ID}
	l.user = models.Principal{Kind: models.CustomerUser, CustomerID: l.ofProvider.ID, Permissions: models.DefaultPermissions(models.CustomerUser, "")}
}

func (l *life) read(id models.ID) models.Resource {
	found, err := l.ByIDs(l.ctx, models.SystemPrincipal("test"), []models.ID{id})
	if err != nil || found[id].ID == "" {
		l.t.Fatalf("%s: %v", id, err)
	}
	return found[id]
}

// runDue does what is due, as the engine would, and returns what failed.
func (l *life) runDue() error {
	handlers := map[models.JobKind]func(context.Context, models.ID) error{models.JobResourceExpire: l.Expire, models.JobResourceAutoRenew: l.RenewDue}
	for again := true; again; {
		again = false
		for kind, objects := range l.diary.due {
			for id, at := range objects {
				if at.After(l.diary.now) {
					continue
				}
				delete(objects, id)
				again = true
				err := handlers[kind](l.ctx, id)
				if until, early := models.NotDueUntil(err); early {
					if !until.After(l.diary.now) {
						return errors.New("put off into the past")
					}
					objects[id] = until
				} else if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// after moves the time on, does what is due, and wants the whole tree in this state.
func (l *life) after(d time.Duration, want models.ResourceStatus) {
	l.t.Helper()
	l.diary.now = l.diary.now.Add(d)
	if err := l.runDue(); err != nil {
		l.t.Fatal(err)
	}
	for _, id := range append([]models.ID{l.main}, l.subs...) {
		if got := l.read(id); got.Status != want {
			l.t.Errorf("%s later %s (main: %t) is %s, want %s", d, id, got.IsMain(), got.Status, want)
		}
	}
}

func (l *life) want(err error, code models.Code, reason string) {
	l.t.Helper()
	if models.CodeOf(err) != code || models.ReasonOf(err) != reason {
		l.t.Errorf("got %v (%s %s), want %s %s", err, models.CodeOf(err), models.ReasonOf(err), code, reason)
	}
}

func eachLife(t *testing.T, fn func(t *testing.T, l *life)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, newLife(t, db)) })
}

func (l *life) policy(policy models.ExpirePolicy) {
	l.t.Helper()
	got, err := l.SetExpirePolicy(l.ctx, l.user, resources.SetExpirePolicy{ResourceIDs: []models.ID{l.main}, Policy: policy})
	if err != nil || got.Results[0].Error != nil {
		l.t.Fatal(err, got)
	}
}

func TestWhatExpiresGoesItsWay(t *testing.T) {
	t.Parallel()
	eachLife(t, func(t *testing.T, l *life) {
		l.after(30*day-time.Second, models.ResourceInUse)
		l.after(time.Second, models.ResourceExpired)
		l.after(15*day, models.ResourceFrozen)
		l.after(15*day, models.ResourceClosed)
		l.after(1000*day, models.ResourceClosed)

		l.begin()
		l.policy(models.ExpireDelete)
		l.after(30*day, models.ResourceClosed)

		l.begin()
		l.policy(models.ExpireFreeze)
		l.after(30*day, models.ResourceFrozen)
		l.after(15*day, models.ResourceClosed)

		l.begin()
		l.policy(models.ExpireAfterRetention)
		l.after(30*day, models.ResourceExpired)
		l.after(15*day, models.ResourceClosed)

		l.begin() // a server that was away for long catches up
		l.after(100*day, models.ResourceClosed)
	})
}

func TestAResourceTurnsToUseOrGoesTheWayOfTheGracePeriod(t *testing.T) {
	t.Parallel()
	eachLife(t, func(t *testing.T, l *life) {
		_, err := l.SetToPayPerUse(l.ctx, l.user, resources.SetToPayPerUse{ResourceIDs: []models.ID{l.main}, Action: resources.ToUseSetUp})
		l.want(err, "", "")
		l.after(30*day, models.ResourceInUse)
		if r := l.read(l.subs[0]); r.ChargingMode != models.ChargedByUse || r.UsageStatus != models.UsageNormal || r.ExpiresAt != nil {
			t.Errorf("what follows it is charged %s, %s until %v", r.ChargingMode, r.UsageStatus, r.ExpiresAt)
		}
		l.begin()
		l.policy(models.ExpireToPayPerUse)
		l.shop.refuse = models.Precondition("NOT_OFFERED", "Not by use.")
		l.after(30*day, models.ResourceExpired)
		l.after(30*day, models.ResourceClosed)
	})
}

func TestAResourceTurnsToAPeriodAndExpiresInIt(t *testing.T) {
	t.Parallel()
	eachLife(t, func(t *testing.T, l *life) {
		turn := func(id models.ID, until time.Time) error {
			return l.DB.InTx(l.ctx, func(ctx context.Context, tx bun.Tx) error {
				_, err := l.TurnToPeriodIn(ctx, tx, models.SystemPrincipal("test"), id, until)
				return err
			})
		}
		l.want(turn(l.main, l.diary.now.Add(day)), models.CodePreconditionFailed, "RESOURCE_BY_PERIOD")
		l.policy(models.ExpireToPayPerUse)
		l.after(30*day, models.ResourceInUse)
		l.want(turn(l.subs[0], l.diary.now.Add(day)), models.CodePreconditionFailed, "SUB_RESOURCE")
		l.want(turn(l.main, l.diary.now.Add(60*day)), "", "")
		for _, id := range append(l.subs, l.main) {
			if r := l.read(id); r.ChargingMode != models.ChargedByPeriod || r.UsageStatus != "" || !r.ExpiresAt.Equal(l.diary.now.Add(60*day)) || r.ExpirePolicy != models.ExpireGracePeriod {
				t.Errorf("%+v", r)
			}
		}
		l.after(60*day-time.Second, models.ResourceInUse)
		l.after(time.Second, models.ResourceExpired)
		l.after(30*day, models.ResourceClosed)
		l.want(turn(l.main, l.diary.now.Add(day)), models.CodePreconditionFailed, "RESOURCE_BY_PERIOD")
	})
}

func TestAutoRenewalPaysOnItsDayAndDailyUntilExpiry(t *testing.T) {
	t.Parallel()
	eachLife(t, func(t *testing.T, l *life) {
		days := 5
		_, err := l.SetAutoRenewal(l.ctx, l.user, resources.SetAutoRenewal{ResourceID: l.main, Times: 2, DeductionDays: &days})
		l.want(err, "", "")
		at := *l.read(l.main).NextAutoRenewalAt()
		if want := time.Date(2026, 12, 14, 19, 0, 0, 0, time.UTC); !at.Equal(want) { // 15 December, 03:00 in UTC+8
			t.Errorf("paid at %s, want %s", at, want)
		}
		l.after(at.Sub(l.diary.now)-time.Second, models.ResourceInUse)
		if l.shop.renewed != 0 {
			t.Error("renewed early")
		}
		l.after(time.Second, models.ResourceInUse)
		l.after(30*day, models.ResourceInUse)
		if r := l.read(l.main); l.shop.renewed != 2 || r.ExpirePolicy != models.ExpireGracePeriod || r.AutoRenewTimes != nil {
			t.Errorf("renewed %d times, then %s", l.shop.renewed, r.ExpirePolicy)
		}
		l.after(70*day, models.ResourceClosed)

		l.begin()
		l.shop.refuse, l.shop.renewed = &models.Error{Code: models.CodeInsufficientBalance, Message: "Short."}, 0
		_, err = l.SetAutoRenewal(l.ctx, l.user, resources.SetAutoRenewal{ResourceID: l.main})
		l.want(err, "", "")
		l.after(26*day, models.ResourceInUse)
		l.shop.refuse = nil
		l.after(day, models.ResourceInUse) // the money has come
		if l.shop.renewed != 1 {
			t.Errorf("renewed %d times after the money came", l.shop.renewed)
		}
		l.shop.refuse = &models.Error{Code: models.CodeInsufficientBalance, Message: "Short."}
		l.after(33*day, models.ResourceExpired)
		l.shop.refuse = &models.Error{Code: models.CodeUnavailable, Message: "Away."}
	})
}

func TestRefusalsOfResourcesSayWhy(t *testing.T) {
	t.Parallel()
	eachLife(t, func(t *testing.T, l *life) {
		set := func(who models.Principal, id models.ID) error {
			_, err := l.SetAutoRenewal(l.ctx, who, resources.SetAutoRenewal{ResourceID: id, Times: 1})
			return err
		}
		operator := models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
		partner := models.Principal{
			Kind: models.PartnerKey, PartnerID: l.provider.ID, PartnerKind: models.SolutionProvider,
			Permissions: models.DefaultPermissions(models.PartnerKey, models.SolutionProvider),
		}
		stranger := partner
		stranger.PartnerID = l.stranger.ID
		err := set(l.user, l.subs[0])
		l.want(err, models.CodePreconditionFailed, "SUB_RESOURCE")
		if got := models.AsError(err).Details["mainResourceId"]; got != l.main {
			t.Errorf("the main resource is told as %v", got)
		}
		l.want(set(partner, l.main), models.CodeForbidden, "")
		l.want(set(stranger, l.main), models.CodeNotFound, "")
		for _, bad := range []resources.SetAutoRenewal{
			{ResourceID: l.main, Times: 100}, {ResourceID: l.main, Times: -1}, {ResourceID: l.main, DeductionDays: new(int)},
			{ResourceID: l.main, UnifiedExpiryDay: new(int)}, {ResourceID: l.ofProvider.ID},
		} {
			_, err := l.SetAutoRenewal(l.ctx, l.user, bad)
			l.want(err, models.CodeInvalid, "")
		}
		_, err = l.CancelAutoRenewal(l.ctx, l.user, resources.CancelAutoRenewal{ResourceID: l.main})
		l.want(err, models.CodePreconditionFailed, "NOT_AUTO_RENEWED")
		_, err = l.SetExpirePolicy(l.ctx, l.user, resources.SetExpirePolicy{ResourceIDs: []models.ID{l.main}, Policy: models.ExpireAutoRenew})
		l.want(err, models.CodeInvalid, "")
		_, err = l.SetExpirePolicy(l.ctx, l.user, resources.SetExpirePolicy{ResourceIDs: make([]models.ID, 101), Policy: models.ExpireDelete})
		l.want(err, models.CodeInvalid, "")
		mixed, err := l.SetToPayPerUse(l.ctx, l.user, resources.SetToPayPerUse{ResourceIDs: []models.ID{l.main, l.subs[0]}, Action: resources.ToUseCancel})
		l.want(err, "", "")
		l.want(mixed.Results[0].Error, models.CodePreconditionFailed, "NOT_SET_TO_PAY_PER_USE")
		l.want(mixed.Results[1].Error, models.CodePreconditionFailed, "SUB_RESOURCE")
		if r := l.read(l.main); r.ExpirePolicy != models.ExpireGracePeriod {
			t.Errorf("something was changed to %s", r.ExpirePolicy)
		}

		freeze := resources.FreezeResource{ResourceID: l.main, Reason: "abuse"}
		_, err = l.Freeze(l.ctx, l.user, freeze)
		l.want(err, models.CodeForbidden, "")
		_, err = l.Unfreeze(l.ctx, operator, resources.UnfreezeResource{ResourceID: l.main})
		l.want(err, models.CodePreconditionFailed, "RESOURCE_NOT_FROZEN")
		_, err = l.Freeze(l.ctx, operator, freeze)
		l.want(err, "", "")
		_, err = l.Freeze(l.ctx, operator, freeze)
		l.want(err, models.CodePreconditionFailed, "RESOURCE_FROZEN")
		l.want(set(l.user, l.main), models.CodePreconditionFailed, "RESOURCE_NOT_RENEWABLE")
		l.after(40*day, models.ResourceFrozen) // what an operator froze does not run in its grace period
		_, err = l.Unfreeze(l.ctx, operator, resources.UnfreezeResource{ResourceID: l.main})
		l.want(err, "", "")
		l.after(0, models.ResourceExpired)
		l.after(20*day, models.ResourceClosed)
		_, err = l.Freeze(l.ctx, operator, freeze)
		l.want(err, models.CodePreconditionFailed, "RESOURCE_STATE")
		l.begin()
		l.after(31*day, models.ResourceExpired)
		l.want(set(l.user, l.main), models.CodePreconditionFailed, "RESOURCE_STATE")
		late, err := l.SetExpirePolicy(l.ctx, l.user, resources.SetExpirePolicy{ResourceIDs: []models.ID{l.main}, Policy: models.ExpireDelete})
		l.want(err, "", "")
		l.want(late.Results[0].Error, models.CodePreconditionFailed, "RESOURCE_STATE")
		l.after(0, models.ResourceExpired)
	})
}

func TestACustomersThawExpiresWhatExpiredMeanwhile(t *testing.T) {
	t.Parallel()
	eachLife(t, func(t *testing.T, l *life) {
		in := func(do func(context.Context, bun.IDB, models.Principal, models.Customer) error) {
			t.Helper()
			err := l.DB.InTx(l.ctx, func(ctx context.Context, tx bun.Tx) error {
				return do(ctx, tx, models.SystemPrincipal("test"), l.ofProvider)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		in(l.FreezeIn)
		l.after(35*day, models.ResourceFrozen)
		in(l.ThawIn)
		l.after(0, models.ResourceExpired)
	})
}

func TestRenewableResourcesAreFoundByProjectAndExpiry(t *testing.T) {
	t.Parallel()
	eachLife(t, func(t *testing.T, l *life) {
		if _, err := l.DB.NewUpdate().Model((*models.Resource)(nil)).Set("enterprise_project = 'shop'").Where("id = ?", l.main).Exec(l.ctx); err != nil {
			t.Fatal(err)
		}
		yes, project, other := true, "shop", "other"
		end := *l.read(l.main).ExpiresAt
		later, use := end.Add(time.Second), models.ChargedByUse
		for name, c := range map[string]struct {
			filter resources.ResourceFilter
			want   int
		}{
			"renewable":            {resources.ResourceFilter{Renewable: &yes}, 1},
			"of the project":       {resources.ResourceFilter{Renewable: &yes, EnterpriseProject: &project}, 1},
			"of another":           {resources.ResourceFilter{EnterpriseProject: &other}, 0},
			"before its end":       {resources.ResourceFilter{ExpiresBefore: &end}, 0},
			"before just after it": {resources.ResourceFilter{ExpiresBefore: &later}, 3},
			"from its end on":      {resources.ResourceFilter{ExpiresAfter: &end}, 3},
			"by use":               {resources.ResourceFilter{ChargingMode: &use}, 0},
			"by id, though a sub":  {resources.ResourceFilter{IDs: []models.ID{l.subs[0]}, OnlyMain: &yes}, 1},
		} {
			got, err := l.Find(l.ctx, l.user, c.filter, models.PageArgs{})
			if err != nil || len(got.Edges) != c.want {
				t.Errorf("%s: %d, %v, want %d", name, len(got.Edges), err, c.want)
			}
		}
		_, err := l.Find(l.ctx, l.user, resources.ResourceFilter{IDs: make([]models.ID, 51)}, models.PageArgs{})
		l.want(err, models.CodeInvalid, "")
	})
}

// Whatever happens to a resource, what follows it is like it; and doing what is due twice is doing it once.
func TestWhatFollowsAResourceIsLikeIt(t *testing.T) {
	t.Parallel()
	eachLife(t, func(t *testing.T, l *life) {
		operator := models.Principal{Kind: models.Operator, Permissions: models.AllPermissions()}
		rapid.Check(t, func(rt *rapid.T) {
			l.begin()
			l.shop.refuse = nil
			for range rapid.IntRange(1, 8).Draw(rt, "steps") {
				switch rapid.IntRange(0, 6).Draw(rt, "step") {
				case 0:
					_, _ = l.Freeze(l.ctx, operator, resources.FreezeResource{ResourceID: l.main, Reason: "x"})
				case 1:
					_, _ = l.Unfreeze(l.ctx, operator, resources.UnfreezeResource{ResourceID: l.main})
				case 2:
					_, _ = l.SetAutoRenewal(l.ctx, l.user, resources.SetAutoRenewal{ResourceID: l.main, Times: rapid.IntRange(0, 2).Draw(rt, "times")})
				case 3:
					policy := rapid.SampledFrom([]models.ExpirePolicy{
						models.ExpireGracePeriod, models.ExpireToPayPerUse, models.ExpireDelete, models.ExpireFreeze, models.ExpireAfterRetention,
					}).Draw(rt, "policy")
					_, _ = l.SetExpirePolicy(l.ctx, l.user, resources.SetExpirePolicy{ResourceIDs: []models.ID{l.main}, Policy: policy})
				case 4:
					if rapid.Bool().Draw(rt, "short") {
						l.shop.refuse = &models.Error{Code: models.CodeInsufficientBalance}
					} else {
						l.shop.refuse = nil
					}
				default:
					l.diary.now = l.diary.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(rt, "days")) * day)
				}
				if err := l.runDue(); err != nil {
					rt.Fatal(err)
				}
				main := l.read(l.main)
				for _, id := range l.subs {
					sub := l.read(id)
					same := sub.Status == main.Status && sub.ChargingMode == main.ChargingMode && sub.UsageStatus == main.UsageStatus &&
						(sub.ExpiresAt == nil) == (main.ExpiresAt == nil) && (sub.ExpiresAt == nil || sub.ExpiresAt.Equal(*main.ExpiresAt))
					if !same {
						rt.Fatalf("%s is %s until %v, its main resource %s until %v", id, sub.Status, sub.ExpiresAt, main.Status, main.ExpiresAt)
					}
				}
				// The same job again finds nothing to do.
				for _, err := range []error{l.Expire(l.ctx, l.main), l.RenewDue(l.ctx, l.main), l.Expire(l.ctx, l.subs[0])} {
					if _, early := models.NotDueUntil(err); err != nil && !early {
						rt.Fatal(err)
					}
				}
				if again := l.read(l.main); again.Status != main.Status || again.AutoRenewed != main.AutoRenewed {
					rt.Fatalf("done twice: %s and %s", main.Status, again.Status)
				}
			}
		})
	})
}
