package coupons

import (
	"context"
	"maps"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// ResellerQuota is how much one reseller gets.
type ResellerQuota struct {
	ResellerID models.ID
	Value      decimal.Decimal // more than zero, with the currency's digits
}

// IssueCouponQuotas says which resellers get how much of a distributor's quota (V08).
type IssueCouponQuotas struct {
	QuotaID        models.ID
	Items          []ResellerQuota // 1 to 100, each reseller once
	Limits         *Limits         // nil = the quota's; otherwise within them
	EffectiveAt    *time.Time      // nil = the quota's begin, or now; within its period, as the next
	ExpiresAt      *time.Time      // nil = the quota's end
	Memo           *string         // at most 256 characters; no personal data
	IdempotencyKey string          // 1 to 128 printable ASCII characters, made up once per call
}

// QuotaResult is what became of one item: the quota, or why there is none.
type QuotaResult struct {
	ResellerID  models.ID
	CouponQuota *models.CouponQuota
	Error       *models.Error
}

// IssuedQuotas are the outcomes in the order asked, and the quota that they were given from. A repeated key returns the figures of then.
type IssuedQuotas struct {
	CouponQuota models.CouponQuota
	Results     []QuotaResult
}

// IssueQuotas gives resellers of a distributor quotas of their own from one of its quotas, exactly once; each item succeeds or fails
// alone: NOT_FOUND for a reseller that is not the caller's, INVALID for its value, COUPON_CURRENCY, and INSUFFICIENT_BALANCE with the figures once the quota is used up. Distributors only. The
// whole call is refused where nothing may be given: the reasons of models.CouponQuota.CheckUsable, and INVALID for limits or a period beyond
// the quota's.
func (s *Service) IssueQuotas(ctx context.Context, who models.Principal, cmd IssueCouponQuotas) (IssuedQuotas, error) {
	if err := mayHandOn(who); err != nil {
		return IssuedQuotas{}, err
	}
	memo, err := cmd.check()
	if err != nil {
		return IssuedQuotas{}, err
	}
	type item struct {
		ResellerID models.ID
		Value      string
	}
	asked := struct {
		QuotaID                models.ID
		Items                  []item
		Limits                 any
		EffectiveAt, ExpiresAt *time.Time
		Memo                   string
	}{cmd.QuotaID, nil, cmd.Limits.asked(), cmd.EffectiveAt, cmd.ExpiresAt, memo}
	for _, one := range cmd.Items {
		asked.Items = append(asked.Items, item{one.ResellerID, textOf(&one.Value)})
	}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "issueCouponQuotas", asked, func(ctx context.Context, tx bun.IDB) (IssuedQuotas, error) {
		return s.issueQuotasIn(ctx, tx, who, cmd, memo)
	})
}

// mayHandOn lets distributors' people and programs through.
func mayHandOn(who models.Principal) error {
	if err := mayIssue(who); err != nil {
		return err
	}
	if who.PartnerKind != models.Distributor {
		return ErrDistributorIssues
	}
	return nil
}

func (cmd IssueCouponQuotas) check() (memo string, err error) {
	if err := cmd.QuotaID.Require(models.PrefixCouponQuota, "quotaId"); err != nil {
		return "", err
	}
	ids := make([]models.ID, len(cmd.Items))
	for i, item := range cmd.Items {
		ids[i] = item.ResellerID
	}
	if err := checkBatch(ids, models.PrefixPartner, "items", models.MaxCouponBatch); err != nil {
		return "", err
	}
	return checkRemark(cmd.Memo, "memo")
}

func (s *Service) issueQuotasIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd IssueCouponQuotas, memo string) (IssuedQuotas, error) {
	parent, err := s.lockOwnQuota(ctx, tx, who, who.PartnerID, cmd.QuotaID)
	if err != nil {
		return IssuedQuotas{}, err
	}
	now := s.now()
	pattern, err := s.below(parent, cmd.Limits, cmd.EffectiveAt, cmd.ExpiresAt, now)
	if err != nil {
		return IssuedQuotas{}, err
	}
	before, results := parent, make([]QuotaResult, len(cmd.Items))
	var given []models.CouponQuota
	var moves []move
	var specs []ledger.AccountSpec
	for i, item := range cmd.Items {
		results[i].ResellerID = item.ResellerID
		value, refusal, err := s.forReseller(ctx, tx, who, parent, item)
		if err != nil {
			return IssuedQuotas{}, err
		}
		if results[i].Error = refusal; refusal != nil {
			continue
		}
		quota := pattern
		quota.ID, quota.PartnerID, quota.ValueMinor, quota.BalanceMinor, quota.Memo = s.IDs(models.PrefixCouponQuota), item.ResellerID, value, value, memo
		parent.BalanceMinor -= value
		given, specs = append(given, quota), append(specs, quotaAccount(quota))
		moves = append(moves, move{models.TransferCouponGrant, quota.ID, quotaAccount(parent), quotaAccount(quota), value})
		results[i].CouponQuota = &quota
	}
	parent.UpdatedAt = now
	return IssuedQuotas{CouponQuota: parent, Results: results}, s.writeGiven(ctx, tx, who, before, parent, given, specs, moves)
}

// below is the row of whatever quota is given from a parent, without its owner and value.
func (s *Service) below(parent models.CouponQuota, asked *Limits, from, until *time.Time, now time.Time) (models.CouponQuota, error) {
	if err := parent.CheckUsable(now); err != nil {
		return models.CouponQuota{}, err
	}
	limits, err := asked.limits(parent.Currency)
	if err != nil {
		return models.CouponQuota{}, err
	}
	if limits, err = limits.Within(parent.Limits); err != nil {
		return models.CouponQuota{}, err
	}
	begin, end, err := parent.Period(from, until, now)
	return models.CouponQuota{
		Cloud: parent.Cloud, ParentID: parent.ID, RootID: parent.RootID, Type: parent.Type, Currency: parent.Currency, Status: models.QuotaNormal,
		Limits: limits, Source: models.QuotaFromDistributor, EffectiveAt: begin, ExpiresAt: end, CreatedAt: now, UpdatedAt: now,
	}, err
}

// forReseller returns what an item asks for, or why it is refused.
func (s *Service) forReseller(ctx context.Context, tx bun.IDB, who models.Principal, parent models.CouponQuota, item ResellerQuota) (int64, *models.Error, error) {
	reseller, found, err := selectPartnerForShare(ctx, tx, who, item.ResellerID)
	if err != nil {
		return 0, nil, err
	}
	if !found || reseller.ParentID != who.PartnerID {
		return 0, ErrResellerUnknown, nil
	}
	value, err := parseValue(item.Value, parent.Currency, "value")
	switch {
	case err != nil:
		return 0, models.AsError(err), nil
	case reseller.Currency != parent.Currency:
		return 0, ErrCurrency, nil
	case value > parent.BalanceMinor:
		return 0, models.AsError(short(parent, value)), nil
	}
	return value, nil, nil
}

func (s *Service) writeGiven(ctx context.Context, tx bun.IDB, who models.Principal, before, parent models.CouponQuota, given []models.CouponQuota, specs []ledger.AccountSpec, moves []move) error {
	if len(given) == 0 {
		return nil
	}
	if err := updateQuota(ctx, tx, parent); err != nil {
		return err
	}
	if err := insertQuotas(ctx, tx, given); err != nil {
		return err
	}
	if err := s.Ledger.Make(ctx, tx, specs...); err != nil {
		return err
	}
	transfers, err := s.postAll(ctx, tx, who, moves)
	if err != nil {
		return err
	}
	records, due := make([]models.CouponQuotaRecord, len(given)), make([]models.Due, len(given))
	happened := []models.Event{quotaEvent(models.EventQuotaChanged, before, parent, before.BalanceMinor-parent.BalanceMinor)}
	for i, quota := range given {
		records[i] = s.quotaRecord(quota, models.QuotaGrant, quota.ValueMinor, transfers[i], quota.Memo)
		due[i] = models.Due{Object: quota.ID, At: quota.ExpiresAt}
		happened = append(happened, quotaEvent(models.EventQuotaGranted, models.CouponQuota{}, quota, quota.ValueMinor))
	}
	if err := insertQuotaRecords(ctx, tx, records); err != nil {
		return err
	}
	if err := s.schedule(ctx, tx, models.JobQuotaExpire, due...); err != nil {
		return err
	}
	return s.Events.Record(ctx, tx, who, happened...)
}

// ReclaimCouponQuotas says which quotas of resellers to take back (V08).
type ReclaimCouponQuotas struct {
	QuotaIDs       []models.ID // 1 to 10, each once
	Remark         *string     // at most 256 characters; no personal data
	IdempotencyKey string      // 1 to 128 printable ASCII characters, made up once per call
}

// QuotaReclaim is what became of one quota: it as it is then and what came back, or why nothing did.
type QuotaReclaim struct {
	QuotaID     models.ID
	CouponQuota *models.CouponQuota
	Amount      *models.Money
	Error       *models.Error
}

// ReclaimedQuotas are the outcomes in the order asked. A repeated key returns the figures of then.
type ReclaimedQuotas struct{ Results []QuotaReclaim }

// ReclaimQuotas takes what resellers have not issued of their quotas back to the quotas that they were given from, exactly once, and
// ends those; each succeeds or fails alone. What was issued stays with the customers, and what comes back of it later can be taken back so again. Distributors only. NOT_FOUND for quotas
// of others, and for the whole call when there are no more; reasons of PRECONDITION_FAILED: QUOTA_NOT_ISSUED for a quota of its own, QUOTA_ADJUSTING and QUOTA_FROZEN, NOTHING_TO_RECLAIM.
func (s *Service) ReclaimQuotas(ctx context.Context, who models.Principal, cmd ReclaimCouponQuotas) (ReclaimedQuotas, error) {
	if err := mayHandOn(who); err != nil {
		return ReclaimedQuotas{}, err
	}
	if err := checkBatch(cmd.QuotaIDs, models.PrefixCouponQuota, "quotaIds", models.MaxQuotaReclaims); err != nil {
		return ReclaimedQuotas{}, err
	}
	remark, err := checkRemark(cmd.Remark, "remark")
	if err != nil {
		return ReclaimedQuotas{}, err
	}
	asked := struct {
		QuotaIDs []models.ID
		Remark   string
	}{cmd.QuotaIDs, remark}
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "reclaimCouponQuotas", asked, func(ctx context.Context, tx bun.IDB) (ReclaimedQuotas, error) {
		return s.reclaimQuotasIn(ctx, tx, who, cmd.QuotaIDs, remark)
	})
}

func (s *Service) reclaimQuotasIn(ctx context.Context, tx bun.IDB, who models.Principal, ids []models.ID, remark string) (ReclaimedQuotas, error) {
	seen, err := selectVisibleQuotas(ctx, tx, who, ids)
	if err != nil {
		return ReclaimedQuotas{}, err
	}
	if len(seen) == 0 {
		return ReclaimedQuotas{}, ErrQuotaUnknown
	}
	all := map[models.ID]bool{}
	for id, quota := range seen {
		all[id] = true
		if quota.ParentID != "" {
			all[quota.ParentID] = true
		}
	}
	quotas, err := selectQuotasForUpdate(ctx, tx, sortedKeys(all))
	if err != nil {
		return ReclaimedQuotas{}, err
	}
	now, before := s.now(), maps.Clone(quotas)
	done := ReclaimedQuotas{Results: make([]QuotaReclaim, len(ids))}
	var moves []move
	var taken []*QuotaReclaim
	for i, id := range ids {
		result := &done.Results[i]
		result.QuotaID = id
		quota, visible := quotas[id]
		if result.Error = checkReclaim(quota, visible); result.Error != nil {
			continue
		}
		one := takeBack(quotas, id, now)
		moves = append(moves, one)
		reclaimed, amount := quotas[id], models.NewMoney(one.minor, quota.Currency)
		result.CouponQuota, result.Amount = &reclaimed, &amount
		taken = append(taken, result)
	}
	return done, s.writeTaken(ctx, tx, who, before, quotas, taken, moves, remark)
}

// takeBack puts what is left of a reseller's quota back into the one that it was given from, both of which are locked and in quotas, and ends it.
func takeBack(quotas map[models.ID]models.CouponQuota, id models.ID, now time.Time) move {
	quota := quotas[id]
	parent, minor := quotas[quota.ParentID], quota.BalanceMinor
	quota.ValueMinor, quota.BalanceMinor, quota.Status, quota.UpdatedAt = quota.ValueMinor-minor, 0, models.QuotaReclaimed, now
	parent.BalanceMinor, parent.UpdatedAt = parent.BalanceMinor+minor, now
	quotas[id], quotas[parent.ID] = quota, parent
	return move{models.TransferCouponReclaim, id, quotaAccount(quota), quotaAccount(parent), minor}
}

func checkReclaim(quota models.CouponQuota, visible bool) *models.Error {
	switch {
	case !visible:
		return ErrQuotaUnknown
	case quota.ParentID == "":
		return ErrNotIssued
	case quota.Status == models.QuotaAdjusting:
		return models.ErrQuotaAdjusting
	case quota.Status == models.QuotaFrozen:
		return models.ErrQuotaFrozen
	case quota.BalanceMinor == 0:
		return ErrNothingToReclaim
	}
	return nil
}

func (s *Service) writeTaken(ctx context.Context, tx bun.IDB, who models.Principal, before, after map[models.ID]models.CouponQuota, taken []*QuotaReclaim, moves []move, remark string) error {
	if len(taken) == 0 {
		return nil
	}
	transfers, err := s.postAll(ctx, tx, who, moves)
	if err != nil {
		return err
	}
	var happened []models.Event
	for _, id := range sortedKeys(after) {
		quota := after[id]
		if quota.BalanceMinor == before[id].BalanceMinor {
			continue
		}
		kind := models.EventQuotaChanged
		if quota.Status == models.QuotaReclaimed {
			kind = models.EventQuotaReclaimed
		}
		if err := updateQuota(ctx, tx, quota); err != nil {
			return err
		}
		happened = append(happened, quotaEvent(kind, before[id], quota, max(quota.BalanceMinor-before[id].BalanceMinor, before[id].BalanceMinor-quota.BalanceMinor)))
	}
	records := make([]models.CouponQuotaRecord, len(taken))
	for i, one := range taken {
		records[i] = s.quotaRecord(*one.CouponQuota, models.QuotaReclaim, one.Amount.Minor, transfers[i], remark)
	}
	if err := insertQuotaRecords(ctx, tx, records); err != nil {
		return err
	}
	return s.Events.Record(ctx, tx, who, happened...)
}

// lockOwnQuota locks a quota of a partner's own.
func (s *Service) lockOwnQuota(ctx context.Context, tx bun.IDB, who models.Principal, partner, id models.ID) (models.CouponQuota, error) {
	quota, err := s.lockQuota(ctx, tx, who, id)
	if err == nil && quota.PartnerID != partner {
		err = ErrQuotaUnknown
	}
	return quota, err
}

// mayIssue lets partners' people and programs through.
func mayIssue(who models.Principal) error {
	if err := access.Require(who, models.WriteCoupons); err != nil {
		return err
	}
	if who.PartnerID == "" || who.CustomerID != "" {
		return ErrPartnerIssues
	}
	return nil
}

// issuer returns the partner whose coupons the caller deals with: itself, or its reseller that it acts for (M07).
func (s *Service) issuer(ctx context.Context, tx bun.IDB, who models.Principal, acting *models.ID) (models.Partner, error) {
	id := who.PartnerID
	if acting != nil {
		id = *acting
		if err := id.Require(models.PrefixPartner, "actingForPartnerId"); err != nil {
			return models.Partner{}, err
		}
	}
	partner, found, err := selectPartnerForShare(ctx, tx, who, id)
	if err == nil && (!found || acting != nil && partner.ParentID != who.PartnerID) {
		err = ErrResellerUnknown
	}
	return partner, err
}
