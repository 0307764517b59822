package packages

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// Use is use that packages are to pay for, as far as they can.
type Use struct {
	Customer    models.Customer // with the partner and the mode that it had at the time
	Charge      models.Charge
	Value       decimal.Decimal // of all pieces
	At          time.Time
	Conversions models.Conversions // of the catalogue that rates the use
	RecordID    models.ID
	BillLineID  models.ID
	Again       bool // it corrects a record: what was taken for that before is given back first
}

// Covered is what packages pay of some uses. It is not written yet.
type Covered struct {
	Values []decimal.Decimal // of each use, in its measure; at most its Value
	Events []models.Event    // of items that have nothing left, to be recorded with the rest

	usages         []models.PackageUsage
	fresh, changed []models.PackageCycle
}

// Write adds what was taken to a script, after the bill lines that it is for.
func (c Covered) Write(script *store.Script) {
	if len(c.fresh) > 0 {
		script.Insert(&c.fresh)
	}
	if len(c.changed) > 0 {
		script.Update(&c.changed, "remaining")
	}
	if len(c.usages) > 0 {
		script.Insert(&c.usages)
	}
}

// CoverIn has the packages of customers that were in effect when something was used pay for it: of those that fit the one that ends first, of several
// the oldest, each from the cycle of that moment. Whoever reported first is paid for first, in the order of uses. The items concerned stay locked
// until the transaction ends, so that none is ever overdrawn. The number of statements does not depend on that of uses: one where nobody has a package.
func (s *Service) CoverIn(ctx context.Context, tx bun.IDB, uses []Use) (Covered, error) {
	covered := Covered{Values: make([]decimal.Decimal, len(uses))}
	if len(uses) == 0 {
		return covered, nil
	}
	before, err := s.takenBefore(ctx, tx, uses)
	if err != nil {
		return covered, err
	}
	shelf, err := s.shelf(ctx, tx, uses, before)
	if err != nil || len(shelf.items) == 0 {
		return covered, err
	}
	for i, use := range uses {
		covered.Values[i] = s.pay(shelf, &covered, use, before[use.RecordID])
	}
	for _, at := range shelf.order {
		if one := shelf.cycles[at]; one.touched {
			if one.known {
				covered.changed = append(covered.changed, one.PackageCycle)
			} else {
				covered.fresh = append(covered.fresh, one.PackageCycle)
			}
			if one.Remaining.IsZero() && one.atFirst.IsPositive() {
				covered.Events = append(covered.Events, shelf.usedUp(one.PackageCycle))
			}
		}
	}
	return covered, nil
}

// takenBefore reads what was taken for the records that are corrected.
func (s *Service) takenBefore(ctx context.Context, tx bun.IDB, uses []Use) (map[models.ID][]models.PackageUsage, error) {
	var records []models.ID
	for _, use := range uses {
		if use.Again {
			records = append(records, use.RecordID)
		}
	}
	usages, err := selectUsagesOf(ctx, tx, records)
	before := map[models.ID][]models.PackageUsage{}
	for _, usage := range usages {
		before[usage.RecordID] = append(before[usage.RecordID], usage)
	}
	return before, err
}

// cycleKey names a cycle of an item.
type cycleKey struct {
	item  models.ID
	start int64 // in microseconds
}

func keyOf(item models.ID, start time.Time) cycleKey { return cycleKey{item, start.UnixMicro()} }

// cycle is one on the shelf.
type cycle struct {
	models.PackageCycle

	atFirst        decimal.Decimal
	known, touched bool
}

// shelf is what may pay for a batch, locked.
type shelf struct {
	items    map[models.ID]models.PackageItem
	packages map[models.ID]models.ResourcePackage
	byOwner  map[models.ID][]models.PackageItem // in the order in which they pay
	cycles   map[cycleKey]*cycle
	periods  map[models.ID][]cycleKey // of items that are not full again by themselves
	order    []cycleKey               // of the cycles, as they were needed
}

// shelf finds the packages of the customers that were in effect meanwhile, locks those of their items that may pay for something or were taken from
// before, and reads their cycles.
func (s *Service) shelf(ctx context.Context, tx bun.IDB, uses []Use, before map[models.ID][]models.PackageUsage) (*shelf, error) {
	sh := &shelf{
		items: map[models.ID]models.PackageItem{}, packages: map[models.ID]models.ResourcePackage{}, byOwner: map[models.ID][]models.PackageItem{},
		cycles: map[cycleKey]*cycle{}, periods: map[models.ID][]cycleKey{},
	}
	packs, err := selectOfCustomers(ctx, tx, uses, before)
	if err != nil || len(packs) == 0 {
		return sh, err
	}
	for _, pack := range packs {
		sh.packages[pack.ID] = pack
	}
	items, err := selectItems(ctx, tx, slices.Sorted(maps.Keys(sh.packages)))
	if err != nil {
		return sh, err
	}
	needed := sh.need(uses, before, items)
	if len(sh.items) == 0 {
		return sh, nil
	}
	// What is left is read under the lock: whoever came before has committed by then.
	cycles, err := lockCycles(ctx, tx, sh.items, needed)
	for _, one := range cycles {
		at := keyOf(one.ItemID, one.StartsAt)
		sh.cycles[at] = &cycle{PackageCycle: one, atFirst: one.Remaining, known: true}
		sh.order = append(sh.order, at)
		if sh.items[one.ItemID].Cycle == "" {
			sh.periods[one.ItemID] = append(sh.periods[one.ItemID], at)
		}
	}
	return sh, err
}

// need picks the items that are concerned and puts them into the order in which they pay, and returns when the cycles begin that are needed of those
// that are full again by themselves.
func (sh *shelf) need(uses []Use, before map[models.ID][]models.PackageUsage, items []models.PackageItem) []time.Time {
	starts := map[int64]time.Time{}
	starting := func(at time.Time) { starts[at.UnixMicro()] = at.UTC() }
	byID, byOwner := map[models.ID]models.PackageItem{}, map[models.ID][]models.PackageItem{}
	for _, item := range items {
		byID[item.ID] = item
		owner := sh.packages[item.PackageID].CustomerID
		byOwner[owner] = append(byOwner[owner], item)
	}
	for _, use := range uses {
		for _, item := range byOwner[use.Customer.ID] {
			pack := sh.packages[item.PackageID]
			if !pack.InEffect(use.At) || !item.Content().Pays(use.Charge) {
				continue
			}
			sh.items[item.ID] = item
			if item.Cycle != "" {
				starting(item.CycleAt(use.At, pack.EffectiveAt).Start)
			}
		}
		for _, usage := range before[use.RecordID] {
			sh.items[usage.ItemID] = byID[usage.ItemID]
			starting(usage.CycleStart)
		}
	}
	for _, item := range sh.items {
		owner := sh.packages[item.PackageID].CustomerID
		sh.byOwner[owner] = append(sh.byOwner[owner], item)
	}
	for _, all := range sh.byOwner {
		slices.SortFunc(all, sh.sooner)
	}
	return slices.Collect(maps.Values(starts))
}

// sooner puts the item first that ends first, then the oldest.
func (sh *shelf) sooner(a, b models.PackageItem) int {
	first, second := sh.packages[a.PackageID].EndsAt(), sh.packages[b.PackageID].EndsAt()
	switch {
	case first == nil && second != nil:
		return 1
	case first != nil && second == nil:
		return -1
	case first != nil && !first.Equal(*second):
		return first.Compare(*second)
	}
	return cmp.Or(sh.packages[a.PackageID].EffectiveAt.Compare(sh.packages[b.PackageID].EffectiveAt), cmp.Compare(a.PackageID, b.PackageID), cmp.Compare(a.Position, b.Position))
}

// at returns the cycle of an item at a moment; nil when no period that was paid for holds it.
func (sh *shelf) at(item models.PackageItem, moment time.Time) *cycle {
	if item.Cycle == "" {
		for _, at := range sh.periods[item.ID] {
			if one := sh.cycles[at]; one.Span().Contains(moment) {
				return one
			}
		}
		return nil
	}
	span := item.CycleAt(moment, sh.packages[item.PackageID].EffectiveAt)
	at := keyOf(item.ID, span.Start)
	if sh.cycles[at] == nil {
		sh.cycles[at] = &cycle{PackageCycle: models.PackageCycle{ItemID: item.ID, StartsAt: span.Start, EndsAt: span.End, Remaining: item.Amount}, atFirst: item.Amount}
		sh.order = append(sh.order, at)
	}
	return sh.cycles[at]
}

// takingKey is what one usage record is about: use that is corrected may have been reported in another measure before.
type takingKey struct {
	cycleKey

	measure int
}

// taking is what changes of one cycle for one use.
type taking struct{ paid, taken decimal.Decimal }

// pay gives back what was taken for a use before, takes for it anew, and writes down the difference for each cycle. It returns what is paid.
func (s *Service) pay(sh *shelf, covered *Covered, use Use, before []models.PackageUsage) decimal.Decimal {
	net := map[takingKey]*taking{}
	var order []takingKey
	change := func(at takingKey, paid, taken decimal.Decimal) {
		if net[at] == nil {
			net[at], order = &taking{}, append(order, at)
		}
		net[at].paid, net[at].taken = net[at].paid.Add(paid), net[at].taken.Add(taken)
		one := sh.cycles[at.cycleKey]
		one.Remaining, one.touched = one.Remaining.Sub(taken), true
	}
	for _, usage := range before {
		change(takingKey{keyOf(usage.ItemID, usage.CycleStart), usage.UsageMeasureID}, usage.UsageValue.Neg(), usage.Amount.Neg())
	}
	left := use.Value
	for _, item := range sh.byOwner[use.Customer.ID] {
		if !left.IsPositive() {
			break
		}
		if !sh.packages[item.PackageID].InEffect(use.At) || !item.Content().Pays(use.Charge) {
			continue
		}
		one := sh.at(item, use.At)
		if one == nil {
			continue
		}
		if paid, taken, ok := one.Take(left, use.Charge.UsageMeasureID, item, use.Conversions); ok {
			change(takingKey{keyOf(item.ID, one.StartsAt), use.Charge.UsageMeasureID}, paid, taken)
			left = left.Sub(paid)
		}
	}
	for _, at := range order {
		if one := net[at]; !one.taken.IsZero() || !one.paid.IsZero() {
			covered.usages = append(covered.usages, s.usage(sh, use, at, *one))
		}
	}
	return use.Value.Sub(left)
}

func (s *Service) usage(sh *shelf, use Use, at takingKey, one taking) models.PackageUsage {
	item := sh.items[at.item]
	pack := sh.packages[item.PackageID]
	return models.PackageUsage{
		ID: s.IDs(models.PrefixPackageUsage), CustomerID: use.Customer.ID, PartnerID: use.Customer.PartnerID, Mode: use.Customer.Mode,
		PackageID: pack.ID, ItemID: item.ID, CycleStart: sh.cycles[at.cycleKey].StartsAt, RecordID: use.RecordID, BillLineID: use.BillLineID,
		PackageSpec: pack.SpecCode, ServiceType: use.Charge.ServiceType, ResourceType: use.Charge.ResourceType, SpecCode: use.Charge.SpecCode,
		Region: use.Charge.Region, UsageType: use.Charge.UsageType, UsedAt: use.At.UTC().Truncate(time.Microsecond), Amount: one.taken, MeasureID: item.MeasureID,
		UsageValue: one.paid, UsageMeasureID: at.measure, CreatedAt: s.now(),
	}
}

// usedUp tells that an item has nothing left in a cycle.
func (sh *shelf) usedUp(one models.PackageCycle) models.Event {
	item := sh.items[one.ItemID]
	pack := sh.packages[item.PackageID]
	return models.Event{
		Type: models.EventPackageUsedUp, CustomerID: pack.CustomerID, PartnerID: pack.PartnerID, SubjectID: string(pack.ID),
		Data: map[string]any{"itemId": item.ID, "usageType": item.UsageType, "cycleStart": one.StartsAt.UTC().Format(time.RFC3339)},
	}
}
