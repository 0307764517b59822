package coupons

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
)

// The refusals of this room that callers may want to tell apart with errors.Is. Those of states and limits come from models.
var (
	ErrOperatorGrants     = models.Forbidden("Only operators grant coupon quotas, adjust them and change their state (V02).")
	ErrPartnerIssues      = models.Forbidden("Only a partner issues and reclaims coupons: use the partner's own credential.")
	ErrDistributorIssues  = models.Forbidden("Only a distributor gives quotas to its resellers (V08).")
	ErrOperatorSwitches   = models.Forbidden("Only operators say whether a partner keeps a whitelist (V03).")
	ErrPartnerUnknown     = models.NotFound("partner")
	ErrResellerUnknown    = models.NotFound("reseller")
	ErrQuotaUnknown       = models.NotFound("coupon quota")
	ErrCouponUnknown      = models.NotFound("coupon")
	errNotNamed           = &models.Error{Code: models.CodeNotFound, Field: "couponIds", Message: ErrCouponUnknown.Message}
	ErrCustomerUnknown    = &models.Error{Code: models.CodeNotFound, Message: "There is no such customer of this partner's own; a distributor names its reseller in actingForPartnerId."}
	ErrResellersQuota     = models.Precondition("RESELLER_QUOTA", "A cloud reseller's quota is given by its distributor (C03, V08).")
	ErrNotIssued          = models.Precondition("QUOTA_NOT_ISSUED", "This quota was not given to a reseller; operators adjust it.")
	ErrParentUnusable     = models.Precondition("PARENT_QUOTA_UNUSABLE", "The quota that this one was given from is not usable now (V09).")
	ErrNothingToReclaim   = models.Precondition("NOTHING_TO_RECLAIM", "All of this quota has been issued; nothing is left to take back.")
	ErrQuotaInUse         = models.Precondition("QUOTA_IN_USE", "More of this quota is handed on and issued than this value.")
	ErrSameValue          = models.Precondition("QUOTA_UNCHANGED", "This is the quota's value already.")
	ErrQuotaState         = models.Precondition("QUOTA_STATE", "The quota cannot go from its state to this one (V09).")
	ErrAdvisoryCustomer   = models.Precondition("ADVISORY_CUSTOMER", "Coupons are issued to resale customers only (V04).")
	ErrCustomerFrozen     = models.Precondition("CUSTOMER_FROZEN", "This customer is frozen.")
	ErrNotWhitelisted     = models.Precondition("NOT_WHITELISTED", "This customer is not on the partner's whitelist (V03).")
	ErrCurrency           = models.Precondition("COUPON_CURRENCY", "The quota is in another currency.")
	ErrPickupNeedsProduct = models.Invalid("limits.products", "A quota of pickup coupons names its products (V07).")
)

// short is INSUFFICIENT_BALANCE with what the quota has and what was asked of it.
func short(quota models.CouponQuota, requiredMinor int64) error {
	return &models.Error{
		Code: models.CodeInsufficientBalance, Message: "The quota does not suffice.",
		Details: map[string]any{
			"available": quota.Balance().Plain(),
			"required":  models.NewMoney(requiredMinor, quota.Currency).Amount().StringFixed(quota.Currency.Scale()),
			"currency":  string(quota.Currency), "quotaId": string(quota.ID),
		},
	}
}

// parseValue reads an amount above zero with the currency's digits (V03).
func parseValue(amount decimal.Decimal, currency models.Currency, field string) (int64, error) {
	if amount.Sign() <= 0 {
		return 0, models.Invalid(field, fmt.Sprintf("%s must be above zero.", field))
	}
	m, err := models.ParseMoney(amount, currency, field)
	return m.Minor, err
}
