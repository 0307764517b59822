package coupons

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// quotaAccount names the account of a quota.
func quotaAccount(q models.CouponQuota) ledger.AccountSpec {
	return ledger.AccountSpec{
		OwnerKind: models.OwnerCouponQuota, OwnerID: string(q.ID), Kind: models.AccountCouponQuota, Asset: string(q.RootID), Floor: new(int64),
	}
}

// couponAccount names the account of a coupon.
func couponAccount(c models.Coupon) ledger.AccountSpec {
	return ledger.AccountSpec{
		OwnerKind: models.OwnerCoupon, OwnerID: string(c.ID), Kind: models.AccountCoupon, Asset: string(c.RootID), Floor: new(int64),
	}
}

// outside names the account that the value of a root quota comes from.
func outside(q models.CouponQuota) ledger.AccountSpec {
	return ledger.AccountSpec{OwnerKind: models.OwnerCloud, OwnerID: q.Cloud, Kind: models.AccountWorld, Asset: string(q.RootID)}
}

// revenue names the account that a customer's coupons of a root quota are spent into. It is spread as the money's is.
func revenue(c models.Coupon) ledger.AccountSpec {
	return ledger.AccountSpec{
		OwnerKind: models.OwnerCloud, OwnerID: models.RevenueOwner(c.Cloud, c.CustomerID), Kind: models.AccountRevenue, Asset: string(c.RootID),
	}
}

// post moves value between two accounts of one asset, which it opens.
func (s *Service) post(ctx context.Context, tx bun.IDB, who models.Principal, kind models.TransferKind, subject models.ID, from, to ledger.AccountSpec, minor int64) (models.ID, error) {
	source, err := s.Ledger.Open(ctx, tx, from)
	if err != nil {
		return "", err
	}
	target, err := s.Ledger.Open(ctx, tx, to)
	if err != nil {
		return "", err
	}
	transfer, _, err := s.Ledger.Post(ctx, tx, who, ledger.Posting{Kind: kind, SubjectID: subject, Legs: []ledger.Leg{
		{AccountID: source.ID, AmountMinor: -minor}, {AccountID: target.ID, AmountMinor: minor},
	}})
	return transfer.ID, err
}

// move is one movement between accounts of a batch.
type move struct {
	kind     models.TransferKind
	subject  models.ID
	from, to ledger.AccountSpec
	minor    int64
}

// postAll makes movements between accounts that exist, all of them or none, and returns their transfers in the same order. They are locked together.
func (s *Service) postAll(ctx context.Context, tx bun.IDB, who models.Principal, moves []move) ([]models.ID, error) {
	if len(moves) == 0 {
		return nil, nil
	}
	owners := make([]models.ID, 0, 2*len(moves))
	for _, m := range moves {
		owners = append(owners, models.ID(m.from.OwnerID), models.ID(m.to.OwnerID))
	}
	slices.Sort(owners)
	locked, err := s.Ledger.LockOwners(ctx, tx, slices.Compact(owners)...)
	if err != nil {
		return nil, err
	}
	batch, transfers := s.Ledger.NewBatch(locked), make([]models.ID, len(moves))
	for i, m := range moves {
		source, found := batch.AccountOf(m.from)
		target, also := batch.AccountOf(m.to)
		if !found || !also {
			return nil, ledger.ErrAccountUnknown
		}
		transfer, err := batch.Post(who, ledger.Posting{Kind: m.kind, SubjectID: m.subject, Legs: []ledger.Leg{
			{AccountID: source.ID, AmountMinor: -m.minor}, {AccountID: target.ID, AmountMinor: m.minor},
		}})
		if err != nil {
			return nil, err
		}
		transfers[i] = transfer.ID
	}
	return transfers, batch.Write(ctx, tx)
}

// ending is a coupon whose remainder goes back to its quota, and why.
type ending struct {
	coupon    *models.Coupon // as it is before; End is called here
	status    models.CouponStatus
	operation models.CouponOperation
	order     models.ID // that gave value back; zero when none did
	remark    string

	minor int64 // that went back
}

// endIn takes what is left of locked coupons back to their quotas, writes both, and records it. The quotas are locked here.
func (s *Service) endIn(ctx context.Context, tx bun.IDB, who models.Principal, endings []*ending, now time.Time) error {
	if len(endings) == 0 {
		return nil
	}
	byQuota := map[models.ID]int64{}
	for _, e := range endings {
		byQuota[e.coupon.QuotaID] = 0
	}
	quotas, err := selectQuotasForUpdate(ctx, tx, sortedKeys(byQuota))
	if err != nil {
		return err
	}
	var moves []move
	var moved []*ending
	var happened []models.Event
	for _, e := range endings {
		before := *e.coupon
		e.minor = e.coupon.End(e.status, now)
		if e.minor > 0 {
			byQuota[e.coupon.QuotaID] += e.minor
			moved = append(moved, e)
			moves = append(moves, move{
				models.TransferCouponReclaim, e.coupon.ID, couponAccount(*e.coupon), quotaAccount(quotas[e.coupon.QuotaID]), e.minor,
			})
		}
		if err := updateCoupon(ctx, tx, *e.coupon); err != nil {
			return err
		}
		happened = append(happened, endedEvent(before, *e))
	}
	transfers, err := s.postAll(ctx, tx, who, moves)
	if err != nil {
		return err
	}
	for id, minor := range byQuota {
		quota := quotas[id]
		quota.BalanceMinor, quota.UpdatedAt = quota.BalanceMinor+minor, now
		if minor == 0 {
			continue
		}
		if err := updateQuota(ctx, tx, quota); err != nil {
			return err
		}
	}
	records := make([]models.CouponRecord, 0, len(endings))
	for _, e := range endings {
		record := s.record(*e.coupon, e.operation, e.minor, now)
		record.OrderID, record.Remark = e.order, e.remark
		if i := slices.Index(moved, e); i >= 0 {
			record.TransferID = transfers[i]
		}
		records = append(records, record)
	}
	if err := insertCouponRecords(ctx, tx, records); err != nil {
		return err
	}
	return s.Events.Record(ctx, tx, who, happened...)
}

// record is the row of an operation that took effect.
func (s *Service) record(c models.Coupon, operation models.CouponOperation, minor int64, now time.Time) models.CouponRecord {
	return models.CouponRecord{
		ID: s.IDs(models.PrefixCouponRecord), CouponID: c.ID, QuotaID: c.QuotaID, PartnerID: c.PartnerID, CustomerID: c.CustomerID,
		Operation: operation, Result: models.CouponSucceeded, Currency: c.Currency, AmountMinor: minor, CreatedAt: now,
	}
}

func endedEvent(before models.Coupon, e ending) models.Event {
	kind := models.EventCouponReclaimed
	if e.operation == models.CouponExpiry {
		kind = models.EventCouponExpired
	}
	event := couponEvent(kind, *e.coupon, map[string]any{"operation": e.operation, "amount": models.NewMoney(e.minor, e.coupon.Currency).Plain()})
	event.Fields = []string{"status", "balance"}
	event.Changes = []models.FieldChange{
		models.Changed("status", before.Status, e.coupon.Status), models.Changed("balance", before.Balance().Plain(), e.coupon.Balance().Plain()),
	}
	return event
}

// couponEvent tells the partner and the customer of a coupon.
func couponEvent(kind models.EventType, c models.Coupon, data map[string]any) models.Event {
	data["currency"] = c.Currency
	return models.Event{Type: kind, PartnerID: c.PartnerID, CustomerID: c.CustomerID, SubjectID: string(c.ID), Data: data}
}

// quotaEvent tells a partner of its quota.
func quotaEvent(kind models.EventType, before, after models.CouponQuota, amount int64) models.Event {
	event := models.Event{
		Type: kind, PartnerID: after.PartnerID, SubjectID: string(after.ID),
		Data: map[string]any{"amount": models.NewMoney(amount, after.Currency).Plain(), "currency": after.Currency},
	}
	shown := func(q models.CouponQuota, m models.Money) string {
		if q.ID == "" {
			return ""
		}
		return m.Plain()
	}
	for _, change := range []models.FieldChange{
		models.Changed("status", before.Status, after.Status),
		models.Changed("value", shown(before, before.Value()), after.Value().Plain()),
		models.Changed("balance", shown(before, before.Balance()), after.Balance().Plain()),
	} {
		if change.Before == nil || *change.Before != *change.After {
			event.Fields, event.Changes = append(event.Fields, change.Field), append(event.Changes, change)
		}
	}
	return event
}

func sortedKeys[V any](m map[models.ID]V) []models.ID { return slices.Sorted(maps.Keys(m)) }
