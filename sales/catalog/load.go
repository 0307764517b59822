package catalog

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// insertBatch is how many rows one statement writes.
const insertBatch = 500

// LoadCatalogue is a catalogue to be loaded, whole.
type LoadCatalogue struct {
	Content string // JSON as docs/catalogue.md describes it, at most MaxFileBytes
}

// LoadedCatalogue is the version that holds the content.
type LoadedCatalogue struct {
	CatalogueVersion models.CatalogueVersion
	Changed          bool // false when the very same content was loaded before
}

// Load checks a catalogue and stores it as a version of its own; all of it or nothing. Loading the same content again changes nothing,
// however it is laid out. It needs CATALOG_LOAD, and is INVALID naming line and path for what is wrong, CONFLICT when the version's name
// is taken by other content or another version begins at the same moment, and PRECONDITION_FAILED with the reason CATALOGUE_BACKDATED
// for one that would begin in the past, unless it is the cloud's first: prices that were asked for do not change.
func (s *Service) Load(ctx context.Context, who models.Principal, cmd LoadCatalogue) (LoadedCatalogue, error) {
	if err := access.Require(who, models.LoadCatalogue); err != nil {
		return LoadedCatalogue{}, err
	}
	if !who.SeesAll() {
		return LoadedCatalogue{}, models.Forbidden("Catalogues are loaded by operators.")
	}
	content, err := parse([]byte(cmd.Content))
	if err != nil {
		return LoadedCatalogue{}, err
	}
	var loaded LoadedCatalogue
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		loaded, err = s.loadIn(ctx, tx, who, content)
		return err
	})
	if store.Conflicts(err, "catalogue_versions") {
		return LoadedCatalogue{}, models.Conflict("Another version of this cloud has this name, or begins at the same moment.")
	}
	return loaded, err
}

func (s *Service) loadIn(ctx context.Context, tx bun.IDB, who models.Principal, content catalogue) (LoadedCatalogue, error) {
	before, found, err := selectVersionNamed(ctx, tx, content.cloud, content.label)
	if err != nil {
		return LoadedCatalogue{}, err
	}
	switch {
	case found && before.ContentHash == content.hash:
		return LoadedCatalogue{CatalogueVersion: before}, nil
	case found:
		return LoadedCatalogue{}, models.Conflict("Another version of this cloud has this name.")
	}
	now := s.now()
	version := models.CatalogueVersion{
		ID: s.IDs(models.PrefixCatalogueVersion), Cloud: content.cloud, Label: content.label, ContentHash: content.hash, EffectiveAt: now,
		Specs: len(content.specs), Prices: len(content.prices), CreatedAt: now,
	}
	if content.effectiveFrom != nil {
		version.EffectiveAt = *content.effectiveFrom
	}
	if version.EffectiveAt.Before(now) {
		exists, err := existsVersion(ctx, tx, content.cloud)
		if err != nil {
			return LoadedCatalogue{}, err
		}
		if exists {
			return LoadedCatalogue{}, models.Precondition("CATALOGUE_BACKDATED", "A version begins now or later: prices of the past do not change.")
		}
	}
	if err := insert(ctx, tx, &version); err != nil {
		return LoadedCatalogue{}, err
	}
	if err := content.insert(ctx, tx, version); err != nil {
		return LoadedCatalogue{}, err
	}
	return LoadedCatalogue{CatalogueVersion: version, Changed: true}, s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventCatalogueLoaded, SubjectID: string(version.ID), Fields: []string{"catalogueVersion"},
		Changes: []models.FieldChange{models.Changed("catalogueVersion", "", version.Label)},
		Data: map[string]any{
			"cloud": version.Cloud, "version": version.Label, "effectiveAt": version.EffectiveAt.Format(time.RFC3339), "specs": version.Specs, "prices": version.Prices,
		},
	})
}

// insert writes the rows of a version. Their ids follow the order of the lists, so that a list is paged in the order of its codes.
func (c catalogue) insert(ctx context.Context, tx bun.IDB, version models.CatalogueVersion) error {
	ids := models.NewIDSequence(version.CreatedAt, string(version.ID))
	entry := func() models.ID { return ids.Next(models.PrefixCatalogueEntry) }
	for i := range c.regions {
		c.regions[i].ID, c.regions[i].VersionID = entry(), version.ID
	}
	for i := range c.services {
		c.services[i].ID, c.services[i].VersionID = entry(), version.ID
	}
	for i := range c.resources {
		c.resources[i].ID, c.resources[i].VersionID = entry(), version.ID
	}
	for i := range c.specs {
		c.specs[i].ID, c.specs[i].VersionID = entry(), version.ID
	}
	for i := range c.usages {
		c.usages[i].ID, c.usages[i].VersionID = entry(), version.ID
	}
	for i := range c.measures {
		c.measures[i].ID, c.measures[i].VersionID = entry(), version.ID
	}
	for i := range c.conversions {
		c.conversions[i].ID, c.conversions[i].VersionID = entry(), version.ID
	}
	for i := range c.policies {
		c.policies[i].ID, c.policies[i].VersionID = entry(), version.ID
	}
	for i := range c.prices {
		c.prices[i].ID, c.prices[i].VersionID = ids.Next(models.PrefixPrice), version.ID
	}
	for _, write := range []func() error{
		func() error { return insertAll(ctx, tx, c.regions) },
		func() error { return insertAll(ctx, tx, c.services) },
		func() error { return insertAll(ctx, tx, c.resources) },
		func() error { return insertAll(ctx, tx, c.specs) },
		func() error { return insertAll(ctx, tx, c.usages) },
		func() error { return insertAll(ctx, tx, c.measures) },
		func() error { return insertAll(ctx, tx, c.conversions) },
		func() error { return insertAll(ctx, tx, c.prices) },
		func() error { return insertAll(ctx, tx, c.policies) },
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

func insertAll[Row any](ctx context.Context, tx bun.IDB, rows []Row) error {
	for batch := range slices.Chunk(rows, insertBatch) {
		if err := insert(ctx, tx, &batch); err != nil {
			return err
		}
	}
	return nil
}
