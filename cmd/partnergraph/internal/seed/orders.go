package seed

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/examples/catalogue"
	"github.com/partnergraph/partnergraph/models"
)

// payWithin is the payment deadline of an order: whatever is neither paid nor cancelled after it does not exist (O06).
const payWithin = 7 * 24 * time.Hour

// goods are what is sold: a specification and its list prices for a month and a year, in minor units.
type goods struct {
	spec        string
	month, year int64
}

// shelf is what of the example catalogue is sold by the piece, by month and by year, of one resource type and in its order.
func shelf(resourceType string) ([]goods, error) {
	var file struct {
		Prices []struct {
			ResourceType, Spec, Period string
			Amount                     decimal.Decimal
			SizeMeasure                int
		}
	}
	if err := json.Unmarshal([]byte(catalogue.JSON), &file); err != nil {
		return nil, fmt.Errorf("the example catalogue: %w", err)
	}
	var sold []goods
	for _, price := range file.Prices {
		if price.ResourceType != resourceType || price.SizeMeasure != 0 || price.Period == "" {
			continue
		}
		if len(sold) == 0 || sold[len(sold)-1].spec != price.Spec {
			sold = append(sold, goods{spec: price.Spec})
		}
		minor := price.Amount.Shift(2).IntPart()
		if last := &sold[len(sold)-1]; price.Period == string(models.PeriodMonth) {
			last.month = minor
		} else {
			last.year = minor
		}
	}
	if slices.ContainsFunc(sold, func(g goods) bool { return g.month == 0 || g.year == 0 }) || len(sold) == 0 {
		return nil, fmt.Errorf("the example catalogue sells %s not by month and by year", resourceType)
	}
	return sold, nil
}

// Service and resource types (K01).
const (
	serverService, serverResource = "hws.service.type.ec2", "hws.resource.type.vm"
	diskService, diskResource     = "hws.service.type.ebs", "hws.resource.type.volume"
)

// buyer chooses who placed an order at t: a resale customer of the largest partner for every fifth order, anybody else
// for the others. Those who joined early have ordered more often.
func (g *generator) buyer(order int, t time.Time) (int, models.ID, models.AssociationMode) {
	joined := min(max(g.customerTimes.before(t.Add(-g.settle)), 1), g.Customers)
	g.dice.roll(buyerStream, order)
	first := g.dice.pcg.Uint64()
	for attempt := range uint64(64) {
		c := int(scramble(first+attempt) % uint64(joined))
		if order%5 == 0 {
			c -= c % 5
		}
		id, mode, _ := g.customerBirth(c)
		ofLargest := g.sellerFor(c) == 0 && mode == models.Resale
		if ofLargest == (order%5 == 0) || g.sellers() == 1 {
			return c, id, mode
		}
	}
	// Hardly anybody is there yet.
	id, mode, _ := g.customerBirth(0)
	return 0, id, mode
}

// order returns an order with its lines and, when it is completed, what runs because of it: one resource for each line.
func (g *generator) order(i int) (models.Order, []models.OrderItem, []models.Resource) {
	g.dice.roll(orderStream, i)
	at := g.orderTimes.at(i, &g.dice)
	customer, customerID, mode := g.buyer(i, at)
	var partnerID models.ID
	if mode == models.Resale {
		partnerID = g.partnerID(g.seller(g.sellerFor(customer)))
	}

	g.dice.roll(orderDetails, i)
	payBy := at.Add(payWithin)
	o := models.Order{
		ID: g.dice.id(models.PrefixOrder, at), Cloud: g.Cloud, Number: fmt.Sprintf("PG%s%09d", at.Format("060102"), i+1),
		CustomerID: customerID, PartnerID: partnerID, Type: models.OrderNew, Source: models.PlacedByCustomer, Currency: g.Currency,
		PayBy: &payBy, CreatedAt: at,
	}
	if partnerID != "" && g.dice.percent(20) {
		o.Source, o.ExternalID = models.PlacedByPartner, fmt.Sprintf("po-%d", i+1)
	}
	g.progress(&o)
	items := g.items(&o)
	if o.Status != models.OrderCompleted {
		return o, items, nil
	}
	made := g.resources(&o, items)
	return o, items, made
}

// progress decides how far an order has come by End. One whose deadline lies after End may still be open.
func (g *generator) progress(o *models.Order) {
	paid := o.CreatedAt.Add(time.Minute + g.dice.upTo(29*time.Minute))
	done := paid.Add(time.Second + g.dice.upTo(15*time.Minute))
	given := o.CreatedAt.Add(time.Hour + g.dice.upTo(payWithin-time.Hour)) // up
	recent, roll := o.PayBy.After(g.End), g.dice.below(100)
	switch {
	case recent && roll < 25:
		o.Status, o.UpdatedAt = models.OrderPendingPayment, o.CreatedAt
	case recent && roll < 33:
		o.Status, o.PaidAt, o.UpdatedAt = models.OrderProcessing, &paid, paid
	case roll >= 94:
		o.Status, o.UpdatedAt = models.OrderCancelled, given
		if given.After(g.End) {
			o.UpdatedAt = g.End
		}
	default:
		o.Status, o.PaidAt, o.CompletedAt, o.UpdatedAt = models.OrderCompleted, &paid, &done, done
	}
}

// items makes the lines and with them the totals: a server, and disks that are bought as part of it (O11).
func (g *generator) items(o *models.Order) []models.OrderItem {
	period, count := models.PeriodYear, 1+g.dice.below(3)
	if g.dice.percent(45) {
		period, count = models.PeriodMonth, 1+g.dice.below(9)
	}
	region, discount := pick(&g.dice, regions), int64(g.dice.below(5)*5)
	items := make([]models.OrderItem, g.ItemsPerOrder)
	for k := range items {
		what, service, resource := pick(&g.dice, g.servers), serverService, serverResource
		if k > 0 {
			what, service, resource = pick(&g.dice, g.disks), diskService, diskResource
		}
		official := what.year * int64(count)
		if period == models.PeriodMonth {
			official = what.month * int64(count)
		}
		items[k] = models.OrderItem{
			ID: g.dice.id(models.PrefixOrderItem, o.CreatedAt.Add(time.Duration(k)*time.Microsecond)), OrderID: o.ID, Position: k + 1,
			ServiceType: service, ResourceType: resource, SpecCode: what.spec, Region: region, Quantity: 1, PeriodType: period,
			PeriodCount: count, Currency: o.Currency, AmountMinor: official - official*discount/100,
		}
		if k > 0 {
			items[k].ParentID = items[0].ID
		}
		o.OfficialMinor += official
		o.TotalMinor += items[k].AmountMinor
	}
	return items
}

// graceTime is how long an expired resource stays before it is closed.
const graceTime = 15 * 24 * time.Hour

func (g *generator) resources(o *models.Order, items []models.OrderItem) []models.Resource {
	from := *o.CompletedAt
	until := items[0].PeriodType.After(from, items[0].PeriodCount)
	status, changed := models.ResourceInUse, from
	switch {
	case until.Add(graceTime).Before(g.End):
		status, changed = models.ResourceClosed, until.Add(graceTime)
	case until.Before(g.End):
		status, changed = models.ResourceExpired, until
	case g.dice.percent(1):
		status = models.ResourceFrozen
	}
	policy := pick(&g.dice, []models.ExpirePolicy{models.ExpireGracePeriod, models.ExpireGracePeriod, models.ExpireDelete, models.ExpireFreeze})
	resources := make([]models.Resource, len(items))
	for k, item := range items {
		born := from.Add(time.Duration(k) * time.Microsecond)
		uuid := g.dice.uuid(born)
		r := models.Resource{
			ID: g.dice.id(models.PrefixResource, born), Cloud: o.Cloud, CloudID: hex.EncodeToString(uuid[:]), CustomerID: o.CustomerID,
			PartnerID: o.PartnerID, OrderID: o.ID, OrderItemID: item.ID, Name: "ecs-" + o.Number, Status: status, Region: item.Region,
			ServiceType: item.ServiceType, ResourceType: item.ResourceType, SpecCode: item.SpecCode, ChargingMode: models.ChargedByPeriod,
			ExpirePolicy: policy, EffectiveAt: from, ExpiresAt: &until, CreatedAt: born, UpdatedAt: changed,
		}
		if r.UpdatedAt.Before(born) {
			r.UpdatedAt = born
		}
		if k > 0 {
			r.ParentID, r.Name = resources[0].ID, fmt.Sprintf("evs-%s-%d", o.Number, k)
		}
		resources[k] = r
	}
	return resources
}
