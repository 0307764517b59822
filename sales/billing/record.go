package billing

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/packages"
	"github.com/partnergraph/partnergraph/store"
)

const (
	// maxAge is how far back use may be reported: bills are kept readable for 18 months (B01).
	maxAge = 18
	// maxAhead is how far a reporter's clock may be ahead.
	maxAhead = 5 * time.Minute
	// maxTries is how often a batch is tried that another one with the same records comes in between.
	maxTries = 3
)

// UsageRecord is what one customer used of one product.
type UsageRecord struct {
	ExternalID     string // 1 to 64 letters, digits and . _ : -; the reporter's own key, unique for ever
	CustomerID     models.ID
	ResourceID     *string // the cloud's name of what was used, 1 to 64 characters
	ServiceType    string
	ResourceType   string
	SpecCode       string
	Region         string
	Quantity       *int             // 1 to 10000 pieces; nil = 1
	UsageType      string           // such as duration
	UsageValue     decimal.Decimal  // 0 or more, at most 10 fraction digits; of one piece
	UsageMeasureID int              // the vendor's measure id
	Size           *decimal.Decimal // of one piece of a linear product
	SizeMeasureID  *int
	UsedAt         time.Time                  // the price of this moment counts; at most 18 months ago
	Settlement     *models.SettlementInterval // nil = DAILY
	Corrects       *bool                      // true = it replaces what was reported under the same ExternalID
}

// RecordUsage is 1 to 1000 records.
type RecordUsage struct {
	Records []UsageRecord
}

// UsageRecorded answers every record at its place.
type UsageRecorded struct {
	Results []UsageResult
}

// UsageResult is the answer to one record: the line that came of it, or what is wrong. A repeated record gets the line of then.
type UsageResult struct {
	ExternalID string
	BillLine   *models.BillLine
	Error      *models.Error
}

var externalID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`)

// Record takes records of use in, each by itself: rates it once by the prices of its own moment and puts it on the customer's bill, unpaid
// until the next settlement. A record that was taken in before changes nothing; the same ExternalID with other content is CONFLICT, unless
// it says that it corrects, and then the difference goes on the bill as a line of its own. What is wrong with one record is in its answer:
// INVALID, NOT_FOUND for an unknown customer, CONFLICT, or PRECONDITION_FAILED with the reasons of a price inquiry (PRODUCT_NOT_FOUND,
// PRICE_NOT_FOUND, MEASURE_UNKNOWN, CATALOGUE_MISSING, PRICE_TOO_LARGE) and CORRECTION_MOVES for a correction that names another customer or
// product. It needs USAGE_WRITE; operators only. INVALID for more than 1000 records.
func (s *Service) Record(ctx context.Context, who models.Principal, cmd RecordUsage) (UsageRecorded, error) {
	if err := mayReport(who); err != nil {
		return UsageRecorded{}, err
	}
	if len(cmd.Records) == 0 || len(cmd.Records) > models.MaxUsageRecords {
		return UsageRecorded{}, models.Invalid("records", fmt.Sprintf("A call has 1 to %d records.", models.MaxUsageRecords))
	}
	results, err := s.record(ctx, who, cmd.Records)
	return UsageRecorded{Results: results}, err
}

func mayReport(who models.Principal) error {
	if err := access.Require(who, models.WriteUsage); err != nil {
		return err
	}
	if !who.SeesAll() {
		return models.Forbidden("Use is reported by operators.")
	}
	return nil
}

// intake is one record on its way.
type intake struct {
	record   UsageRecord
	charge   models.Charge
	digest   string
	settle   models.SettlementInterval
	err      *models.Error
	stored   *models.UsageRecord // what is known under its key
	line     *models.BillLine    // what it brought
	same     int                 // the place of an equal record before it in the call; -1 = none
	customer models.Customer
	rated    catalog.RatedUse
	id       models.ID       // of the record that it is or becomes
	lineID   models.ID       // of the line that it brings
	covered  decimal.Decimal // what packages pay of it
}

// record takes a batch in with one transaction.
func (s *Service) record(ctx context.Context, who models.Principal, records []UsageRecord) ([]UsageResult, error) {
	var all []*intake
	take := func() error {
		return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			all = s.check(records) // anew: an attempt that collided may have left its marks
			return s.recordIn(ctx, tx, who, all)
		})
	}
	err := take()
	for tries := 1; tries < maxTries && errors.Is(err, store.ErrConflict); tries++ {
		err = take() // somebody has just taken one of them in: now it is found
	}
	if err != nil {
		return nil, err
	}
	results := make([]UsageResult, len(all))
	for i, one := range all {
		if one.same >= 0 {
			one.line, one.err = all[one.same].line, all[one.same].err
		}
		results[i] = UsageResult{ExternalID: one.record.ExternalID, BillLine: one.line, Error: one.err}
	}
	return results, nil
}

// check looks at each record by itself and at what they have in common.
func (s *Service) check(records []UsageRecord) []*intake {
	all, seen := make([]*intake, len(records)), map[string]int{}
	for i, record := range records {
		one := &intake{record: record, settle: models.SettleDaily, same: -1}
		if record.Settlement != nil {
			one.settle = *record.Settlement
		}
		one.err = models.AsError(one.check(s.now()))
		if at, twice := seen[record.ExternalID]; twice && one.err == nil {
			if all[at].digest == one.digest {
				one.same = at
			} else {
				one.err = models.Invalid("externalId", "The call has this id twice with other content.")
			}
		} else if one.err == nil {
			seen[record.ExternalID] = i
		}
		all[i] = one
	}
	return all
}

func (in *intake) check(now time.Time) error {
	r := in.record
	switch {
	case !externalID.MatchString(r.ExternalID):
		return models.Invalid("externalId", "A record's id has 1 to 64 letters, digits and . _ : -, and starts with a letter or digit.")
	case r.ResourceID != nil && !externalID.MatchString(*r.ResourceID):
		return models.Invalid("resourceId", "A resource is named by 1 to 64 letters, digits and . _ : -.")
	case in.settle != models.SettleDaily && in.settle != models.SettleMonthly:
		return models.Invalid("settlement", "Use is settled DAILY or MONTHLY.")
	case r.UsedAt.After(now.Add(maxAhead)):
		return models.Invalid("usedAt", "This use is in the future.")
	case r.UsedAt.Before(now.AddDate(0, -maxAge, 0)):
		return models.Invalid("usedAt", "Use is reported within 18 months (B01).")
	}
	if err := r.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return err
	}
	product := catalog.OnDemandProduct{
		Product: catalog.Product{
			ServiceType: r.ServiceType, ResourceType: r.ResourceType, SpecCode: r.SpecCode, Region: r.Region, Quantity: r.Quantity,
			Size: r.Size, SizeMeasureID: r.SizeMeasureID,
		},
		UsageType: r.UsageType, UsageValue: r.UsageValue, UsageMeasureID: r.UsageMeasureID,
	}
	var err error
	if in.charge, err = catalog.ChargeOfUse(product, ""); err != nil {
		return err
	}
	in.digest, err = in.digestOf()
	return err
}

// digestOf is over what the record says, whatever way its numbers are written.
func (in *intake) digestOf() (string, error) {
	c := in.charge
	c.UsageValue = nil
	c.Size = nil
	said := struct {
		Charge     models.Charge
		Customer   models.ID
		Resource   *string
		Value      string
		Size       string
		UsedAt     time.Time
		Settlement models.SettlementInterval
	}{c, in.record.CustomerID, in.record.ResourceID, in.charge.UsageValue.StringFixed(10), "", in.record.UsedAt.UTC().Truncate(time.Microsecond), in.settle}
	if in.charge.Size != nil {
		said.Size = in.charge.Size.StringFixed(10)
	}
	text, err := json.Marshal(said)
	return fmt.Sprintf("%x", sha256.Sum256(text)), err
}

func (s *Service) recordIn(ctx context.Context, tx bun.IDB, who models.Principal, all []*intake) error {
	if err := s.match(ctx, tx, all); err != nil {
		return err
	}
	if err := s.whose(ctx, tx, all); err != nil {
		return err
	}
	// What is left is new or a correction, of a customer that exists.
	left := slices.DeleteFunc(slices.Clone(all), func(one *intake) bool { return one.err != nil || one.line != nil || one.same >= 0 })
	uses := make([]catalog.Use, len(left))
	for i, one := range left {
		one.charge.Currency = one.customer.Currency
		uses[i] = catalog.Use{Charge: one.charge, Customer: one.customer, At: one.record.UsedAt}
	}
	rated, err := s.Prices.RateUseIn(ctx, tx, uses)
	if err != nil {
		return err
	}
	for i, one := range left {
		if one.rated = rated[i]; one.rated.Problem != nil {
			one.err = &models.Error{Code: one.rated.Problem.Code, Message: one.rated.Problem.Message, Details: map[string]any{"reason": one.rated.Problem.Reason}}
		}
	}
	batch := recorded{now: s.now()}
	left = slices.DeleteFunc(left, func(one *intake) bool { return one.err != nil })
	if err := s.cover(ctx, tx, &batch, left); err != nil {
		return err
	}
	for _, one := range left {
		s.put(&batch, one)
	}
	return s.write(ctx, tx, who, batch)
}

// cover has packages pay for what is taken in, before money does, and rates the rest (O18).
func (s *Service) cover(ctx context.Context, tx bun.IDB, batch *recorded, left []*intake) error {
	uses := make([]packages.Use, len(left))
	for i, one := range left {
		one.id, one.lineID = s.IDs(models.PrefixUsageRecord), s.IDs(models.PrefixBillLine)
		again := one.stored != nil && !one.stored.Covered.IsZero()
		if one.stored != nil {
			one.id = one.stored.ID
		}
		uses[i] = packages.Use{
			Customer: one.customer, Charge: one.charge, Value: one.charge.UsageValue.Mul(decimal.NewFromInt(int64(one.charge.Pieces))), At: one.record.UsedAt,
			Conversions: one.rated.Conversions, RecordID: one.id, BillLineID: one.lineID, Again: again,
		}
	}
	if s.Packages == nil {
		return nil
	}
	var err error
	if batch.covered, err = s.Packages.CoverIn(ctx, tx, uses); err != nil {
		return err
	}
	for i, one := range left {
		if one.covered = batch.covered.Values[i]; one.covered.IsZero() {
			continue
		}
		if one.rated, err = one.rated.Rest(uses[i].Value.Sub(one.covered)); err != nil {
			return err // the whole had a price, so less of it has
		}
	}
	return nil
}

// match finds what was taken in before, and tells what is repeated from what is corrected and what clashes.
func (s *Service) match(ctx context.Context, tx bun.IDB, all []*intake) error {
	var keys []string
	for _, one := range all {
		if one.err == nil && one.same < 0 {
			keys = append(keys, one.record.ExternalID)
		}
	}
	stored, err := selectRecordsForUpdate(ctx, tx, s.Cloud, keys)
	if err != nil {
		return err
	}
	var repeated []models.ID
	for _, one := range all {
		known, found := stored[one.record.ExternalID]
		if !found || one.err != nil || one.same >= 0 {
			continue
		}
		one.stored = &known
		switch {
		case known.Digest == one.digest:
			repeated = append(repeated, known.LatestLineID)
		case one.record.Corrects == nil || !*one.record.Corrects:
			one.err = models.Conflict("Another record was taken in under this id; say that this one corrects it.")
		case known.CustomerID != one.record.CustomerID || known.Product != one.charge.Product():
			one.err = models.Precondition("CORRECTION_MOVES", "A correction keeps the customer and the product: correct this record to zero and report another.")
		}
	}
	lines, err := selectLines(ctx, tx, repeated)
	for _, one := range all {
		if one.stored != nil && one.err == nil && one.stored.Digest == one.digest {
			line := lines[one.stored.LatestLineID]
			one.line = &line
		}
	}
	return err
}

// whose finds the customers with the partner that each had when it used what is reported.
func (s *Service) whose(ctx context.Context, tx bun.IDB, all []*intake) error {
	var ids []models.ID
	var first, last time.Time
	for _, one := range all {
		if one.err == nil && one.line == nil {
			ids = append(ids, one.record.CustomerID)
			if first.IsZero() || one.record.UsedAt.Before(first) {
				first = one.record.UsedAt
			}
			if one.record.UsedAt.After(last) {
				last = one.record.UsedAt
			}
		}
	}
	found, err := selectCustomers(ctx, tx, s.Cloud, ids)
	if err != nil {
		return err
	}
	history, err := selectAssociations(ctx, tx, ids, first, last)
	for _, one := range all {
		if one.err != nil || one.line != nil {
			continue
		}
		customer, known := found[one.record.CustomerID]
		if !known {
			one.err = models.NotFound("customer")
			continue
		}
		one.customer = at(customer, history[customer.ID], one.record.UsedAt)
	}
	return err
}

// at returns the customer with the association that it had at a moment.
func at(customer models.Customer, history []models.Association, moment time.Time) models.Customer {
	customer.PartnerID, customer.Mode = "", ""
	for _, a := range history {
		if !a.Since.After(moment) && (a.Until == nil || a.Until.After(moment)) {
			customer.PartnerID, customer.Mode = a.PartnerID, a.Mode
		}
	}
	return customer
}

// recorded is what a batch has to write.
type recorded struct {
	now     time.Time
	fresh   []models.UsageRecord
	changed []models.UsageRecord
	lines   []models.BillLine
	events  []models.Event
	covered packages.Covered
}

// put makes the line of a record, or of the difference that a correction makes.
func (s *Service) put(batch *recorded, one *intake) {
	value, rated, covered := *one.charge.UsageValue, one.rated, one.covered
	line := models.BillLine{
		ID: one.lineID, Cloud: s.Cloud, Kind: models.BillUse, CustomerID: one.customer.ID, PartnerID: one.customer.PartnerID,
		Mode: one.customer.Mode, ServiceType: one.charge.ServiceType, ResourceType: one.charge.ResourceType, SpecCode: one.charge.SpecCode,
		Region: one.charge.Region, Quantity: one.charge.Quantity, UsageType: one.charge.UsageType, UsageValue: &value,
		UsageMeasureID: one.charge.UsageMeasureID, Size: one.charge.Size, SizeMeasureID: one.charge.SizeMeasureID,
		VersionID: rated.VersionID, UnitPrice: &rated.UnitPrice, DiscountID: rated.DiscountID, UsedAt: one.record.UsedAt.UTC().Truncate(time.Microsecond),
		Settlement: one.settle, Currency: one.customer.Currency, ExactOfficial: rated.Official, ExactPayable: rated.Payable, CreatedAt: batch.now,
	}
	if one.record.ResourceID != nil {
		line.ResourceID = *one.record.ResourceID
	}
	record := models.UsageRecord{
		ID: one.id, Cloud: s.Cloud, ExternalID: one.record.ExternalID, Digest: one.digest, CustomerID: one.customer.ID,
		Product: one.charge.Product(), Revision: 1, Value: value, Covered: covered, Official: rated.Official, Payable: rated.Payable, FirstLineID: line.ID,
		LatestLineID: line.ID, CreatedAt: batch.now, UpdatedAt: batch.now,
	}
	if before := one.stored; before != nil {
		difference := value.Sub(before.Value)
		line.BaseID, line.UsageValue = before.FirstLineID, &difference
		line.ExactOfficial, line.ExactPayable = rated.Official.Sub(before.Official), rated.Payable.Sub(before.Payable)
		covered = covered.Sub(before.Covered)
		record.Revision, record.FirstLineID, record.CreatedAt = before.Revision+1, before.FirstLineID, before.CreatedAt
		batch.changed = append(batch.changed, record)
		batch.events = append(batch.events, about(models.EventUsageCorrected, line, models.Event{
			SubjectID: string(line.ID), Fields: []string{"usageValue", "payable"},
			Changes: []models.FieldChange{
				models.Changed("usageValue", before.Value.String(), value.String()), models.Changed("payable", before.Payable.String(), rated.Payable.String()),
			},
			Data: map[string]any{"currency": line.Currency, "revision": record.Revision},
		}))
	} else {
		batch.fresh = append(batch.fresh, record)
	}
	if !covered.IsZero() {
		line.CoveredValue = &covered
	}
	line.SourceID = fmt.Sprintf("%s#%d", record.ID, record.Revision)
	batch.lines = append(batch.lines, line)
	one.line = &line
}

// about fills in whom an event concerns: an advisory customer's money is its own (C01).
func about(what models.EventType, line models.BillLine, event models.Event) models.Event {
	event.Type, event.CustomerID = what, line.CustomerID
	if line.Mode == models.Resale {
		event.PartnerID = line.PartnerID
	}
	return event
}

func (s *Service) write(ctx context.Context, tx bun.IDB, who models.Principal, batch recorded) error {
	if len(batch.lines) == 0 {
		return nil
	}
	counts, first := map[models.ID]int{}, []models.BillLine{}
	for _, line := range batch.lines {
		if counts[line.CustomerID]++; counts[line.CustomerID] == 1 {
			first = append(first, line)
		}
	}
	var due []models.Due
	for _, line := range first {
		batch.events = append(batch.events, about(models.EventUsageRecorded, line, models.Event{
			SubjectID: string(line.CustomerID), Data: map[string]any{"records": counts[line.CustomerID]},
		}))
		due = append(due, models.Due{Object: line.CustomerID, At: nextSettlement(batch.now)})
	}
	script := store.NewScript(tx)
	script.Insert(&batch.lines)
	if len(batch.fresh) > 0 {
		script.Insert(&batch.fresh)
	}
	if len(batch.changed) > 0 {
		script.Update(&batch.changed, "digest", "revision", "value", "covered", "official", "payable", "latest_line_id", "updated_at")
	}
	batch.covered.Write(script)
	batch.events = append(batch.events, batch.covered.Events...)
	if err := script.Exec(ctx); err != nil {
		return store.Translate(err)
	}
	if s.Jobs != nil {
		if err := s.Jobs.ScheduleManyIn(ctx, tx, models.JobUsageSettle, due); err != nil {
			return err
		}
	}
	return s.Events.Record(ctx, tx, who, batch.events...)
}
