package coupons

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// SetCouponWhitelist says which customers a partner may issue coupons to (V03).
type SetCouponWhitelist struct {
	PartnerID   *models.ID  // nil = the caller; operators name one
	Enabled     *bool       // whether it keeps one; operators only; nil = as it is
	CustomerIDs []models.ID // nil = as it is; at most 1000 customers of the partner's own, each once; they replace the list
}

// WhitelistChange is a whitelist after a change.
type WhitelistChange struct{ CouponWhitelist models.CouponWhitelist }

// SetWhitelist changes a partner's whitelist: a partner its own list, operators any and whether it counts. NOT_FOUND for another partner, and
// for a customer that is not the partner's own.
func (s *Service) SetWhitelist(ctx context.Context, who models.Principal, cmd SetCouponWhitelist) (WhitelistChange, error) {
	if err := access.Require(who, models.WriteCoupons); err != nil {
		return WhitelistChange{}, err
	}
	partner, err := cmd.partner(who)
	if err != nil {
		return WhitelistChange{}, err
	}
	if cmd.Enabled != nil && !who.SeesAll() {
		return WhitelistChange{}, ErrOperatorSwitches
	}
	if len(cmd.CustomerIDs) > 0 {
		if err := checkBatch(cmd.CustomerIDs, models.PrefixCustomer, "customerIds", models.MaxCouponWhitelist); err != nil {
			return WhitelistChange{}, err
		}
	}
	var done WhitelistChange
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		done.CouponWhitelist, err = s.setWhitelistIn(ctx, tx, who, partner, cmd)
		return err
	})
	return done, err
}

// partner is whose whitelist is meant.
func (cmd SetCouponWhitelist) partner(who models.Principal) (models.ID, error) {
	if cmd.PartnerID != nil {
		return *cmd.PartnerID, cmd.PartnerID.Require(models.PrefixPartner, "partnerId")
	}
	if who.PartnerID == "" || who.CustomerID != "" {
		return "", models.Invalid("partnerId", "Name the partner whose whitelist it is.")
	}
	return who.PartnerID, nil
}

func (s *Service) setWhitelistIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, cmd SetCouponWhitelist) (models.CouponWhitelist, error) {
	none := models.CouponWhitelist{}
	partner, found, err := selectPartnerForShare(ctx, tx, who, id)
	if err != nil {
		return none, err
	}
	if !found || !who.SeesAll() && partner.ID != who.PartnerID {
		return none, ErrPartnerUnknown
	}
	before, _, err := selectWhitelist(ctx, tx, id, true)
	if err != nil {
		return none, err
	}
	after := before
	after.PartnerID, after.UpdatedAt = id, s.now()
	if cmd.Enabled != nil {
		after.Enabled = *cmd.Enabled
	}
	if cmd.CustomerIDs != nil {
		if after.CustomerIDs, err = s.ownCustomers(ctx, tx, who, id, cmd.CustomerIDs); err != nil {
			return none, err
		}
	}
	if after.CustomerIDs == nil {
		after.CustomerIDs = []models.ID{}
	}
	if err := upsertWhitelist(ctx, tx, after); err != nil {
		return none, err
	}
	event := models.Event{
		Type: models.EventCouponWhitelisted, PartnerID: id, SubjectID: string(id),
		Data: map[string]any{"enabled": after.Enabled, "customers": len(after.CustomerIDs)},
	}
	for _, change := range []models.FieldChange{
		models.Changed("enabled", strconv.FormatBool(before.Enabled), strconv.FormatBool(after.Enabled)),
		models.Changed("customerIds", listed(before.CustomerIDs), listed(after.CustomerIDs)),
	} {
		if change.Before == nil || change.After == nil || *change.Before != *change.After {
			event.Fields, event.Changes = append(event.Fields, change.Field), append(event.Changes, change)
		}
	}
	return after, s.Events.Record(ctx, tx, who, event)
}

// listed is a list of ids as a record shows it; only so many by name, of more their number.
func listed(ids []models.ID) string {
	const most = 20
	if len(ids) > most {
		return fmt.Sprintf("%d customers", len(ids))
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	return strings.Join(names, " ")
}

// ownCustomers returns the ids, sorted, once all of them are known to be customers of the partner's own.
func (s *Service) ownCustomers(ctx context.Context, tx bun.IDB, who models.Principal, partner models.ID, ids []models.ID) ([]models.ID, error) {
	if len(ids) == 0 {
		return []models.ID{}, nil
	}
	found, err := selectCustomersForShare(ctx, tx, who, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if customer, seen := found[id]; !seen || customer.PartnerID != partner {
			return nil, &models.Error{Code: models.CodeNotFound, Field: "customerIds", Message: ErrCustomerUnknown.Message}
		}
	}
	return slices.Sorted(slices.Values(ids)), nil
}

// WhitelistsFor returns the whitelists of those of the partners that have one and that the caller may see, with one statement.
func (s *Service) WhitelistsFor(ctx context.Context, who models.Principal, partners []models.ID) (map[models.ID]models.CouponWhitelist, error) {
	if err := access.Require(who, models.ReadCoupons); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.CouponWhitelist, len(partners))
	if len(partners) == 0 {
		return found, nil
	}
	rows, err := selectWhitelists(ctx, s.DB, who, partners)
	for _, row := range rows {
		found[row.PartnerID] = row
	}
	return found, err
}
