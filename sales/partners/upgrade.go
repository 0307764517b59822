package partners

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// Performance knows what resellers sold. It is counted above this room, so it asks through this.
type Performance interface {
	// PerformanceOfReseller returns what was counted for a reseller's customers from a month on, in minor units of a currency.
	PerformanceOfReseller(ctx context.Context, db bun.IDB, reseller models.ID, from models.BillingCycle, currency models.Currency) (int64, error)
}

// The refusals of upgrades; models has those of the rule and of the state.
var (
	ErrUpgradeUnknown   = models.NotFound("reseller upgrade")
	ErrResellerUpgrades = models.Forbidden("Only a cloud reseller asks to become a distributor.")
	ErrOperatorReviews  = models.Forbidden("Only an operator reviews this.")
)

// RequestResellerUpgrade asks for the plan of an authorised support centre, the first step to become a distributor.
type RequestResellerUpgrade struct {
	Reason string // for operators, 1 to 256 characters, no personal data
}

// RequestDistributorRole asks for the role, when the reseller is in the plan.
type RequestDistributorRole struct {
	UpgradeID models.ID
	Plan      string // what it has done in the plan, 1 to 1000 characters, no personal data
}

// ReviewResellerUpgrade is an operator's decision about the step that was asked for.
type ReviewResellerUpgrade struct {
	UpgradeID      models.ID
	Approve        bool
	Reason         string // for the reseller, 1 to 256 characters, no personal data
	IdempotencyKey string // 1 to 128 printable ASCII characters, made up once per decision
}

// CancelResellerUpgrade takes a request back.
type CancelResellerUpgrade struct{ UpgradeID models.ID }

// UpgradeChange is a request as it is after the operation.
type UpgradeChange struct{ Upgrade models.ResellerUpgrade }

// ReviewedUpgrade is what a decision did.
type ReviewedUpgrade struct {
	Upgrade  models.ResellerUpgrade
	Transfer *models.Transfer // the recall of its money by its former distributor; nil when nothing moved
}

// UpgradeEligibility says whether a reseller may ask to become a distributor (P13), by the performance of the last 12 months with the present
// one. Nil is the caller itself; whoever belongs to no partner and names none has no answer. It needs PARTNERS_READ; a distributor may ask about
// its resellers, everybody else's partner is NOT_FOUND.
func (s *Service) UpgradeEligibility(ctx context.Context, who models.Principal, partnerID *models.ID) (*models.UpgradeEligibility, error) {
	if err := access.Require(who, models.ReadPartners); err != nil {
		return nil, err
	}
	id := who.PartnerID
	if partnerID != nil {
		id = *partnerID
	}
	if id == "" || who.CustomerID != "" && partnerID == nil {
		return nil, nil
	}
	if err := id.Require(models.PrefixPartner, "partnerId"); err != nil {
		return nil, err
	}
	var partner models.Partner
	found, err := store.Found(access.PartnersWithin(s.DB.NewSelect().Model(&partner).Where("p.id = ?", id), who).Scan(ctx))
	if err != nil || !found {
		return nil, orUnknown(err, ErrUnknown)
	}
	eligibility, err := s.eligibility(ctx, s.DB, partner)
	return &eligibility, err
}

func (s *Service) eligibility(ctx context.Context, db bun.IDB, partner models.Partner) (models.UpgradeEligibility, error) {
	_, open, err := selectOpenUpgrade(ctx, db, partner.ID)
	if err != nil {
		return models.UpgradeEligibility{}, err
	}
	performance, err := s.annualPerformance(ctx, db, partner.ID)
	return models.MayUpgrade(partner, performance, open), err
}

// annualPerformance is of the last 12 months with the present one.
func (s *Service) annualPerformance(ctx context.Context, db bun.IDB, reseller models.ID) (int64, error) {
	year, month, _ := models.BillDay(s.now()).Date()
	from := models.BillingCycleAt(time.Date(year, month-11, 15, 0, 0, 0, 0, time.UTC))
	return s.Performance.PerformanceOfReseller(ctx, db, reseller, from, models.CNY)
}

// RequestUpgrade asks for the plan of an authorised support centre (P13). It needs RELATIONS_CHANGE and a cloud reseller. Reasons of
// PRECONDITION_FAILED: PERFORMANCE_TOO_LOW, PARTNER_RESTRICTED and UPGRADE_OPEN.
func (s *Service) RequestUpgrade(ctx context.Context, who models.Principal, cmd RequestResellerUpgrade) (UpgradeChange, error) {
	if who.PartnerKind != models.CloudReseller || who.CustomerID != "" {
		return UpgradeChange{}, refusedAs(who, ErrResellerUpgrades)
	}
	if err := access.Require(who, models.ChangeRelations); err != nil {
		return UpgradeChange{}, err
	}
	if err := checkReason(cmd.Reason); err != nil {
		return UpgradeChange{}, err
	}
	var done UpgradeChange
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		reseller, found, err := lock(ctx, tx, who.PartnerID)
		if err != nil || !found {
			return orUnknown(err, ErrUnknown)
		}
		eligibility, err := s.eligibility(ctx, tx, reseller)
		if err != nil {
			return err
		}
		if eligibility.Refusal != nil {
			return eligibility.Refusal
		}
		now := s.now()
		done.Upgrade = models.ResellerUpgrade{
			ID: s.IDs(models.PrefixResellerUpgrade), ResellerID: reseller.ID, State: models.UpgradeRequested,
			PerformanceMinor: eligibility.Performance.Minor, Reason: cmd.Reason, CreatedAt: now, UpdatedAt: now,
		}
		if err := insertRow(ctx, tx, &done.Upgrade); err != nil {
			return err
		}
		return s.recordUpgrade(ctx, tx, who, done.Upgrade, "")
	})
	if err != nil {
		return UpgradeChange{}, err
	}
	return done, nil
}

// RequestDistributor asks for the role of a distributor, when operators have put the reseller into the plan. Who may is as with RequestUpgrade; the
// performance is judged again. Reasons of PRECONDITION_FAILED: UPGRADE_STATE, PERFORMANCE_TOO_LOW and PARTNER_RESTRICTED.
func (s *Service) RequestDistributor(ctx context.Context, who models.Principal, cmd RequestDistributorRole) (UpgradeChange, error) {
	if !isText(cmd.Plan, 1000) {
		return UpgradeChange{}, models.Invalid("plan", "The plan has 1 to 1000 characters, none of them a control character.")
	}
	return s.changeUpgrade(ctx, who, cmd.UpgradeID, func(ctx context.Context, tx bun.IDB, reseller models.Partner, upgrade *models.ResellerUpgrade) error {
		if err := upgrade.Become(models.UpgradeDistributorRequested, s.now()); err != nil {
			return err
		}
		performance, err := s.annualPerformance(ctx, tx, reseller.ID)
		if err != nil {
			return err
		}
		if judged := models.MayUpgrade(reseller, performance, false); judged.Refusal != nil {
			return judged.Refusal
		}
		upgrade.Plan, upgrade.PerformanceMinor = cmd.Plan, performance
		return nil
	})
}

// CancelUpgrade takes a request back that is not decided. Who may is as with RequestUpgrade. UPGRADE_STATE when it is over.
func (s *Service) CancelUpgrade(ctx context.Context, who models.Principal, cmd CancelResellerUpgrade) (UpgradeChange, error) {
	return s.changeUpgrade(ctx, who, cmd.UpgradeID, func(_ context.Context, _ bun.IDB, _ models.Partner, upgrade *models.ResellerUpgrade) error {
		return upgrade.Become(models.UpgradeCancelled, s.now())
	})
}

// changeUpgrade runs the reseller's own change of its request.
func (s *Service) changeUpgrade(ctx context.Context, who models.Principal, id models.ID, change func(context.Context, bun.IDB, models.Partner, *models.ResellerUpgrade) error) (UpgradeChange, error) {
	if err := access.Require(who, models.ChangeRelations); err != nil {
		return UpgradeChange{}, err
	}
	if err := id.Require(models.PrefixResellerUpgrade, "upgradeId"); err != nil {
		return UpgradeChange{}, err
	}
	if who.PartnerID == "" || who.CustomerID != "" {
		return UpgradeChange{}, ErrResellerUpgrades
	}
	var done UpgradeChange
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		upgrade, reseller, err := s.lockUpgrade(ctx, tx, who, id)
		if err != nil {
			return err
		}
		before := upgrade.State
		if err := change(ctx, tx, reseller, &upgrade); err != nil {
			return err
		}
		if err := updateUpgrade(ctx, tx, upgrade); err != nil {
			return err
		}
		done.Upgrade = upgrade
		return s.recordUpgrade(ctx, tx, who, upgrade, before)
	})
	if err != nil {
		return UpgradeChange{}, err
	}
	return done, nil
}

// lockUpgrade locks a request that the caller may see, after its reseller.
func (s *Service) lockUpgrade(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.ResellerUpgrade, models.Partner, error) {
	seen, err := selectUpgrades(ctx, tx, who, []models.ID{id}, false)
	if err != nil || len(seen) == 0 {
		return models.ResellerUpgrade{}, models.Partner{}, orUnknown(err, ErrUpgradeUnknown)
	}
	reseller, found, err := lock(ctx, tx, seen[0].ResellerID)
	if err != nil || !found {
		return models.ResellerUpgrade{}, models.Partner{}, orUnknown(err, ErrUnknown)
	}
	again, err := selectUpgrades(ctx, tx, who, []models.ID{id}, true)
	if err != nil || len(again) == 0 {
		return models.ResellerUpgrade{}, models.Partner{}, orUnknown(err, ErrUpgradeUnknown)
	}
	return again[0], reseller, nil
}

// ReviewUpgrade decides about the step that a reseller has asked for, exactly once: it comes into the plan, or it becomes a distributor. Then
// its cooperation ends as EndCooperation does it, and its kind changes; its customers stay its own. It needs PARTNERS_WRITE. Reasons of
// PRECONDITION_FAILED: UPGRADE_STATE, and those of EndCooperation.
func (s *Service) ReviewUpgrade(ctx context.Context, who models.Principal, cmd ReviewResellerUpgrade) (ReviewedUpgrade, error) {
	if err := access.Require(who, models.WritePartners); err != nil {
		return ReviewedUpgrade{}, err
	}
	if !who.SeesAll() {
		return ReviewedUpgrade{}, ErrOperatorReviews
	}
	if err := cmd.UpgradeID.Require(models.PrefixResellerUpgrade, "upgradeId"); err != nil {
		return ReviewedUpgrade{}, err
	}
	if err := checkReason(cmd.Reason); err != nil {
		return ReviewedUpgrade{}, err
	}
	asked := struct {
		UpgradeID models.ID
		Approve   bool
		Reason    string
	}{cmd.UpgradeID, cmd.Approve, cmd.Reason}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "reviewResellerUpgrade", asked, func(ctx context.Context, tx bun.IDB) (ReviewedUpgrade, error) {
		return s.reviewIn(ctx, tx, who, cmd)
	})
}

func (s *Service) reviewIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd ReviewResellerUpgrade) (ReviewedUpgrade, error) {
	upgrade, reseller, err := s.lockUpgrade(ctx, tx, who, cmd.UpgradeID)
	if err != nil {
		return ReviewedUpgrade{}, err
	}
	before, next := upgrade.State, models.UpgradePlanned
	switch {
	case !cmd.Approve:
		next = models.UpgradeRejected
	case before == models.UpgradeDistributorRequested:
		next = models.UpgradeDone
	}
	if err := upgrade.Become(next, s.now()); err != nil {
		return ReviewedUpgrade{}, err
	}
	upgrade.Answer = cmd.Reason
	if err := updateUpgrade(ctx, tx, upgrade); err != nil {
		return ReviewedUpgrade{}, err
	}
	done := ReviewedUpgrade{Upgrade: upgrade}
	if next == models.UpgradeDone {
		if done.Transfer, err = s.promoteIn(ctx, tx, who, reseller); err != nil {
			return ReviewedUpgrade{}, err
		}
	}
	return done, s.recordUpgrade(ctx, tx, who, upgrade, before)
}

// promoteIn makes a reseller, whose row the caller has locked, a distributor; it returns what its former one took back.
func (s *Service) promoteIn(ctx context.Context, tx bun.IDB, who models.Principal, reseller models.Partner) (*models.Transfer, error) {
	var taken *models.Transfer
	if reseller.ParentID != "" {
		ended, err := s.partIn(ctx, tx, who, reseller, "UPGRADE")
		if err != nil {
			return nil, err
		}
		taken = ended.Transfer
	} else if err := s.dropRequests(ctx, tx, who, reseller.ID); err != nil {
		return nil, err
	}
	before := reseller.Kind
	reseller.Kind, reseller.UpdatedAt = models.Distributor, s.now()
	if err := updateKind(ctx, tx, reseller); err != nil {
		return nil, err
	}
	return taken, s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventPartnerKindChanged, PartnerID: reseller.ID, SubjectID: string(reseller.ID), Fields: []string{"kind"},
		Changes: []models.FieldChange{models.Changed("kind", before, reseller.Kind)}, Data: map[string]any{"kind": reseller.Kind},
	})
}

func (s *Service) recordUpgrade(ctx context.Context, tx bun.IDB, who models.Principal, u models.ResellerUpgrade, before models.ResellerUpgradeState) error {
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventResellerUpgrade, PartnerID: u.ResellerID, SubjectID: string(u.ID), Fields: []string{"state"},
		Changes: []models.FieldChange{models.Changed("state", before, u.State)}, Data: map[string]any{"state": u.State},
	})
}

// UpgradeFilter narrows FindUpgrades. Nil = no filter; an empty list matches nothing.
type UpgradeFilter struct{ States []models.ResellerUpgradeState }

// FindUpgrades returns the caller's own requests, for operators all, newest first. It needs PARTNERS_READ.
func (s *Service) FindUpgrades(ctx context.Context, who models.Principal, filter UpgradeFilter, args models.PageArgs) (models.ResellerUpgradeConnection, error) {
	page, err := cooperationPage(who, nil, args, "resellerUpgrades")
	if err != nil {
		return models.ResellerUpgradeConnection{}, err
	}
	return store.List[models.ResellerUpgrade](ctx, page, true, func() *bun.SelectQuery {
		q := access.ResellerUpgrades(s.DB.NewSelect().Model((*models.ResellerUpgrade)(nil)), who)
		if filter.States != nil {
			q = q.Where("rup.state IN (?)", bun.List(filter.States))
		}
		return q
	})
}

// UpgradesByIDs returns the requests with these ids that the caller may see; the others are absent. It needs PARTNERS_READ.
func (s *Service) UpgradesByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.ResellerUpgrade, error) {
	if err := access.Require(who, models.ReadPartners); err != nil {
		return nil, err
	}
	byID := make(map[models.ID]models.ResellerUpgrade, len(ids))
	if len(ids) == 0 {
		return byID, nil
	}
	rows, err := selectUpgrades(ctx, s.DB, who, ids, false)
	for _, row := range rows {
		byID[row.ID] = row
	}
	return byID, err
}
