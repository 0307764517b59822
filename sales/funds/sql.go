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

// endsUnchanged are the conditions that those of the customers and partners that are among the ends are what they were read as; the others nobody looked at. Ends that
// differ only in whose they are, as the customers of one lane in one currency do, are one condition.
func endsUnchanged(ids []models.ID, ends map[models.ID]end) []ledger.Condition {
	type what struct {
		end
		prefix string
	}
	type were struct{ ids, above []string }
	same := make(map[what]were)
	var kinds []what // in the order in which they are found, so that the statement is the same for the same kinds
	for _, id := range ids {
		e, found := ends[id]
		if !found {
			continue
		}
		kind := what{e, id.Prefix()}
		kind.Above = ""
		known, found := same[kind]
		if !found {
			kinds = append(kinds, kind)
		}
		same[kind] = were{append(known.ids, string(id)), append(known.above, string(e.Above))}
	}
	conditions := make([]ledger.Condition, len(kinds))
	for i, kind := range kinds {
		were := same[kind]
		conditions[i] = ledger.Condition{SQL: customersUnchanged, Equals: int64(len(were.ids)), Args: []any{
			were.ids, were.above, string(kind.Currency), string(kind.Mode), string(kind.Frozen),
		}}
		if kind.prefix == models.PrefixPartner {
			conditions[i].SQL, conditions[i].Args = partnersUnchanged, []any{were.ids, were.above, string(kind.Currency), string(kind.Kind)}
		}
	}
	return conditions
}

const (
	customersUnchanged = `SELECT count(*) FROM (SELECT unnest(?::text[]) AS id, unnest(?::text[]) AS above) AS was JOIN customers AS c ON c.id = was.id
		WHERE coalesce(c.partner_id, '') = above AND c.currency = ?::text AND coalesce(c.mode, '') = ?::text AND c.frozen = ?::text`
	partnersUnchanged = `SELECT count(*) FROM (SELECT unnest(?::text[]) AS id, unnest(?::text[]) AS above) AS was JOIN partners AS p ON p.id = was.id
		WHERE coalesce(p.parent_id, '') = above AND p.currency = ?::text AND p.kind = ?::text`
)
