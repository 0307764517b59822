package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

// The refusals of changing a customer, with machine-readable reasons.
var (
	ErrRealNameFixed   = models.Precondition("REAL_NAME_FIXED", "The real name is under review or verified; only another verification changes it.")
	ErrTagNotVerified  = models.Precondition("NOT_VERIFIED", "Only a customer whose real name is verified has a new-customer tag (C20).")
	ErrOperatorTags    = models.Forbidden("Only an operator sets the new-customer tag: the cloud decides who is new.")
	ErrExternalUnowned = models.Precondition("NOT_ASSOCIATED", "A customer without a partner has no external id.")
)

// UpdateCustomer says what to change. A nil field stays as it is, an empty text clears it.
type UpdateCustomer struct {
	CustomerID models.ID
	RealName   *string // at most 200 characters; fixed while it is under review or verified (R06)
	Email      *string // at most 256 characters
	Phone      *string // countrycode-number as in 0086-13800000000
	ExternalID *string // the storefront's own key, at most 128 characters, unique per partner; a platform's binding stays as it is
}

// Update changes how a customer is reached and what the storefront calls it. A partner changes its own customers, of an advisory
// one the external id only. Reasons of PRECONDITION_FAILED: ADVISORY_CUSTOMER, REAL_NAME_FIXED, NOT_ASSOCIATED; a taken external
// id is CONFLICT.
func (s *Service) Update(ctx context.Context, who models.Principal, cmd UpdateCustomer) (CustomerChange, error) {
	return s.change(ctx, who, cmd.CustomerID, func(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
		if err := cmd.check(); err != nil {
			return err
		}
		if cmd.RealName != nil || cmd.Email != nil || cmd.Phone != nil {
			if err := resaleOrOperator(who, *customer); err != nil {
				return err
			}
		}
		changes, err := cmd.apply(customer)
		if err != nil || len(changes) == 0 {
			return err
		}
		customer.UpdatedAt = s.now()
		s.sealPersonal(customer)
		if err := updateCustomer(ctx, tx, customer, "external_id", "real_name_sealed", "email_sealed", "email_blind", "phone_sealed", "phone_blind"); err != nil {
			if store.Conflicts(err, "customers", "external_id") {
				return ErrExternalTaken
			}
			return err
		}
		return s.Events.Record(ctx, tx, who, changed(models.EventCustomerUpdated, *customer, nil, changes...))
	})
}

func (cmd UpdateCustomer) check() error {
	value := func(text *string) string {
		if text == nil {
			return ""
		}
		return *text
	}
	return checkPersonal(value(cmd.ExternalID), value(cmd.RealName), value(cmd.Email), value(cmd.Phone))
}

// apply changes the customer and says which fields differ now; personal values stay out of the record.
func (cmd UpdateCustomer) apply(customer *models.Customer) (changes []models.FieldChange, err error) {
	set := func(name string, to *string, now **string) {
		if to == nil {
			return
		}
		wanted := given(*to)
		if (wanted == nil) != (*now == nil) || wanted != nil && *wanted != **now {
			changes = append(changes, models.FieldChange{Field: name})
			*now = wanted
		}
	}
	set("realName", cmd.RealName, &customer.RealName)
	if len(changes) > 0 && (customer.VerifiedStatus == models.Verified || customer.VerifiedStatus == models.VerifyReviewing) {
		return nil, ErrRealNameFixed
	}
	set("email", cmd.Email, &customer.Email)
	set("phone", cmd.Phone, &customer.Phone)
	if cmd.ExternalID != nil && *cmd.ExternalID != customer.ExternalID {
		if customer.PartnerID == "" {
			return nil, ErrExternalUnowned
		}
		changes = append(changes, models.Changed("externalId", customer.ExternalID, *cmd.ExternalID))
		customer.ExternalID = *cmd.ExternalID
	}
	return changes, nil
}

// checkPersonal applies the rules for what is said of a customer; empty texts pass.
func checkPersonal(externalID, realName, email, number string) error {
	if err := checkText(externalID, 128, "externalId"); err != nil {
		return err
	}
	if err := checkText(realName, 200, "realName"); err != nil {
		return err
	}
	return checkReach(email, number)
}

// checkReach applies the rules for an e-mail address and a phone number; empty texts pass.
func checkReach(email, number string) error {
	if email != "" {
		if err := models.CheckEmail(email, "email"); err != nil {
			return err
		}
	}
	if number != "" && !phone.MatchString(number) {
		return models.Invalid("phone", "A phone number is written as 0086-13800000000.")
	}
	return nil
}

// SetNewCustomerTag says whether a customer is new to the cloud, and in which months that counts.
type SetNewCustomerTag struct {
	CustomerID models.ID
	Value      *models.NewCustomer // nil takes the tag away
	From       *models.BillingCycle
	Until      *models.BillingCycle // not before From
}

// SetNewCustomerTag sets or takes away the SMB new-customer tag (C20). Operators only; a customer that is not verified has none: NOT_VERIFIED.
func (s *Service) SetNewCustomerTag(ctx context.Context, who models.Principal, cmd SetNewCustomerTag) (CustomerChange, error) {
	return s.change(ctx, who, cmd.CustomerID, func(ctx context.Context, tx bun.IDB, customer *models.Customer) error {
		if !who.SeesAll() {
			return ErrOperatorTags
		}
		value, from, until, err := cmd.check()
		if err != nil {
			return err
		}
		if value != "" && customer.VerifiedStatus != models.Verified {
			return ErrTagNotVerified
		}
		changes := []models.FieldChange{
			models.Changed("newCustomerTag", customer.NewCustomer, value), models.Changed("newCustomerTag.from", customer.NewCustomerFrom, from),
			models.Changed("newCustomerTag.until", customer.NewCustomerUntil, until),
		}
		customer.NewCustomer, customer.NewCustomerFrom, customer.NewCustomerUntil, customer.UpdatedAt = value, from, until, s.now()
		if err := updateCustomer(ctx, tx, customer, "new_customer", "new_customer_from", "new_customer_until"); err != nil {
			return err
		}
		event := happened(models.EventNewCustomerTagSet, *customer, []string{"newCustomerTag"}, map[string]any{"value": value, "from": from, "until": until})
		event.Changes = changes
		return s.Events.Record(ctx, tx, who, event)
	})
}

func (cmd SetNewCustomerTag) check() (value models.NewCustomer, from, until models.BillingCycle, err error) {
	if cmd.Value == nil {
		if cmd.From != nil || cmd.Until != nil {
			return "", "", "", models.Invalid("value", "Months need a value.")
		}
		return "", "", "", nil
	}
	switch value = *cmd.Value; value {
	case models.NewCustomerYes, models.NewCustomerNo, models.NewCustomerUndetermined:
	default:
		return "", "", "", models.Invalid("value", "The tag is YES, NO or UNDETERMINED.")
	}
	if cmd.From != nil {
		if from, err = models.ParseBillingCycle(string(*cmd.From), "from"); err != nil {
			return "", "", "", err
		}
	}
	if cmd.Until != nil {
		if until, err = models.ParseBillingCycle(string(*cmd.Until), "until"); err != nil {
			return "", "", "", err
		}
	}
	if from != "" && until != "" && until < from {
		return "", "", "", models.Invalid("until", "The last month is not before the first.")
	}
	return value, from, until, nil
}
