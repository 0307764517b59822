package funds

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/cache"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// PartnerBalances returns the balances of the partners whose business the caller may read, itself and its resellers (M01),
// with at most two statements however many there are: whose may be seen, and what the cache does not know. The others are
// absent. A partner that never had money has zero in its currency. It needs BALANCES_READ.
func (s *Service) PartnerBalances(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Balance, error) {
	return s.balances(ctx, who, models.OwnerPartner, ids, selectPartners)
}

// CustomerBalances returns the balances of the customers whose money the caller may see, which for a partner is that of
// resale customers only (M02), with statements as PartnerBalances. The others are absent. It needs BALANCES_READ.
func (s *Service) CustomerBalances(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Balance, error) {
	return s.balances(ctx, who, models.OwnerCustomer, ids, selectCustomers)
}

// CustomerRow is what a customer's row says about whose its money is to see.
type CustomerRow struct {
	ID, PartnerID models.ID
	Mode          models.AssociationMode
	Currency      models.Currency
}

// RowOf is that of a customer that was just read.
func RowOf(c *models.Customer) CustomerRow { return CustomerRow{c.ID, c.PartnerID, c.Mode, c.Currency} }

// BalancesOfRows is CustomerBalances for customers whose rows were just read: what these say is not asked of the database again.
func (s *Service) BalancesOfRows(ctx context.Context, who models.Principal, rows []CustomerRow) (map[CustomerRow]models.Balance, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	owners := make([]owner, 0, len(rows))
	var unsure []models.ID
	for _, row := range rows {
		sees, certain := access.SeesMoneyOf(who, row.ID, row.PartnerID, row.Mode)
		switch {
		case !certain:
			unsure = append(unsure, row.ID)
		case sees:
			owners = append(owners, owner{row.ID, row.Currency})
		}
	}
	asked, err := selectCustomers(ctx, s.DB, who, unsure)
	if err != nil {
		return nil, err
	}
	found, err := s.seen(ctx, models.OwnerCustomer, append(owners, asked...))
	if err != nil {
		return nil, err
	}
	balances := make(map[CustomerRow]models.Balance, len(found))
	for _, row := range rows {
		if balance, ok := found[row.ID]; ok {
			balances[row] = balance
		}
	}
	return balances, nil
}

// owner is one whose balance the caller may see.
type owner struct {
	ID       models.ID
	Currency models.Currency
}

// visible finds those of the ids whose balances the principal may see.
type visible func(ctx context.Context, db bun.IDB, who models.Principal, ids []models.ID) ([]owner, error)

// balances asks for permission first, whatever the cache knows: it holds money, not rights.
func (s *Service) balances(ctx context.Context, who models.Principal, kind models.OwnerKind, ids []models.ID, seen visible) (map[models.ID]models.Balance, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	var entries []cache.Entry
	// Its own balance anyone sees who has one, so that the rows need not be asked.
	if len(ids) == 1 && ids[0] == access.OwnBalance(who, kind) {
		entries = s.lookup(ctx, kind, ids)
		if kept, hit := keptIn(entries[0]); hit {
			return map[models.ID]models.Balance{ids[0]: kept.balance(kept.Currency)}, nil
		}
	}
	owners, err := seen(ctx, s.DB, who, ids)
	if err != nil || len(owners) == 0 {
		return nil, err
	}
	if entries == nil {
		return s.seen(ctx, kind, owners)
	}
	return s.balancesOf(ctx, kind, owners, entries)
}

// seen returns the balances of owners that the caller may see, each once.
func (s *Service) seen(ctx context.Context, kind models.OwnerKind, owners []owner) (map[models.ID]models.Balance, error) {
	if len(owners) == 0 {
		return nil, nil
	}
	slices.SortFunc(owners, func(a, b owner) int { return strings.Compare(string(a.ID), string(b.ID)) })
	owners = slices.CompactFunc(owners, func(a, b owner) bool { return a.ID == b.ID })
	ids := make([]models.ID, len(owners))
	for i, o := range owners {
		ids[i] = o.ID
	}
	return s.balancesOf(ctx, kind, owners, s.lookup(ctx, kind, ids))
}

// balancesOf answers from the entries of the owners what it can, and reads the rest from the ledger.
func (s *Service) balancesOf(ctx context.Context, kind models.OwnerKind, owners []owner, entries []cache.Entry) (map[models.ID]models.Balance, error) {
	balances := make(map[models.ID]models.Balance, len(owners))
	missing := make([]missed, 0, len(owners))
	for i, o := range owners {
		if kept, hit := keptIn(entries[i]); hit {
			balances[o.ID] = kept.balance(o.Currency)
			continue
		}
		missing = append(missing, missed{o, entries[i].Lease})
	}
	read, err := s.readMissed(ctx, kind, missing)
	if err != nil {
		return nil, err
	}
	for i, m := range missing {
		balances[m.ID] = read[i].balance(m.Currency)
	}
	return balances, nil
}
