package packages

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// CreateIn brings those of an order's new resources to life that are packages, in the transaction that writes them. They hold what the catalogue said
// when they were priced.
func (s *Service) CreateIn(ctx context.Context, tx bun.IDB, order models.Order, made []models.Resource) error {
	products := map[string]bool{}
	var named []string
	for _, r := range made {
		if product := productOf(r); !products[product] {
			products[product], named = true, append(named, product)
		}
	}
	held, err := s.Contents.PackagesIn(ctx, tx, order.Cloud, order.QuoteID, order.CreatedAt, named)
	if err != nil || len(held) == 0 {
		return err
	}
	var rows born
	for _, r := range made {
		if contents := held[productOf(r)]; len(contents) > 0 {
			s.bear(&rows, r, contents)
		}
	}
	return insertBorn(ctx, tx, rows)
}

func productOf(r models.Resource) string {
	return models.ProductKey(r.ServiceType, r.ResourceType, r.Region, r.SpecCode)
}

// born are the rows of new packages.
type born struct {
	packages []models.ResourcePackage
	items    []models.PackageItem
	cycles   []models.PackageCycle
}

// bear makes a package of a resource. What is full again by itself begins its cycles when something is taken; the rest is there once for the period.
func (s *Service) bear(rows *born, r models.Resource, contents []models.PackageContent) {
	pack := models.ResourcePackage{
		ID: s.IDs(models.PrefixResourcePackage), CustomerID: r.CustomerID, PartnerID: r.PartnerID, ResourceID: r.ID, OrderID: r.OrderID, Name: r.Name,
		ServiceType: r.ServiceType, ResourceType: r.ResourceType, SpecCode: r.SpecCode, Region: r.Region, EffectiveAt: r.EffectiveAt,
		ExpiresAt: r.ExpiresAt, CreatedAt: s.now(),
	}
	rows.packages = append(rows.packages, pack)
	for i, c := range contents {
		item := models.PackageItem{
			ID: s.IDs(models.PrefixPackageItem), PackageID: pack.ID, Position: i + 1, ServiceType: c.ServiceType, ResourceType: c.ResourceType,
			SpecCodes: append([]string{}, c.SpecCodes...), Region: c.Region, UsageType: c.UsageType, Amount: c.Amount, MeasureID: c.MeasureID,
			Cycle: c.Cycle, Basis: c.Basis,
		}
		rows.items = append(rows.items, item)
		if item.Cycle == "" {
			rows.cycles = append(rows.cycles, models.PackageCycle{ItemID: item.ID, StartsAt: r.EffectiveAt, EndsAt: r.ExpiresAt, Remaining: c.Amount})
		}
	}
}
