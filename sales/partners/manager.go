package partners

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// The refusals of account managers, as those of customers' (C18).
var (
	ErrManagerUnknown     = models.NotFound("person of this partner's")
	ErrManagerDisabled    = models.Precondition("PERSON_DISABLED", "This person may not sign in and manages no accounts.")
	ErrNoManager          = models.Precondition("NO_ACCOUNT_MANAGER", "Nobody looks after this reseller.")
	ErrDistributorAssigns = models.Forbidden("Only a distributor says who looks after its resellers.")
)

// AssignResellerManager says who looks after a reseller.
type AssignResellerManager struct {
	ResellerID models.ID
	UserID     models.ID // a person of the caller's, the distributor
}

// RetractResellerManager says which reseller nobody looks after.
type RetractResellerManager struct{ ResellerID models.ID }

// ManagedReseller is a reseller, and who looks after it now; nil = nobody.
type ManagedReseller struct {
	Partner models.Partner
	Manager *models.ResellerManager
}

// AssignManager makes a person of the caller's the account manager of its reseller, in the place of whoever it was (P15): a reseller has one at
// most. It needs RELATIONS_CHANGE and a distributor; somebody else's reseller and person are NOT_FOUND, a disabled person is
// PERSON_DISABLED. Who it is already stays it, without another line of history.
func (s *Service) AssignManager(ctx context.Context, who models.Principal, cmd AssignResellerManager) (ManagedReseller, error) {
	if err := cmd.UserID.Require(models.PrefixUser, "userId"); err != nil {
		return ManagedReseller{}, err
	}
	return s.manage(ctx, who, cmd.ResellerID, func(ctx context.Context, tx bun.IDB, reseller models.Partner) (*models.ResellerManager, error) {
		person, found, err := selectPersonForShare(ctx, tx, cmd.UserID, who.PartnerID)
		switch {
		case err != nil:
			return nil, err
		case !found:
			return nil, ErrManagerUnknown
		case person.State != models.UserActive:
			return nil, ErrManagerDisabled
		}
		present, found, err := selectManagerInForce(ctx, tx, reseller.ID)
		if err != nil || found && present.UserID == cmd.UserID {
			return &present, err
		}
		before, err := s.closeManager(ctx, tx, reseller)
		if err != nil {
			return nil, err
		}
		next := models.ResellerManager{
			ID: s.IDs(models.PrefixResellerManager), DistributorID: who.PartnerID, ResellerID: reseller.ID, UserID: cmd.UserID, Since: s.now(),
			LoginName: person.LoginName,
		}
		if err := insertRow(ctx, tx, &next); err != nil {
			return nil, err
		}
		return &next, s.recordManager(ctx, tx, who, reseller, models.EventResellerManagerAssigned, before, next.UserID)
	})
}

// RetractManager leaves a reseller without an account manager; NO_ACCOUNT_MANAGER when it has none. Who may is as with AssignManager.
func (s *Service) RetractManager(ctx context.Context, who models.Principal, cmd RetractResellerManager) (ManagedReseller, error) {
	return s.manage(ctx, who, cmd.ResellerID, func(ctx context.Context, tx bun.IDB, reseller models.Partner) (*models.ResellerManager, error) {
		retracted, err := s.retractIn(ctx, tx, who, reseller)
		if err == nil && !retracted {
			err = ErrNoManager
		}
		return nil, err
	})
}

// manage runs a change of who looks after a reseller of the caller's, whose row it locks.
func (s *Service) manage(ctx context.Context, who models.Principal, id models.ID, change func(context.Context, bun.IDB, models.Partner) (*models.ResellerManager, error)) (done ManagedReseller, err error) {
	if err := access.Require(who, models.ChangeRelations); err != nil {
		return done, err
	}
	if who.PartnerKind != models.Distributor {
		return done, ErrDistributorAssigns
	}
	if err := id.Require(models.PrefixPartner, "resellerId"); err != nil {
		return done, err
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		reseller, found, err := lock(ctx, tx, id)
		if err != nil || !found || reseller.ParentID != who.PartnerID {
			return orUnknown(err, ErrUnknown)
		}
		done.Partner = reseller
		done.Manager, err = change(ctx, tx, reseller)
		return err
	})
	if err != nil {
		return ManagedReseller{}, err
	}
	return done, nil
}

// closeManager ends the time of whoever looks after a reseller and returns who it was; "" for nobody.
func (s *Service) closeManager(ctx context.Context, tx bun.IDB, reseller models.Partner) (models.ID, error) {
	present, found, err := selectManagerInForce(ctx, tx, reseller.ID)
	if err != nil || !found {
		return "", err
	}
	now := s.now()
	present.Until = &now
	return present.UserID, updateUntil(ctx, tx, &present)
}

// retractIn leaves a reseller, given with the distributor whose person it is, without an account manager, and reports whether it had one.
func (s *Service) retractIn(ctx context.Context, tx bun.IDB, who models.Principal, reseller models.Partner) (bool, error) {
	before, err := s.closeManager(ctx, tx, reseller)
	if err != nil || before == "" {
		return false, err
	}
	return true, s.recordManager(ctx, tx, who, reseller, models.EventResellerManagerRemoved, before, "")
}

func (s *Service) recordManager(ctx context.Context, tx bun.IDB, who models.Principal, reseller models.Partner, what models.EventType, before, after models.ID) error {
	change := models.Changed("accountManager", before, after)
	data := map[string]any{"resellerId": reseller.ID}
	if before != "" {
		data["formerUserId"] = before
	}
	if after != "" {
		data["userId"] = after
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: reseller.ParentID, SubjectID: string(reseller.ID), Fields: []string{change.Field}, Changes: []models.FieldChange{change},
		Data: data,
	})
}

// ManagersFor returns who looks after the resellers, as their distributor and operators may see; resellers without anybody are absent. It needs
// PARTNERS_READ.
func (s *Service) ManagersFor(ctx context.Context, who models.Principal, resellers []models.ID) (map[models.ID]models.AccountManager, error) {
	if err := access.Require(who, models.ReadPartners); err != nil {
		return nil, err
	}
	rows, err := selectManagers(ctx, s.DB, who, resellers, true)
	found := make(map[models.ID]models.AccountManager, len(rows))
	for _, row := range rows {
		found[row.ResellerID] = row.Manager()
	}
	return found, err
}

// ManagerHistoryFor returns who looked after the resellers, newest first and at most the latest maxManagers of each, as their distributor
// of then and operators may see. It needs PARTNERS_READ.
func (s *Service) ManagerHistoryFor(ctx context.Context, who models.Principal, resellers []models.ID) (map[models.ID][]models.ResellerManager, error) {
	if err := access.Require(who, models.ReadPartners); err != nil {
		return nil, err
	}
	rows, err := selectManagers(ctx, s.DB, who, resellers, false)
	found := make(map[models.ID][]models.ResellerManager, len(resellers))
	for _, row := range rows {
		if of := found[row.ResellerID]; len(of) < maxManagers {
			found[row.ResellerID] = append(of, row)
		}
	}
	return found, err
}

// maxManagers is how many lines of history one reseller shows.
const maxManagers = 100
