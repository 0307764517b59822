package orders

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/resources"
)

// RenewalAsked is a resource that shall run on for some more periods.
type RenewalAsked struct {
	Resource    models.Resource
	Last        models.PaidTerm // the latest period that was paid for, at the price of what the resource is now
	PeriodType  models.PeriodType
	PeriodCount int
}

// Price is what one thing costs, in minor units of the customer's currency.
type Price struct {
	AmountMinor   int64 // to pay
	OfficialMinor int64 // before discounts, not below AmountMinor
}

// Pricer says what renewals cost.
type Pricer interface {
	// RenewalsIn returns the price of each renewal, in their order. ErrNotRenewable refuses one.
	RenewalsIn(ctx context.Context, tx bun.IDB, customer models.Customer, asked []RenewalAsked) ([]Price, error)
}

// LastPeriodPrices is a Pricer that needs no catalogue: a month costs what it cost in the latest period that was paid for, and a year twelve
// of them. The zero value is ready.
type LastPeriodPrices struct{}

var _ Pricer = LastPeriodPrices{}

// RenewalsIn prices by month and rounds half up once, to a minor unit. What was bought by the hour or day has no price by the month.
func (LastPeriodPrices) RenewalsIn(_ context.Context, _ bun.IDB, _ models.Customer, asked []RenewalAsked) ([]Price, error) {
	prices := make([]Price, len(asked))
	for i, a := range asked {
		before, after := months(a.Last.PeriodType, a.Last.PeriodCount), months(a.PeriodType, a.PeriodCount)
		if before == 0 || after == 0 {
			return nil, about(ErrNotRenewable, a.Resource.ID)
		}
		minor := decimal.NewFromInt(a.Last.PaidMinor).Mul(decimal.NewFromInt(after)).DivRound(decimal.NewFromInt(before), 0)
		if minor.GreaterThan(decimal.NewFromInt(models.MaxMinor)) {
			return nil, models.Invalid("periodCount", "The price is too large.")
		}
		prices[i] = Price{AmountMinor: minor.IntPart(), OfficialMinor: minor.IntPart()}
	}
	return prices, nil
}

func months(kind models.PeriodType, count int) int64 {
	switch kind {
	case models.PeriodMonth:
		return int64(count)
	case models.PeriodYear:
		return 12 * int64(count)
	}
	return 0
}

// about is a refusal that names the resource at fault.
func about(refusal *models.Error, resource models.ID) error {
	e := models.Precondition(refusal.Reason(), refusal.Message)
	e.Details["resourceId"] = string(resource)
	return e
}

// RenewResources says what to renew, and for how long.
type RenewResources struct {
	ResourceIDs    []models.ID       // 1 to 10 main resources of one customer; what follows them is renewed with them (O11, O12)
	PeriodType     models.PeriodType // MONTH or YEAR
	PeriodCount    int               // 1 to 11 months, 1 to 3 years
	AutoPay        bool              // pay at once, from the customer's balance
	IdempotencyKey string            // 1 to 128 printable ASCII characters, made up once
}

// Renewed is what was ordered. A repeated key returns the figures of then.
type Renewed struct {
	Order   models.Order    // of type RENEW: in PENDING_PAYMENT, or in PROCESSING when it was paid at once
	Balance *models.Balance // the customer's, after a payment; nil without one
}

// Renew orders more periods for main resources and what follows them (O12). They begin where the present ones end, once the order is paid
// and the cloud has been told. With AutoPay the order is paid in the same step, by the customer only, and nothing is left behind when that
// fails.
//
// The customer may, operators, and its partner when it is authorised (NOT_AUTHORISED). More reasons of PRECONDITION_FAILED are those of
// models.Resource.CheckOrderable, RESOURCE_IN_PENDING_ORDER, RESOURCE_IN_TRADE, RESOURCE_NOT_RENEWABLE, TOO_MANY_RESOURCES and CUSTOMER_FROZEN.
func (s *Service) Renew(ctx context.Context, who models.Principal, cmd RenewResources) (Renewed, error) {
	if err := access.Require(who, models.PayOrders); err != nil {
		return Renewed{}, err
	}
	if err := checkResources(cmd.ResourceIDs); err != nil {
		return Renewed{}, err
	}
	if !renewable(cmd.PeriodType, cmd.PeriodCount) {
		return Renewed{}, models.Invalid("periodCount", "A renewal is for 1 to 11 months or 1 to 3 years (O12).")
	}
	if cmd.AutoPay && who.CustomerID == "" {
		return Renewed{}, ErrCustomerPays
	}
	asked := struct {
		ResourceIDs []models.ID
		PeriodType  models.PeriodType
		PeriodCount int
		AutoPay     bool
	}{cmd.ResourceIDs, cmd.PeriodType, cmd.PeriodCount, cmd.AutoPay}
	done, err := ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "renewResources", asked, func(ctx context.Context, tx bun.IDB) (Renewed, error) {
		return s.renewIn(ctx, tx, who, cmd, nil)
	})
	if err != nil {
		return Renewed{}, err
	}
	s.nudge()
	return done, nil
}

func renewable(kind models.PeriodType, count int) bool {
	return kind == models.PeriodMonth && count >= 1 && count <= 11 || kind == models.PeriodYear && count >= 1 && count <= 3
}

func (s *Service) renewIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd RenewResources, unify *int) (Renewed, error) {
	st, err := s.stand(ctx, tx, who, cmd.ResourceIDs, models.ChargedByPeriod, true)
	if err != nil {
		return Renewed{}, err
	}
	if st.customer.Frozen != models.NotFrozen {
		return Renewed{}, ErrCustomerFrozen
	}
	order := s.newOrder(who, st.customer, models.OrderRenew)
	items, err := s.renewalLines(ctx, tx, st, &order, cmd, unify)
	if err != nil {
		return Renewed{}, err
	}
	due := s.now().Add(s.payWithin())
	order.Status, order.PayBy = models.OrderPendingPayment, &due
	if err := s.insertOrder(ctx, tx, who, order, items, s.placedEvent(order)); err != nil {
		return Renewed{}, err
	}
	if !cmd.AutoPay {
		return Renewed{Order: order}, s.scheduleExpiry(ctx, tx, order)
	}
	done, err := s.payIn(ctx, tx, who, order.ID, nil)
	if err != nil {
		return Renewed{}, err
	}
	return Renewed{Order: done.Order, Balance: &done.Balance}, nil
}

// renewalLines are the priced lines of a renewal; they fill the order's totals in. With unify the periods end on that day of the month.
func (s *Service) renewalLines(ctx context.Context, tx bun.IDB, st standing, order *models.Order, cmd RenewResources, unify *int) ([]models.OrderItem, error) {
	items := s.linesFor(*order, st.families)
	if len(items) > MaxItems {
		return nil, models.Precondition("TOO_MANY_RESOURCES", fmt.Sprintf("An order has at most %d lines; name fewer resources.", MaxItems))
	}
	terms, err := s.terms(ctx, tx, st.families)
	if err != nil {
		return nil, err
	}
	var asked []RenewalAsked
	for _, family := range st.families {
		if family.Main.ExpiresAt == nil {
			return nil, about(ErrNotRenewable, family.Main.ID)
		}
		for _, member := range family.Members() {
			last, paid := models.LatestPeriod(terms[member.ID])
			if !paid {
				return nil, about(ErrNotRenewable, member.ID)
			}
			asked = append(asked, RenewalAsked{Resource: member, Last: last, PeriodType: cmd.PeriodType, PeriodCount: cmd.PeriodCount})
		}
	}
	prices, err := s.pricer().RenewalsIn(ctx, tx, st.customer, asked)
	if err != nil {
		return nil, err
	}
	if len(prices) != len(items) {
		return nil, fmt.Errorf("%d prices for %d renewals", len(prices), len(items))
	}
	if unify != nil {
		unifyEnds(st.families, items, prices, cmd, *unify)
	}
	for i := range items {
		items[i].PeriodType, items[i].PeriodCount, items[i].AmountMinor = cmd.PeriodType, cmd.PeriodCount, prices[i].AmountMinor
		order.TotalMinor += prices[i].AmountMinor
		order.OfficialMinor += prices[i].OfficialMinor
	}
	if order.OfficialMinor > models.MaxMinor {
		return nil, models.Invalid("resourceIds", "The total is too large.")
	}
	return items, nil
}

// unifyEnds lets the periods end on one day of the month, and charges the days that this adds in proportion (O13).
func unifyEnds(families []resources.Family, items []models.OrderItem, prices []Price, cmd RenewResources, day int) {
	i := 0
	for _, family := range families {
		from := *family.Main.ExpiresAt
		until := models.UnifyExpiry(cmd.PeriodType.After(from, cmd.PeriodCount), day)
		for range family.Members() {
			items[i].ExpiresAt = &until
			prices[i].AmountMinor = models.UnifiedMinor(prices[i].AmountMinor, from, until, cmd.PeriodType, cmd.PeriodCount)
			prices[i].OfficialMinor = models.UnifiedMinor(prices[i].OfficialMinor, from, until, cmd.PeriodType, cmd.PeriodCount)
			i++
		}
	}
}

func (s *Service) pricer() Pricer {
	if s.Pricer == nil {
		return LastPeriodPrices{}
	}
	return s.Pricer
}

// RenewDue renews a main resource whose expire policy is AUTO_RENEW by another period like its last, or by a month where that one is no
// renewal's length, and pays from its customer's balance (O13). For anything else it does nothing. It is for the job of the deduction
// day and safe to repeat: one end of a resource is renewed once. A unified expiry day moves the end on, and the days more are paid in proportion. INSUFFICIENT_BALANCE and the refusals of Renew are worth another attempt.
func (s *Service) RenewDue(ctx context.Context, resourceID models.ID) error {
	who := models.SystemPrincipal("auto-renew")
	found, err := s.Resources.FamiliesIn(ctx, s.DB, who, []models.ID{resourceID}, false)
	if err != nil {
		return err
	}
	family, seen := found[resourceID]
	if !seen || family.Main.ExpirePolicy != models.ExpireAutoRenew || family.Main.ExpiresAt == nil || family.Main.CheckOrderable() != nil {
		return nil //nolint:nilerr // what cannot be renewed now is left as it is
	}
	terms, err := s.terms(ctx, s.DB, []resources.Family{family})
	if err != nil {
		return err
	}
	cmd := RenewResources{ResourceIDs: []models.ID{resourceID}, PeriodType: models.PeriodMonth, PeriodCount: 1, AutoPay: true}
	if last, paid := models.LatestPeriod(terms[resourceID]); paid && renewable(last.PeriodType, last.PeriodCount) {
		cmd.PeriodType, cmd.PeriodCount = last.PeriodType, last.PeriodCount
	}
	key := fmt.Sprintf("auto-renew %s %d", resourceID, family.Main.ExpiresAt.Unix())
	_, err = ledger.Carry(ctx, s.DB, s.Ledger, who, key, "renewDue", cmd, func(ctx context.Context, tx bun.IDB) (Renewed, error) {
		return s.renewIn(ctx, tx, who, cmd, family.Main.UnifiedExpiryDay)
	})
	if err == nil {
		s.nudge()
	}
	return err
}

// ToPayPerUse turns a main resource and what follows it to pay-per-use, as at its expiry when it is set up so (O14): an order of type
// TO_PAY_PER_USE that costs nothing, and is done once the cloud has been told. What is charged by use already stays as it is. The
// refusals are those of models.Resource.CheckOrderable, RESOURCE_IN_PENDING_ORDER and RESOURCE_IN_TRADE, also while it is being turned, and
// RESOURCE_IS_PACKAGE: nothing of a package is left to be charged by use (O18).
func (s *Service) ToPayPerUse(ctx context.Context, resourceID models.ID) error {
	who := models.SystemPrincipal("to-pay-per-use")
	if err := resourceID.Require(models.PrefixResource, "resourceId"); err != nil {
		return err
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		found, err := s.Resources.FamiliesIn(ctx, tx, who, []models.ID{resourceID}, false)
		if err != nil || found[resourceID].Main.ChargingMode == models.ChargedByUse {
			return err
		}
		st, err := s.stand(ctx, tx, who, []models.ID{resourceID}, models.ChargedByPeriod, true)
		if err != nil {
			return err
		}
		if s.Packages != nil {
			packed, err := s.Packages.AnyIn(ctx, tx, idsOf(st.families))
			if err != nil {
				return err
			}
			if packed {
				return ErrPackage
			}
		}
		order := s.newOrder(who, st.customer, models.OrderToPayPerUse)
		order.Status = models.OrderProcessing
		items := s.linesFor(order, st.families)
		if err := s.insertOrder(ctx, tx, who, order, items); err != nil {
			return err
		}
		return s.recordAccepted(ctx, tx, who, order, map[string]any{"resources": len(items)})
	})
	if err == nil {
		s.nudge()
	}
	return err
}
