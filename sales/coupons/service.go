package coupons

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// Jobs keeps what is to be done at a time.
type Jobs interface {
	// ScheduleManyIn has a job of the kind done about each object when it is due, in the transaction that makes it necessary.
	ScheduleManyIn(ctx context.Context, tx bun.IDB, kind models.JobKind, all []models.Due) error
}

// Service keeps quotas and coupons. All fields are required unless said otherwise and set once, before use; it is then safe for concurrent use.
type Service struct {
	DB     *store.DB
	Now    func() time.Time
	IDs    models.IDSource
	Events *events.Recorder
	Ledger *ledger.Service
	Jobs   Jobs // has quotas and coupons begin and end; nil = nobody does
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// schedule has something done about objects at their time.
func (s *Service) schedule(ctx context.Context, tx bun.IDB, kind models.JobKind, all ...models.Due) error {
	if s.Jobs == nil || len(all) == 0 {
		return nil
	}
	return s.Jobs.ScheduleManyIn(ctx, tx, kind, all)
}

// Limits are limits as callers write them (V03). Amounts are in the quota's currency.
type Limits struct {
	ServiceTypes   []string
	Products       []string
	Regions        []string
	MinOrderAmount *decimal.Decimal
	MaxOrderAmount *decimal.Decimal
	WithDiscount   *bool // nil = true, or what the parent says
	MinDiscount    *decimal.Decimal
}

// limits turns what a caller wrote into limits that make sense by themselves. Nil is no limits.
func (l *Limits) limits(currency models.Currency) (models.CouponLimits, error) {
	limits := models.CouponLimits{Currency: currency}
	if l == nil {
		return limits, nil
	}
	limits.ServiceTypes, limits.Products, limits.Regions, limits.MinDiscount = l.ServiceTypes, l.Products, l.Regions, l.MinDiscount
	limits.NotWithDiscount = l.WithDiscount != nil && !*l.WithDiscount
	for _, bound := range []struct {
		field  string
		amount *decimal.Decimal
		into   **int64
	}{{"limits.minOrderAmount", l.MinOrderAmount, &limits.MinOrderMinor}, {"limits.maxOrderAmount", l.MaxOrderAmount, &limits.MaxOrderMinor}} {
		if bound.amount == nil {
			continue
		}
		m, err := models.ParseMoney(*bound.amount, currency, bound.field)
		if err != nil {
			return models.CouponLimits{}, err
		}
		*bound.into = &m.Minor
	}
	return limits, limits.Check()
}

// asked is what an idempotency key keeps of limits: decimals as their text, because 1.0 and 1.00 are the same wish.
func (l *Limits) asked() any {
	if l == nil {
		return nil
	}
	return struct {
		ServiceTypes, Products, Regions []string
		Min, Max, MinDiscount           string
		WithDiscount                    *bool
	}{l.ServiceTypes, l.Products, l.Regions, textOf(l.MinOrderAmount), textOf(l.MaxOrderAmount), textOf(l.MinDiscount), l.WithDiscount}
}

func textOf(d *decimal.Decimal) string {
	if d == nil || d.Exponent() > 0 || d.Exponent() < -20 { // what is refused later is not written out first
		return ""
	}
	return d.String()
}

// checkRemark applies the rule for what people write: at most MaxCouponRemark characters, none of them a control character. Nil and empty
// are nothing.
func checkRemark(text *string, field string) (string, error) {
	if text == nil {
		return "", nil
	}
	if !utf8.ValidString(*text) || utf8.RuneCountInString(*text) > models.MaxCouponRemark || strings.ContainsFunc(*text, unicode.IsControl) {
		return "", models.Invalid(field, fmt.Sprintf("%s is one line of at most %d characters.", field, models.MaxCouponRemark))
	}
	return strings.TrimSpace(*text), nil
}

// checkBatch applies the rule for lists of ids in an input: 1 to most of a kind, each once.
func checkBatch(ids []models.ID, prefix, field string, most int) error {
	if len(ids) == 0 || len(ids) > most {
		return models.Invalid(field, fmt.Sprintf("Name 1 to %d of them.", most))
	}
	seen := make(map[models.ID]bool, len(ids))
	for _, id := range ids {
		if err := id.Require(prefix, field); err != nil {
			return err
		}
		if seen[id] {
			return models.Invalid(field, "One of them is named twice.")
		}
		seen[id] = true
	}
	return nil
}
