package funds

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// selectAdjustedForShare finds the owner of the balance to correct and locks its row against change, so that the event tells
// the partner of now.
func selectAdjustedForShare(ctx context.Context, tx bun.IDB, cmd AdjustBalance) (adjusted, bool, error) {
	if cmd.PartnerID != nil {
		var rows []models.Partner
		err := store.ForShare(tx.NewSelect().Model(&rows).Column("p.id", "p.cloud", "p.currency").Where("p.id = ?", *cmd.PartnerID)).Scan(ctx)
		if err != nil || len(rows) == 0 {
			return adjusted{}, false, store.Translate(err)
		}
		p := rows[0]
		return adjusted{Kind: models.OwnerPartner, ID: p.ID, Cloud: p.Cloud, Currency: p.Currency, PartnerID: p.ID}, true, nil
	}
	var rows []models.Customer
	err := store.ForShare(tx.NewSelect().Model(&rows).Column("c.id", "c.cloud", "c.currency", "c.partner_id", "c.mode").
		Where("c.id = ?", *cmd.CustomerID)).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return adjusted{}, false, store.Translate(err)
	}
	c := rows[0]
	whose := adjusted{Kind: models.OwnerCustomer, ID: c.ID, Cloud: c.Cloud, Currency: c.Currency}
	if c.Mode == models.Resale {
		whose.PartnerID = c.PartnerID
	}
	return whose, true, nil
}

// selectFunders returns the partners of those of the owners that are resale customers. It locks nothing: whoever asks has
// locked accounts, which come after the rows of their owners.
func selectFunders(ctx context.Context, db bun.IDB, owners []string) (map[models.ID]models.ID, error) {
	var rows []models.Customer
	err := db.NewSelect().Model(&rows).Column("c.id", "c.partner_id").Where("c.id IN (?)", bun.List(owners)).Where("c.mode = ?", models.Resale).Scan(ctx)
	partners := make(map[models.ID]models.ID, len(rows))
	for _, c := range rows {
		partners[c.ID] = c.PartnerID
	}
	return partners, store.Translate(err)
}
