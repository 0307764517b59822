package catalog

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// usePrecision is how many fraction digits the amounts of rated use have: the vendor's mode 1 (K03).
const usePrecision = 10

// Use is something that was used and is to be rated.
type Use struct {
	Charge   models.Charge
	Customer models.Customer // with the partner and the mode that it had at the time
	At       time.Time       // the price, the discounts and the policies of this moment count
}

// RatedUse is what a use costs, with 10 fraction digits; with a Problem there is no price.
type RatedUse struct {
	VersionID  models.ID // the catalogue that said so
	UnitPrice  decimal.Decimal
	Official   decimal.Decimal
	Payable    decimal.Decimal // with the best offer
	DiscountID models.ID       // of that offer; zero = there was none
	Problem    *Problem

	Conversions models.Conversions // of that catalogue
	rest        func(value decimal.Decimal) (RatedUse, error)
}

// Rest is what so much of the use costs, of all pieces together and in the measure of the use, by the same price and offers. The error is that of a
// price which is too large, as it would be of the whole.
func (r RatedUse) Rest(value decimal.Decimal) (RatedUse, error) { return r.rest(value) }

// ChargeOfUse checks the use of a product as OnDemand would and makes a charge of it, in the customer's currency. The error is INVALID.
func ChargeOfUse(product OnDemandProduct, currency models.Currency) (models.Charge, error) {
	product.ID = "1"
	line, err := lineOfUse(product)
	line.Currency = currency
	return line.Charge, err
}

// RateUseIn rates uses of this cloud, each by the catalogue, the discounts and the policies of its own moment, with a fixed number of
// statements per version that is concerned. The answers come in the order of the uses; Problem says why one has no price, with the reasons
// of Purchase, CATALOGUE_MISSING or PRICE_TOO_LARGE. It asks nobody's permission.
func (s *Service) RateUseIn(ctx context.Context, db bun.IDB, uses []Use) ([]RatedUse, error) {
	rated := make([]RatedUse, len(uses))
	if len(uses) == 0 {
		return rated, nil
	}
	versions, discounts, err := s.around(ctx, db, uses)
	if err != nil {
		return nil, err
	}
	byVersion := map[models.ID][]int{}
	for i, use := range uses {
		at := slices.IndexFunc(versions, func(v models.CatalogueVersion) bool { return !v.EffectiveAt.After(use.At) })
		if at < 0 {
			rated[i].Problem = problemOf(ErrNoCatalogue)
			continue
		}
		rated[i].VersionID = versions[at].ID
		byVersion[versions[at].ID] = append(byVersion[versions[at].ID], i)
	}
	for _, version := range versions {
		if err := s.rateUses(ctx, db, version.ID, byVersion[version.ID], uses, discounts, rated); err != nil {
			return nil, err
		}
	}
	return rated, nil
}

func problemOf(err error) *Problem {
	return &Problem{Code: models.CodeOf(err), Reason: models.ReasonOf(err), Message: err.Error()}
}

// around reads the versions that may have been in force at the moments of the uses, newest first, and what their customers were given.
func (s *Service) around(ctx context.Context, db bun.IDB, uses []Use) ([]models.CatalogueVersion, map[models.ID][]models.Discount, error) {
	first, last := uses[0].At, uses[0].At
	var customers []models.ID
	for _, use := range uses {
		if use.At.Before(first) {
			first = use.At
		}
		if use.At.After(last) {
			last = use.At
		}
		customers = append(customers, use.Customer.ID)
	}
	slices.Sort(customers)
	var versions []models.CatalogueVersion
	err := db.NewSelect().Model(&versions).Where("ctv.cloud = ?", s.Cloud).Where("ctv.effective_at <= ?", last.UTC()).
		Where("ctv.effective_at >= COALESCE((SELECT MAX(f.effective_at) FROM catalogue_versions AS f WHERE f.cloud = ? AND f.effective_at <= ?), ctv.effective_at)", s.Cloud, first.UTC()).
		Order("ctv.effective_at DESC").Scan(ctx)
	if err != nil {
		return nil, nil, store.Translate(err)
	}
	var rows []models.Discount
	err = db.NewSelect().Model(&rows).Where("dsc.customer_id IN (?)", bun.List(slices.Compact(customers))).Where("dsc.cloud = ?", s.Cloud).
		Where("dsc.valid_from <= ?", last.UTC()).Where("dsc.valid_until IS NULL OR dsc.valid_until > ?", first.UTC()).Order("dsc.id").Scan(ctx)
	given := map[models.ID][]models.Discount{}
	for _, row := range rows {
		given[row.CustomerID] = append(given[row.CustomerID], row)
	}
	return versions, given, store.Translate(err)
}

// rateUses rates those of the uses that one version is in force for.
func (s *Service) rateUses(ctx context.Context, db bun.IDB, version models.ID, which []int, uses []Use, given map[models.ID][]models.Discount, rated []RatedUse) error {
	if len(which) == 0 {
		return nil
	}
	quote := models.Quote{CatalogueVersion: version}
	var products []string
	for _, i := range which {
		quote.Lines = append(quote.Lines, models.QuoteLine{ID: strconv.Itoa(i), Charge: uses[i].Charge})
		products = append(products, uses[i].Charge.Product())
	}
	slices.Sort(products)
	shelf, err := s.shelf(ctx, db, quote, slices.Compact(products))
	if err != nil {
		return err
	}
	policies := map[models.BillingCycle]models.Policies{}
	var problems []Problem
	for _, i := range which {
		use := uses[i]
		found, problem := shelf.rate(use.Charge)
		if problem != nil {
			problems = append(problems, Problem{ProductID: strconv.Itoa(i), err: problem})
			continue
		}
		month := models.BillingCycleAt(use.At)
		if _, read := policies[month]; !read {
			if policies[month], err = selectPolicies(ctx, db, version, month); err != nil {
				return err
			}
		}
		of := offered{version: version, discounts: models.Applicable(given[use.Customer.ID], use.Customer, use.At), policies: policies[month], shelf: shelf}
		if rated[i], err = of.rate(use.Charge, found); err != nil {
			rated[i] = RatedUse{VersionID: version, Problem: problemOf(err)}
		}
	}
	if len(problems) == 0 {
		return nil
	}
	if problems, err = s.explain(ctx, db, quote, problems); err != nil {
		return err
	}
	for k := range problems {
		if at, err := strconv.Atoi(problems[k].ProductID); err == nil {
			rated[at].Problem = &problems[k]
		}
	}
	return nil
}

// offered is what a use is rated by.
type offered struct {
	version   models.ID
	discounts []models.Discount
	policies  models.Policies
	shelf     shelf
}

// rate gives a charge of a use whose price was found the best offer.
func (o offered) rate(charge models.Charge, found models.Rated) (RatedUse, error) {
	one := models.Quote{
		Currency: charge.Currency, Precision: usePrecision, Lines: []models.QuoteLine{{ID: "1", Charge: charge}}, Discounts: o.discounts,
	}
	if err := one.Total([]models.Rated{found}, o.policies); err != nil {
		return RatedUse{}, err
	}
	rated := RatedUse{VersionID: o.version, UnitPrice: found.UnitPrice, Official: one.Official, Payable: one.Official, Conversions: o.shelf.conversions}
	if len(one.Offers) > 0 {
		rated.Payable, rated.DiscountID = one.Offers[0].Amount, one.Offers[0].DiscountID
	}
	rated.rest = func(value decimal.Decimal) (RatedUse, error) {
		rest := charge
		rest.Quantity, rest.Pieces, rest.UsageValue = 1, 1, &value
		found, err := o.shelf.rate(rest)
		if err != nil {
			return RatedUse{}, err
		}
		return o.rate(rest, found)
	}
	return rated, nil
}
