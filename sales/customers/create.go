package customers

import (
	"context"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// The refusals of this room that callers may want to tell apart with errors.Is.
var (
	ErrUnknown        = models.NotFound("customer")
	ErrPartnerUnknown = models.NotFound("partner")
	ErrNameTaken      = &models.Error{Code: models.CodeConflict, Field: "accountName", Message: "This account name is taken."}
	ErrExternalTaken  = &models.Error{Code: models.CodeConflict, Field: "externalId", Message: "The partner has given this external id to another customer."}
)

// CreateCustomer makes a customer's account and, with a partner, associates it at once.
type CreateCustomer struct {
	Name       string              // the account name, see models.CheckAccountName
	Kind       models.CustomerKind // empty = NONE, not decided yet (C17)
	PartnerID  models.ID           // zero = the caller's own partner, or none for operators
	Mode       models.AssociationMode
	Source     models.AssociationSource // empty = API
	Tag        string                   // at most 64 characters; kept on the association (C06)
	Cloud      string                   // needed without a partner; with one it is the partner's
	Currency   models.Currency          // needed without a partner; with one it is the partner's
	ExternalID string                   // the storefront's own key, at most 128 printable characters; empty = none
	RealName   string                   // empty = unknown; at most 200 characters
	Email      string                   // empty = unknown; at most 256 characters
	Phone      string                   // empty = unknown; countrycode-number as in 0086-13800000000
}

// Create makes a customer in a transaction of its own. See CreateIn.
func (s *Service) Create(ctx context.Context, who models.Principal, cmd CreateCustomer) (models.Customer, error) {
	var created models.Customer
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		created, err = s.CreateIn(ctx, tx, who, cmd)
		return err
	})
	return created, err
}

// CreateIn makes a customer in the caller's transaction. Operators may do so for any partner or none, partners for
// themselves and their resellers. Without a mode the association is resale, the vendor's default (3.2). A taken account
// name or external id is CONFLICT naming the field, a partner that may not win customers PARTNER_RESTRICTED.
func (s *Service) CreateIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd CreateCustomer) (models.Customer, error) {
	if err := access.Require(who, models.WriteCustomers); err != nil {
		return models.Customer{}, err
	}
	if who.CustomerID != "" {
		return models.Customer{}, models.Forbidden("A customer does not create customers.")
	}
	if cmd.PartnerID == "" {
		cmd.PartnerID = who.PartnerID
	}
	if err := cmd.check(); err != nil {
		return models.Customer{}, err
	}
	now := s.now()
	customer := models.Customer{
		ID: s.IDs(models.PrefixCustomer), Cloud: cmd.Cloud, Name: cmd.Name, Kind: cmd.Kind, Currency: cmd.Currency,
		VerifiedStatus: models.NotVerified, Frozen: models.NotFrozen, ExternalID: cmd.ExternalID, CreatedAt: now, UpdatedAt: now,
		RealName: given(cmd.RealName), Email: given(cmd.Email), Phone: given(cmd.Phone),
	}
	if customer.Kind == "" {
		customer.Kind = models.CustomerKindNone
	}
	if cmd.PartnerID != "" {
		partner, barred, err := s.partnerFor(ctx, tx, who, cmd.PartnerID)
		if err == nil && barred {
			err = ErrPartnerRestricted
		}
		if err != nil {
			return models.Customer{}, err
		}
		customer.Cloud, customer.Currency = partner.Cloud, partner.Currency
	}
	s.sealPersonal(&customer)
	if err := insertCustomer(ctx, tx, &customer); err != nil {
		return models.Customer{}, nameTaken(err)
	}
	created := models.Event{
		Type: models.EventCustomerCreated, PartnerID: cmd.PartnerID, CustomerID: customer.ID, SubjectID: string(customer.ID),
		Fields: cmd.givenFields(),
	}
	for _, field := range created.Fields {
		change := models.FieldChange{Field: field} // the others are personal
		if field == "externalId" {
			change = models.Changed(field, "", cmd.ExternalID)
		}
		created.Changes = append(created.Changes, change)
	}
	if err := s.Events.Record(ctx, tx, who, created); err != nil {
		return models.Customer{}, err
	}
	if cmd.PartnerID == "" {
		return customer, nil
	}
	_, err := s.link(ctx, tx, who, &customer, Associate{
		CustomerID: customer.ID, PartnerID: cmd.PartnerID, Mode: cmd.Mode, Source: cmd.Source, Tag: cmd.Tag,
	})
	return customer, err
}

// phone is the vendor's way to write a number (3.2): four digits of the country, a hyphen, the number.
var phone = regexp.MustCompile(`^[0-9]{4}-[0-9]{4,27}$`)

func (cmd CreateCustomer) check() error {
	if err := models.CheckAccountName(cmd.Name, "accountName"); err != nil {
		return err
	}
	switch cmd.Kind {
	case "", models.CustomerKindNone, models.Individual, models.Enterprise:
	default:
		return models.Invalid("kind", "A customer is NONE, INDIVIDUAL or ENTERPRISE.")
	}
	if cmd.PartnerID != "" {
		if err := cmd.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return err
		}
	} else if cmd.Cloud == "" || !cmd.Currency.Valid() {
		return models.Invalid("partnerId", "Without a partner a customer needs a cloud and a currency.")
	}
	if err := checkText(cmd.ExternalID, 128, "externalId"); err != nil {
		return err
	}
	if err := checkText(cmd.RealName, 200, "realName"); err != nil {
		return err
	}
	if cmd.Email != "" {
		if err := models.CheckEmail(cmd.Email, "email"); err != nil {
			return err
		}
	}
	if cmd.Phone != "" && !phone.MatchString(cmd.Phone) {
		return models.Invalid("phone", "A phone number is written as 0086-13800000000.")
	}
	return nil
}

// givenFields names what was set, for the audit record, which must not carry the values.
func (cmd CreateCustomer) givenFields() []string {
	fields := []string{"name"}
	for _, field := range []struct{ name, value string }{
		{"externalId", cmd.ExternalID}, {"realName", cmd.RealName}, {"email", cmd.Email}, {"phone", cmd.Phone},
	} {
		if field.value != "" {
			fields = append(fields, field.name)
		}
	}
	return fields
}

func checkText(text string, longest int, field string) error {
	if utf8.RuneCountInString(text) > longest || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return models.Invalid(field, field+" is too long or has control characters.")
	}
	return nil
}

func nameTaken(err error) error {
	if store.Conflicts(err, "customers", "name") {
		return ErrNameTaken
	}
	return err
}

func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
