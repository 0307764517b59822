package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// GrantDiscount gives a customer a discount.
type GrantDiscount struct {
	CustomerID  models.ID
	Kind        models.DiscountKind
	Mode        models.DiscountMode
	Value       decimal.Decimal    // a rate from 0 to 1, or an amount per piece and period
	Currency    *models.Currency   // of an amount; nil for a rate
	PeriodType  *models.PeriodType // of an amount; nil for a rate
	ServiceType *string            // nil = all of them
	From        *time.Time         // nil = now; not in the past
	Until       *time.Time         // exclusive; nil = until somebody ends it
}

// EndDiscount ends a discount.
type EndDiscount struct {
	DiscountID models.ID
}

// GrantedDiscount is a discount after a change.
type GrantedDiscount struct {
	Discount models.Discount
}

// Grant gives a customer a discount from a moment on. It needs DISCOUNTS_GRANT. A partner grants PARTNER_GRANTED and PARTNER_RATE to resale
// customers of its own, operators enter BUSINESS_CONTRACT for anybody and the others in the partner's name. It is INVALID for terms that
// make no sense, NOT_FOUND for a customer that the caller may not see, FORBIDDEN for a kind that is not the caller's, and PRECONDITION_FAILED
// with the reason CUSTOMER_NOT_RESALE, or DISCOUNTS_TOO_MANY when the customer has MaxDiscounts.
func (s *Service) Grant(ctx context.Context, who models.Principal, cmd GrantDiscount) (GrantedDiscount, error) {
	if err := access.Require(who, models.GrantDiscounts); err != nil {
		return GrantedDiscount{}, err
	}
	if !who.SeesAll() && cmd.Kind == models.DiscountContract {
		return GrantedDiscount{}, models.Forbidden("Contracts with the cloud are entered by operators.")
	}
	now := s.now()
	discount, err := cmd.discount(now)
	if err != nil {
		return GrantedDiscount{}, err
	}
	discount.ID, discount.CreatedAt = s.IDs(models.PrefixDiscount), now
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return s.grantIn(ctx, tx, who, &discount) })
	if err != nil {
		return GrantedDiscount{}, err
	}
	return GrantedDiscount{Discount: discount}, nil
}

func (cmd GrantDiscount) discount(now time.Time) (models.Discount, error) {
	discount := models.Discount{CustomerID: cmd.CustomerID, Kind: cmd.Kind, Mode: cmd.Mode, Value: cmd.Value, From: now}
	if err := cmd.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
		return discount, err
	}
	if cmd.Currency != nil {
		discount.Currency = *cmd.Currency
	}
	if cmd.PeriodType != nil {
		discount.PeriodType = *cmd.PeriodType
	}
	if cmd.ServiceType != nil {
		if err := checkCode(*cmd.ServiceType, "serviceType"); err != nil {
			return discount, err
		}
		discount.ServiceType = *cmd.ServiceType
	}
	if cmd.From != nil {
		discount.From = cmd.From.UTC().Truncate(time.Microsecond)
		if discount.From.Before(now) {
			return discount, models.Invalid("from", "A discount begins now or later: prices of the past do not change.")
		}
	}
	if cmd.Until != nil {
		until := cmd.Until.UTC().Truncate(time.Microsecond)
		discount.Until = &until
	}
	return discount, discount.Check()
}

func (s *Service) grantIn(ctx context.Context, tx bun.IDB, who models.Principal, discount *models.Discount) error {
	customer, found, err := s.Customers.ByIDIn(ctx, tx, who, discount.CustomerID)
	if err != nil {
		return err
	}
	if !found {
		return ErrCustomerUnknown
	}
	discount.Cloud = customer.Cloud
	if discount.Kind != models.DiscountContract {
		if !who.SeesAll() && customer.PartnerID != who.PartnerID {
			return models.Forbidden("A discount is given by the customer's own partner.")
		}
		if customer.Mode != models.Resale {
			return models.Precondition("CUSTOMER_NOT_RESALE", "Partners give discounts to their resale customers: the others pay the cloud.")
		}
		discount.PartnerID = customer.PartnerID
	}
	if discount.Currency != "" && discount.Currency != customer.Currency {
		return models.Invalid("currency", fmt.Sprintf("The customer pays in %s.", customer.Currency))
	}
	count, err := countDiscounts(ctx, tx, customer.ID, discount.CreatedAt)
	if err != nil {
		return err
	}
	if count >= MaxDiscounts {
		return models.Precondition("DISCOUNTS_TOO_MANY", fmt.Sprintf("A customer has at most %d discounts at a time; end one first.", MaxDiscounts))
	}
	if err := insert(ctx, tx, discount); err != nil {
		return err
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventDiscountGranted, PartnerID: discount.PartnerID, CustomerID: discount.CustomerID, SubjectID: string(discount.ID),
		Fields: []string{"kind", "mode", "value", "serviceType", "from", "until"},
		Changes: []models.FieldChange{
			models.Changed("kind", "", discount.Kind), models.Changed("mode", "", discount.Mode), models.Changed("value", "", discount.Value.String()),
			models.Changed("serviceType", "", discount.ServiceType), models.Changed("from", "", discount.From.Format(time.RFC3339Nano)),
			models.Changed("until", "", moment(discount.Until)),
		},
	})
}

// End ends a discount now, or before it has begun. It needs DISCOUNTS_GRANT, is NOT_FOUND for a discount that the caller may not see, FORBIDDEN
// for one that somebody else gave, and PRECONDITION_FAILED with the reason DISCOUNT_ENDED when it is over.
func (s *Service) End(ctx context.Context, who models.Principal, cmd EndDiscount) (GrantedDiscount, error) {
	if err := access.Require(who, models.GrantDiscounts); err != nil {
		return GrantedDiscount{}, err
	}
	if err := cmd.DiscountID.Require(models.PrefixDiscount, "discountId"); err != nil {
		return GrantedDiscount{}, err
	}
	var ended models.Discount
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		discount, found, err := selectDiscountForUpdate(ctx, tx, who, cmd.DiscountID)
		if err != nil {
			return err
		}
		if !found {
			return models.NotFound("discount")
		}
		if !who.SeesAll() && (who.CustomerID != "" || discount.PartnerID != who.PartnerID) {
			return models.Forbidden("A discount is ended by who gave it.")
		}
		now := s.now()
		if discount.Until != nil && !discount.Until.After(now) {
			return models.Precondition("DISCOUNT_ENDED", "This discount is over.")
		}
		before := moment(discount.Until)
		// One that has not begun ends at its begin: it is never in force.
		if discount.Until = &now; discount.From.After(now) {
			from := discount.From
			discount.Until = &from
		}
		ended = discount
		if err := updateDiscountEnd(ctx, tx, discount); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventDiscountEnded, PartnerID: discount.PartnerID, CustomerID: discount.CustomerID, SubjectID: string(discount.ID),
			Fields: []string{"until"}, Changes: []models.FieldChange{models.Changed("until", before, moment(discount.Until))},
		})
	})
	return GrantedDiscount{Discount: ended}, err
}

func moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}
