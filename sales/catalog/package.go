package catalog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// PackagesIn returns what those of the products hold that are resource packages, as the catalogue of a quote sells them; without a quote as that
// in force at a moment does. It asks nobody's permission.
func (s *Service) PackagesIn(ctx context.Context, db bun.IDB, cloud string, quote models.ID, at time.Time, products []string) (map[string][]models.PackageContent, error) {
	held := map[string][]models.PackageContent{}
	if len(products) == 0 {
		return held, nil
	}
	specs, err := selectPackages(ctx, db, cloud, quote, at, products)
	for _, spec := range specs {
		held[spec.Product] = spec.Package
	}
	return held, err
}

// packages checks what resource packages hold once everything is known that they may refer to, and writes it on the specifications (O18).
func (c *checker) packages(specs []specEntry) {
	if c.failed() || !slices.ContainsFunc(specs, func(e specEntry) bool { return len(e.Package) > 0 }) {
		return
	}
	rows := make(map[string]int, len(c.catalogue.specs))
	for i, row := range c.catalogue.specs {
		rows[row.Product] = i
	}
	used := c.onDemand()
	for i, spec := range specs {
		path := fmt.Sprintf("specs[%d].package", i)
		if len(spec.Package) > models.MaxPackageItems {
			c.refuse(path, fmt.Sprintf("a package has at most %d items", models.MaxPackageItems))
		}
		for _, sold := range spec.Regions {
			if c.failed() || len(spec.Package) == 0 {
				break
			}
			row := &c.catalogue.specs[rows[models.ProductKey(c.resources[spec.ResourceType], spec.ResourceType, sold.Region, spec.Code)]]
			if used.other[row.Product] {
				c.refuse(path, "a package is bought by the piece and for a period")
			}
			for j, e := range spec.Package {
				row.Package = append(row.Package, c.content(fmt.Sprintf("%s[%d]", path, j), e, *row, used))
			}
		}
	}
}

// content is one item of a package in one region.
func (c *checker) content(path string, e packEntry, in models.Specification, used onDemand) models.PackageContent {
	item := models.PackageContent{
		ServiceType: c.typed(path, e.ResourceType), ResourceType: e.ResourceType, SpecCodes: slices.Clone(e.Specs), Region: e.Region, UsageType: e.UsageType,
		Amount: c.price(path+".amount", e.Amount), MeasureID: e.Measure, Cycle: models.ResetCycle(e.Cycle), Basis: models.ResetBasis(e.Basis),
	}
	if item.Region == "" {
		item.Region = in.Region
	}
	if _, known := c.regions[item.Region]; !known {
		c.refuse(path+".region", "there is no such region")
	}
	if !c.usages[e.ResourceType+"/"+e.UsageType] {
		c.refuse(path+".usageType", "the resource type has no such usage type")
	}
	c.once(path, "package item "+in.Product, item.ResourceType+"/"+item.Region+"/"+item.UsageType, "this use, which a package has one item for,")
	c.measured(path+".measure", e.Measure)
	if item.Amount.IsZero() {
		c.refuse(path+".amount", "an item holds more than nothing")
	}
	switch {
	case e.Cycle != "" && !slices.Contains(models.ResetCycles(), item.Cycle):
		c.refuse(path+".cycle", "the cycle is HOUR, DAY, WEEK, MONTH or YEAR")
	case e.Cycle != "" && item.Basis != models.ResetByCalendar && item.Basis != models.ResetBySubscription:
		c.refuse(path+".basis", "the cycle begins by CALENDAR or SUBSCRIPTION")
	case e.Cycle == "" && e.Basis != "":
		c.refuse(path+".basis", "there is no cycle")
	}
	c.paysFor(path, item, used)
	return item
}

// paysFor refuses an item that would never pay for anything: each specification that it names, or any when it names none, is sold on demand for this use, by a
// measure that the item's can be converted into.
func (c *checker) paysFor(path string, item models.PackageContent, used onDemand) {
	sold := used.prices[item.ResourceType+"/"+item.Region+"/"+item.UsageType]
	pays := func(spec string) bool {
		return slices.ContainsFunc(sold, func(p models.Price) bool {
			_, converts := models.Conversions(c.conversions).Convert(item.Amount, item.MeasureID, p.UsageMeasureID)
			return converts && (spec == "" || p.SpecCode == spec)
		})
	}
	specs := item.SpecCodes
	if len(specs) == 0 {
		specs = []string{""}
	}
	for i, spec := range specs {
		if !pays(spec) {
			at := path
			if spec != "" {
				at = fmt.Sprintf("%s.specs[%d]", path, i)
			}
			c.refuse(at, "nothing of this is sold on demand in this region by a measure that the item's can be converted into")
		}
	}
}

// onDemand are the prices of use by the piece, by resource type, region and usage type, and the products that have another price than one by the
// piece and period.
type onDemand struct {
	prices map[string][]models.Price
	other  map[string]bool
}

func (c *checker) onDemand() onDemand {
	used := onDemand{prices: map[string][]models.Price{}, other: map[string]bool{}}
	for _, price := range c.catalogue.prices {
		if price.UsageType != "" || price.SizeMeasureID != 0 {
			used.other[price.Product] = true
		}
		if price.UsageType != "" && price.SizeMeasureID == 0 {
			key := price.ResourceType + "/" + price.Region + "/" + price.UsageType
			used.prices[key] = append(used.prices[key], price)
		}
	}
	return used
}
