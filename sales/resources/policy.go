package resources

import (
	"context"
	"fmt"
	"strconv"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// MaxPolicyBatch is how many main resources one call sets the expire policy of (O14).
const MaxPolicyBatch = 100

// Why a resource is not changed. SUB_RESOURCE names the main resource in its details.
var (
	ErrNotRenewable    = models.Precondition("RESOURCE_NOT_RENEWABLE", "This resource is not charged by period, is closed, or is frozen by somebody.")
	ErrNotByUse        = models.Precondition("RESOURCE_BY_PERIOD", "This resource is not charged by use, or is closed.")
	ErrNotAutoRenewed  = models.Precondition("NOT_AUTO_RENEWED", "This resource does not renew itself.")
	ErrAlreadyFrozen   = models.Precondition("RESOURCE_FROZEN", "This resource is frozen already.")
	ErrNotFrozen       = models.Precondition("RESOURCE_NOT_FROZEN", "No operator froze this resource.")
	ErrResourceState   = models.Precondition("RESOURCE_STATE", "This resource is not in use.")
	ErrNotSetToUse     = models.Precondition("NOT_SET_TO_PAY_PER_USE", "This resource is not set to pay-per-use at its expiry.")
	ErrPartnerMayNot   = models.Forbidden("The customer has not authorised its partner to operate resources.")
	errUnknown         = models.NotFound("resource")
	errAutoByItself    = models.Invalid("policy", "Auto-renewal is set with setAutoRenewal.")
	errRenewTimes      = models.Invalid("times", "times must be from 0 to 99; 0 is without end.")
	errDeductionDays   = models.Invalid("deductionDays", "deductionDays must be from 2 to 7.")
	errUnifiedDay      = models.Invalid("unifiedExpiryDay", "unifiedExpiryDay must be from 1 to 28, or -1 for the last day of the month.")
	errNoReasonToFreez = models.Invalid("reason", "A reason has 1 to 500 characters.")
)

func subResource(r models.Resource) error {
	err := models.Precondition("SUB_RESOURCE", "This follows a main resource and never changes alone; name the main one.")
	err.Details["mainResourceId"] = r.ParentID
	return err
}

// SetAutoRenewal has a resource renew itself (O13).
type SetAutoRenewal struct {
	ResourceID       models.ID
	Times            int
	DeductionDays    *int
	UnifiedExpiryDay *int
}

// CancelAutoRenewal has a resource renew itself no more.
type CancelAutoRenewal struct{ ResourceID models.ID }

// ResourceChange is a main resource after a change.
type ResourceChange struct{ Resource models.Resource }

// SetAutoRenewal has a main resource, and what follows it, renew itself so many times on its deduction day. The customer and
// operators with RESOURCES_WRITE; its partner where it is authorised, else FORBIDDEN. INVALID out of range; PRECONDITION_FAILED
// SUB_RESOURCE, RESOURCE_NOT_RENEWABLE, RESOURCE_STATE when it has expired. The same call again changes nothing but starts the count again.
func (s *Service) SetAutoRenewal(ctx context.Context, who models.Principal, cmd SetAutoRenewal) (ResourceChange, error) {
	days := models.DefaultDeductionDays
	if cmd.DeductionDays != nil {
		days = *cmd.DeductionDays
	}
	switch day := cmd.UnifiedExpiryDay; {
	case cmd.Times < 0 || cmd.Times > models.MaxAutoRenewTimes:
		return ResourceChange{}, errRenewTimes
	case days < models.MinDeductionDays || days > models.MaxDeductionDays:
		return ResourceChange{}, errDeductionDays
	case day != nil && *day != models.LastDayOfMonth && (*day < 1 || *day > models.MaxUnifiedExpiryDay):
		return ResourceChange{}, errUnifiedDay
	}
	return s.change(ctx, who, cmd.ResourceID, func(main *models.Resource) error {
		if err := stillRuns(main); err != nil {
			return err
		}
		main.ExpirePolicy, main.AutoRenewTimes, main.AutoRenewed = models.ExpireAutoRenew, &cmd.Times, 0
		main.DeductionDays, main.UnifiedExpiryDay = days, cmd.UnifiedExpiryDay
		return nil
	})
}

// CancelAutoRenewal has a main resource go the way of the grace period again. Who may as for SetAutoRenewal; PRECONDITION_FAILED
// SUB_RESOURCE, NOT_AUTO_RENEWED.
func (s *Service) CancelAutoRenewal(ctx context.Context, who models.Principal, cmd CancelAutoRenewal) (ResourceChange, error) {
	return s.change(ctx, who, cmd.ResourceID, func(main *models.Resource) error {
		if main.ExpirePolicy != models.ExpireAutoRenew {
			return ErrNotAutoRenewed
		}
		setPolicy(main, models.ExpireGracePeriod)
		return nil
	})
}

// SetExpirePolicy says what happens to main resources when they expire.
type SetExpirePolicy struct {
	ResourceIDs []models.ID
	Policy      models.ExpirePolicy
}

// ToUseAction sets pay-per-use at expiry up, or cancels it (O14).
type ToUseAction string

// The actions.
const (
	ToUseSetUp  ToUseAction = "SET_UP"
	ToUseCancel ToUseAction = "CANCEL"
)

// SetToPayPerUse has main resources charged by use from their expiry on, or no more.
type SetToPayPerUse struct {
	ResourceIDs []models.ID
	Action      ToUseAction
}

// ResourceResult is what became of one resource of a batch: the resource, or why it was not changed.
type ResourceResult struct {
	ResourceID models.ID
	Resource   *models.Resource
	Error      *models.Error
}

// ResourceResults are the outcomes of a batch, in the order asked.
type ResourceResults struct{ Results []ResourceResult }

// SetExpirePolicy sets what happens to at most MaxPolicyBatch main resources at their expiry; each succeeds or fails alone. Who may as
// for SetAutoRenewal, and AUTO_RENEW is set there: INVALID. Reasons: SUB_RESOURCE,
// RESOURCE_NOT_RENEWABLE, RESOURCE_STATE when it has expired: nobody shall delete in one call what is in its grace period.
func (s *Service) SetExpirePolicy(ctx context.Context, who models.Principal, cmd SetExpirePolicy) (ResourceResults, error) {
	if cmd.Policy == models.ExpireAutoRenew {
		return ResourceResults{}, errAutoByItself
	}
	return s.batch(ctx, who, cmd.ResourceIDs, func(main *models.Resource) error {
		if err := stillRuns(main); err != nil {
			return err
		}
		setPolicy(main, cmd.Policy)
		return nil
	})
}

// SetToPayPerUse sets at most MaxPolicyBatch main resources to pay-per-use at their expiry, or takes that back (O14); each succeeds or
// fails alone. Who may as for SetAutoRenewal. Reasons: SUB_RESOURCE, RESOURCE_NOT_RENEWABLE, NOT_SET_TO_PAY_PER_USE.
func (s *Service) SetToPayPerUse(ctx context.Context, who models.Principal, cmd SetToPayPerUse) (ResourceResults, error) {
	if cmd.Action == ToUseSetUp {
		return s.SetExpirePolicy(ctx, who, SetExpirePolicy{ResourceIDs: cmd.ResourceIDs, Policy: models.ExpireToPayPerUse})
	}
	return s.batch(ctx, who, cmd.ResourceIDs, func(main *models.Resource) error {
		if main.ExpirePolicy != models.ExpireToPayPerUse {
			return ErrNotSetToUse
		}
		setPolicy(main, models.ExpireGracePeriod)
		return nil
	})
}

// stillRuns refuses what can no longer be told what to do at its expiry.
func stillRuns(main *models.Resource) error {
	switch {
	case !main.Renewable():
		return ErrNotRenewable
	case main.Status != models.ResourceInUse:
		return ErrResourceState
	}
	return nil
}

func setPolicy(main *models.Resource, policy models.ExpirePolicy) {
	main.ExpirePolicy, main.AutoRenewTimes, main.AutoRenewed = policy, nil, 0
}

func (s *Service) batch(ctx context.Context, who models.Principal, ids []models.ID, alter func(main *models.Resource) error) (ResourceResults, error) {
	if err := access.Require(who, models.WriteResources); err != nil {
		return ResourceResults{}, err
	}
	if len(ids) == 0 || len(ids) > MaxPolicyBatch {
		return ResourceResults{}, models.Invalid("resourceIds", fmt.Sprintf("Name 1 to %d resources.", MaxPolicyBatch))
	}
	results := make([]ResourceResult, len(ids))
	for i, id := range ids {
		changed, err := s.change(ctx, who, id, alter)
		results[i].ResourceID = id
		if err == nil {
			results[i].Resource = &changed.Resource
			continue
		}
		if results[i].Error = models.AsError(err); results[i].Error == nil {
			return ResourceResults{}, err // the rest would fail as well
		}
	}
	return ResourceResults{Results: results}, nil
}

// change alters a main resource, and what follows it, for whoever may.
func (s *Service) change(ctx context.Context, who models.Principal, id models.ID, alter func(main *models.Resource) error) (ResourceChange, error) {
	var changed ResourceChange
	if err := access.Require(who, models.WriteResources); err != nil {
		return changed, err
	}
	if err := id.Require(models.PrefixResource, "resourceId"); err != nil {
		return changed, err
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		main, err := s.operableIn(ctx, tx, who, id)
		if err != nil {
			return err
		}
		before := main
		if err := alter(&main); err != nil {
			return err
		}
		if err := s.updateTree(ctx, tx, &main); err != nil {
			return err
		}
		changed.Resource = main
		err = s.recordIn(ctx, tx, who, models.EventResourcePolicySet, main, []models.FieldChange{
			models.Changed("expirePolicy", before.ExpirePolicy, main.ExpirePolicy),
			models.Changed("autoRenewTimes", number(before.AutoRenewTimes), number(main.AutoRenewTimes)),
			models.Changed("deductionDays", strconv.Itoa(before.DeductionDays), strconv.Itoa(main.DeductionDays)),
			models.Changed("unifiedExpiryDay", number(before.UnifiedExpiryDay), number(main.UnifiedExpiryDay)),
		}, nil)
		if err != nil {
			return err
		}
		return s.scheduleLifeIn(ctx, tx, []models.Resource{main})
	})
	return changed, err
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// operableIn locks a main resource that the caller may see and operate.
func (s *Service) operableIn(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID) (models.Resource, error) {
	main, found, err := scanOne(ctx, store.ForUpdate(access.Resources(tx.NewSelect().Model((*models.Resource)(nil)).Where("r.id = ?", id), who)))
	switch {
	case err != nil:
		return main, err
	case !found:
		return main, errUnknown
	}
	if !who.SeesAll() && who.CustomerID == "" {
		authorised := false
		if s.Authority != nil {
			if authorised, err = s.Authority.MayOperate(ctx, tx, who, main.CustomerID); err != nil {
				return main, err
			}
		}
		if !authorised {
			return main, ErrPartnerMayNot
		}
	}
	if !main.IsMain() {
		return main, subResource(main)
	}
	return main, nil
}

// FreezeResource stops a main resource.
type FreezeResource struct {
	ResourceID models.ID
	Reason     string
}

// UnfreezeResource lets a main resource that an operator froze run again.
type UnfreezeResource struct{ ResourceID models.ID }

// Freeze stops a main resource and what follows it. Operators with RESOURCES_WRITE only. PRECONDITION_FAILED SUB_RESOURCE,
// RESOURCE_FROZEN, RESOURCE_STATE.
func (s *Service) Freeze(ctx context.Context, who models.Principal, cmd FreezeResource) (ResourceChange, error) {
	if len(cmd.Reason) == 0 || len(cmd.Reason) > 500 {
		return ResourceChange{}, errNoReasonToFreez
	}
	return s.operate(ctx, who, cmd.ResourceID, models.EventResourceFrozen, map[string]any{"frozenBy": models.FreezeByOperator}, func(main *models.Resource) error {
		switch main.Status {
		case models.ResourceFrozen:
			return ErrAlreadyFrozen
		case models.ResourceInUse:
			main.ThawedStatus, main.Status, main.FrozenReason = main.Status, models.ResourceFrozen, models.FreezeByOperator
			if main.ChargingMode == models.ChargedByUse {
				main.UsageStatus = models.UsageFrozen
			}
			return nil
		case models.ResourceCreating, models.ResourceClosed, models.ResourceExpired:
		}
		return ErrResourceState
	})
}

// Unfreeze lets a main resource that an operator froze run again; one that has expired meanwhile expires now. Operators with
// RESOURCES_WRITE only. PRECONDITION_FAILED SUB_RESOURCE, RESOURCE_NOT_FROZEN.
func (s *Service) Unfreeze(ctx context.Context, who models.Principal, cmd UnfreezeResource) (ResourceChange, error) {
	return s.operate(ctx, who, cmd.ResourceID, models.EventResourceUnfrozen, nil, func(main *models.Resource) error {
		if main.Status != models.ResourceFrozen || main.FrozenReason != models.FreezeByOperator {
			return ErrNotFrozen
		}
		main.Status, main.ThawedStatus, main.FrozenReason = main.ThawedStatus, "", ""
		if main.ChargingMode == models.ChargedByUse {
			main.UsageStatus = models.UsageNormal
		}
		main.Status, _ = main.AfterExpiry(s.now(), s.Periods)
		if main.Status == models.ResourceFrozen {
			main.FrozenReason = models.FreezeByExpiry
		}
		return nil
	})
}

// operate is what operators do to a main resource and what follows it.
func (s *Service) operate(ctx context.Context, who models.Principal, id models.ID, what models.EventType, data map[string]any, alter func(main *models.Resource) error) (ResourceChange, error) {
	var changed ResourceChange
	if err := access.Require(who, models.WriteResources); err != nil {
		return changed, err
	}
	if !who.SeesAll() {
		return changed, models.Forbidden("Only operators freeze resources.")
	}
	if err := id.Require(models.PrefixResource, "resourceId"); err != nil {
		return changed, err
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		main, err := s.mainIn(ctx, tx, id)
		if err != nil {
			return err
		}
		before := main.Status
		if err := alter(&main); err != nil {
			return err
		}
		if err := s.updateTree(ctx, tx, &main); err != nil {
			return err
		}
		changed.Resource = main
		if err := s.recordIn(ctx, tx, who, what, main, []models.FieldChange{models.Changed("status", before, main.Status)}, data); err != nil {
			return err
		}
		return s.scheduleLifeIn(ctx, tx, []models.Resource{main})
	})
	return changed, err
}
