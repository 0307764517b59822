package benefits

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

const (
	// maxOpportunityOrders is how many orders one opportunity has.
	maxOpportunityOrders = 50
	// firstReviewDays is how many working days the first review may take (N10).
	firstReviewDays = 3
)

// The refusals of opportunities, with machine-readable reasons.
var (
	ErrNotInPCE     = models.Precondition("PCE_REQUIRED", "The opportunity incentive is for members of the co-exploration programme (P07).")
	ErrNotCommitted = models.Precondition("COMMITMENT_REQUIRED", "Whoever joins makes the commitment and accepts the agreement (P07).")
	ErrPOUsed       = models.Precondition("PO_USED", "There is an application for this PO; it brings the incentive once (N10).")
	ErrOrderUsed    = models.Precondition("ORDER_USED", "One of the orders is in another PO (N10).")
	errOrder        = models.NotFound("order")
)

// JoinPCE joins the co-exploration programme.
type JoinPCE struct {
	PartnerID         *models.ID // nil = the caller's own partner
	CommitmentMade    bool       // must be true
	AgreementAccepted bool       // must be true
}

// JoinPCE joins the co-exploration programme, which sharing opportunities takes (P07). Done before, it changes nothing. The partner itself may, and
// operators. It needs INCENTIVES_WRITE. Errors: NOT_FOUND; reasons RESELLER_HAS_NO_BENEFITS, PARTNER_EXPIRED, COMMITMENT_REQUIRED.
func (s *Service) JoinPCE(ctx context.Context, who models.Principal, cmd JoinPCE) (StandingSet, error) {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return StandingSet{}, err
	}
	var done StandingSet
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		now := s.now()
		partner, row, err := earner(ctx, tx, who, cmd.PartnerID, now)
		if err == nil {
			err = notExpired(partner)
		}
		switch {
		case err != nil:
			return err
		case !cmd.CommitmentMade || !cmd.AgreementAccepted:
			return ErrNotCommitted
		}
		if row.PCESince == nil {
			row.PCESince, row.UpdatedAt = &now, now
			if err := updateRow(ctx, tx, &row); err != nil {
				return err
			}
			var did changes
			did.add("pce", "", "JOINED")
			if err := s.Events.Record(ctx, tx, who, models.Event{
				Type: models.EventPCEJoined, PartnerID: partner.ID, SubjectID: string(partner.ID), Fields: did.fields(), Changes: did,
			}); err != nil {
				return err
			}
		}
		done.BenefitStanding = row
		return nil
	})
	return done, err
}

func notExpired(partner models.Partner) error {
	if partner.State != models.PartnerExpired {
		return nil
	}
	return models.BenefitRefusal([]models.BenefitBlocker{models.BlockPartnerExpired.Blocker()})
}

// RequestOpportunity asks for the incentive of an opportunity.
type RequestOpportunity struct {
	PartnerID *models.ID  // nil = the caller's own partner
	PONumber  string      // as the cloud numbers it, 1 to 64 printable ASCII characters
	OrderIDs  []models.ID // 1 to 50 that the caller sees, each in no other PO
}

// RequestOpportunity asks for the incentive that a PO brings once, and each of its orders in one PO only (N10). It is under review at once, and the
// first decision is due within three working days. The partner itself may, and operators; what is named twice at once succeeds once. It needs
// INCENTIVES_WRITE and sees orders as ORDERS_READ does. Errors: INVALID, NOT_FOUND; reasons RESELLER_HAS_NO_BENEFITS, PARTNER_EXPIRED,
// PCE_REQUIRED, PO_USED, ORDER_USED.
func (s *Service) RequestOpportunity(ctx context.Context, who models.Principal, cmd RequestOpportunity) (Changed, error) {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return Changed{}, err
	}
	if err := cmd.check(); err != nil {
		return Changed{}, err
	}
	known, err := s.Orders.ByIDs(ctx, who, cmd.OrderIDs)
	if err != nil {
		return Changed{}, err
	}
	now := s.now()
	due := models.WorkingDaysAfter(now, firstReviewDays)
	row := models.BenefitApplication{
		ID: s.IDs(models.PrefixBenefitApplication), Kind: models.BenefitOpportunity, Status: models.BenefitReviewing, Year: models.BenefitYear(now),
		Subject: cmd.PONumber, Details: models.BenefitDetails{Opportunity: &models.OpportunityIncentive{PONumber: cmd.PONumber}},
		ReviewDueAt: &due, SubmittedAt: &now, CreatedAt: now, UpdatedAt: now,
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		partner, standing, err := earner(ctx, tx, who, cmd.PartnerID, now)
		if err == nil {
			err = notExpired(partner)
		}
		switch {
		case err != nil:
			return err
		case standing.PCESince == nil:
			return ErrNotInPCE
		}
		for _, id := range cmd.OrderIDs {
			order, found := known[id]
			if !found {
				return errOrder
			}
			if err := s.sells(ctx, tx, partner, order); err != nil {
				return err
			}
		}
		row.PartnerID, row.Currency = partner.ID, partner.Currency
		if err := s.add(ctx, tx, who, &row, map[string]any{"poNumber": cmd.PONumber, "orders": cmd.OrderIDs}); err != nil {
			if store.Conflicts(err, "benefit_applications", "subject") {
				return ErrPOUsed
			}
			return err
		}
		if err := insertOrders(ctx, tx, row.ID, cmd.OrderIDs); err != nil {
			if store.Conflicts(err, "benefit_orders", "order_id") {
				return ErrOrderUsed
			}
			return err
		}
		return nil
	})
	if err != nil {
		return Changed{}, err
	}
	return Changed{row}, nil
}

func (cmd RequestOpportunity) check() error {
	if err := models.CheckReference(cmd.PONumber, "poNumber", models.MaxReference); err != nil {
		return err
	}
	if len(cmd.OrderIDs) == 0 || len(cmd.OrderIDs) > maxOpportunityOrders {
		return models.Invalid("orderIds", fmt.Sprintf("A PO has 1 to %d orders.", maxOpportunityOrders))
	}
	seen := map[models.ID]bool{}
	for _, id := range cmd.OrderIDs {
		if err := id.Require(models.PrefixOrder, "orderIds"); err != nil {
			return err
		}
		if seen[id] {
			return models.Invalid("orderIds", "An order is named twice.")
		}
		seen[id] = true
	}
	return nil
}

// sells is nil when an order is a customer's of the partner or of its reseller: an operator, who sees all, does not give a partner those of others.
func (s *Service) sells(ctx context.Context, tx bun.IDB, partner models.Partner, order models.Order) error {
	if order.PartnerID == partner.ID {
		return nil
	}
	if order.PartnerID != "" && partner.Kind == models.Distributor {
		reseller, found, err := selectPartner(ctx, tx, order.PartnerID)
		if err != nil || found && reseller.ParentID == partner.ID {
			return err
		}
	}
	return errOrder
}

// OrdersFor returns the orders of applications for the opportunity incentive that the caller may see, by application, with one statement of this room. It
// needs INCENTIVES_READ; whoever may not read orders sees none.
func (s *Service) OrdersFor(ctx context.Context, who models.Principal, applications []models.ID) (map[models.ID][]models.Order, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	found := make(map[models.ID][]models.Order, len(applications))
	if len(applications) == 0 {
		return found, nil
	}
	rows, err := selectOrders(ctx, s.DB, who, applications)
	if err != nil || len(rows) == 0 || !who.May(models.ReadOrders) {
		return found, err
	}
	ids := make([]models.ID, len(rows))
	for i, row := range rows {
		ids[i] = row.OrderID
	}
	known, err := s.Orders.ByIDs(ctx, who, ids)
	for _, row := range rows {
		if order, there := known[row.OrderID]; there {
			found[row.ApplicationID] = append(found[row.ApplicationID], order)
		}
	}
	return found, err
}
