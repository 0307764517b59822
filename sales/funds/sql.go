package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

func selectPartners(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]owner, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var owners []owner
	q := db.NewSelect().Model((*models.Partner)(nil)).Column("p.id", "p.currency").Where("p.id ?", store.In(ids))
	err := store.Read(ctx, db, access.PartnersWithin(q, who), &owners)
	return owners, err
}

func selectCustomers(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]owner, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var owners []owner
	q := db.NewSelect().Model((*models.Customer)(nil)).Column("c.id", "c.currency").Where("c.id ?", store.In(ids))
	err := store.Read(ctx, db, access.CustomersWithBalance(q, who), &owners)
	return owners, err
}

// end is a customer or partner as the lower end of an edge.
type end struct {
	Above    models.ID // whose it is; zero when nobody's
	Kind     models.PartnerKind
	Mode     models.AssociationMode
	Frozen   models.FrozenScope
	Currency models.Currency
}

// customerEnd is what an end says of a customer.
type customerEnd struct {
	bun.BaseModel `bun:"table:customers,alias:c"`

	ID        models.ID              `bun:"id,pk"`
	PartnerID models.ID              `bun:"partner_id,nullzero"`
	Mode      models.AssociationMode `bun:"mode,nullzero"`
	Frozen    models.FrozenScope     `bun:"frozen"`
	Currency  models.Currency        `bun:"currency"`
}

// partnerEnd is what an end says of a partner.
type partnerEnd struct {
	bun.BaseModel `bun:"table:partners,alias:p"`

	ID       models.ID          `bun:"id,pk"`
	ParentID models.ID          `bun:"parent_id,nullzero"`
	Kind     models.PartnerKind `bun:"kind"`
	Currency models.Currency    `bun:"currency"`
}

func endsOf(customers []customerEnd, partners []partnerEnd) map[models.ID]end {
	ends := make(map[models.ID]end, len(customers)+len(partners))
	for _, c := range customers {
		ends[c.ID] = end{Above: c.PartnerID, Mode: c.Mode, Frozen: c.Frozen, Currency: c.Currency}
	}
	for _, p := range partners {
		ends[p.ID] = end{Above: p.ParentID, Kind: p.Kind, Currency: p.Currency}
	}
	return ends
}

// endsUnchanged are the conditions that those of the customers and partners that are among the ends are what they were read as; the others nobody looked at.
func endsUnchanged(ids []models.ID, ends map[models.ID]end) []ledger.Condition {
	var customers, partners [5][]string
	for _, id := range ids {
		e, found := ends[id]
		if !found {
			continue
		}
		row, into := [5]string{string(id), string(e.Above), string(e.Currency), string(e.Mode), string(e.Frozen)}, &customers
		if id.Prefix() == models.PrefixPartner {
			row[3], into = string(e.Kind), &partners
		}
		for i, value := range row {
			into[i] = append(into[i], value)
		}
	}
	var conditions []ledger.Condition
	if n := len(customers[0]); n > 0 {
		conditions = append(conditions, ledger.Condition{SQL: `SELECT count(*) FROM (SELECT unnest(?::text[]) AS id, unnest(?::text[]) AS above, unnest(?::text[]) AS currency, unnest(?::text[]) AS mode, unnest(?::text[]) AS frozen) AS was
			JOIN customers AS c ON c.id = was.id WHERE coalesce(c.partner_id, '') = above AND c.currency = was.currency AND coalesce(c.mode, '') = was.mode AND c.frozen = was.frozen`,
			Args: []any{customers[0], customers[1], customers[2], customers[3], customers[4]}, Equals: int64(n)})
	}
	if n := len(partners[0]); n > 0 {
		conditions = append(conditions, ledger.Condition{SQL: `SELECT count(*) FROM (SELECT unnest(?::text[]) AS id, unnest(?::text[]) AS above, unnest(?::text[]) AS currency, unnest(?::text[]) AS kind) AS was
			JOIN partners AS p ON p.id = was.id WHERE coalesce(p.parent_id, '') = above AND p.currency = was.currency AND p.kind = was.kind`,
			Args: []any{partners[0], partners[1], partners[2], partners[3]}, Equals: int64(n)})
	}
	return conditions
}
