package customers

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// ErrPartnersRegister refuses whoever is no partner.
var ErrPartnersRegister = models.Forbidden("Partners create customers: use a partner's credential.")

// RegisterCustomer is CreateSubCustomer's contract (3.2): an account that a partner makes for its customer.
type RegisterCustomer struct {
	ActingForPartnerID *models.ID // the caller's reseller whose customer it becomes (M07); nil = the caller itself
	AccountName        string     // see models.CheckAccountName; also the login name of the customer's first user
	ExternalID         string     // the storefront's own key and the platform's xAccountId, 1 to 128 characters, unique per partner
	Email              *string    // at most 256 characters
	Phone              *string    // a mobile number of the mainland, as in 0086-13800000000
	Password           *string    // see checkRegisteredPassword; nil = signs in through the partner's platform only
	Mode               *models.AssociationMode
	IdempotencyKey     string // 1 to 128 printable ASCII characters, made up once per customer
}

// RegisteredCustomer is what a registration made.
type RegisteredCustomer struct {
	Customer    models.Customer
	Association models.Association
	PlatformID  *string // the platform whose first sign-in as ExternalID finds the account; nil when the partner has none
}

// registered is what the idempotency key keeps.
type registered struct {
	CustomerID models.ID
	PlatformID *string
}

// Register makes a customer's account for a partner, with a first user of the same name, associates it at once, in resale unless told otherwise, and
// binds it to the partner's platform, so that the first sign-in through SAML finds it: exactly once per key. A repeated key answers with the customer as it is by
// then, NOT_FOUND when it has left. A taken account name or external id is CONFLICT naming the field; PARTNER_RESTRICTED is a reason of
// PRECONDITION_FAILED. Whatever fails leaves nothing behind and the key free.
func (s *Service) Register(ctx context.Context, who models.Principal, cmd RegisterCustomer) (RegisteredCustomer, error) {
	if err := access.Require(who, models.WriteCustomers); err != nil {
		return RegisteredCustomer{}, err
	}
	if who.PartnerID == "" || who.CustomerID != "" {
		return RegisteredCustomer{}, ErrPartnersRegister
	}
	if err := cmd.check(); err != nil {
		return RegisteredCustomer{}, err
	}
	partner := who.PartnerID
	if cmd.ActingForPartnerID != nil {
		if partner = *cmd.ActingForPartnerID; partner == who.PartnerID {
			return RegisteredCustomer{}, ErrPartnerUnknown
		}
	}
	platform, err := s.platformOf(ctx, partner) // before the transaction: it asks for a connection of its own
	if err != nil {
		return RegisteredCustomer{}, err
	}
	done, err := ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "createCustomer", s.asked(cmd), func(ctx context.Context, tx bun.IDB) (registered, error) {
		return s.registerIn(ctx, tx, who, partner, platform, cmd)
	})
	if err != nil {
		return RegisteredCustomer{}, err
	}
	return s.registeredNow(ctx, who, done)
}

// asked is what tells two requests apart. The database keeps a digest of it, from which nobody shall guess a password or a number, so those go in under a key.
func (s *Service) asked(cmd RegisterCustomer) any {
	blind := func(text *string, purpose string) string {
		if text == nil {
			return ""
		}
		return s.Seal.Blind(*text, "createCustomer."+purpose)
	}
	return struct {
		Acting                 *models.ID
		Name, External         string
		Email, Phone, Password string
		Mode                   *models.AssociationMode
	}{cmd.ActingForPartnerID, cmd.AccountName, cmd.ExternalID, blind(cmd.Email, "email"), blind(cmd.Phone, "phone"), blind(cmd.Password, "password"), cmd.Mode}
}

func (s *Service) registerIn(ctx context.Context, tx bun.IDB, who models.Principal, partner models.ID, platform *string, cmd RegisterCustomer) (registered, error) {
	create := CreateCustomer{Name: cmd.AccountName, PartnerID: partner, Source: models.SourceAPI, ExternalID: cmd.ExternalID}
	if cmd.Mode != nil {
		create.Mode = *cmd.Mode
	}
	if cmd.Email != nil {
		create.Email = *cmd.Email
	}
	if cmd.Phone != nil {
		create.Phone = *cmd.Phone
	}
	customer, err := s.CreateIn(ctx, tx, who, create)
	if err != nil {
		return registered{}, err
	}
	// What a customer's user may do is more than a partner's key may hand on, so the server makes it, as at a first login.
	_, err = s.People.CreateUserIn(ctx, tx, models.SystemPrincipal("create-customer"), identity.CreateUser{
		CustomerID: &customer.ID, LoginName: cmd.AccountName, Password: cmd.Password, VendorPassword: true, AskedBy: &who,
	})
	if err != nil {
		var refused *models.Error
		if errors.As(err, &refused) && refused.Code == models.CodeConflict && refused.Field == "loginName" {
			return registered{}, ErrNameTaken
		}
		return registered{}, err
	}
	done := registered{CustomerID: customer.ID, PlatformID: platform}
	if platform == nil {
		return done, nil
	}
	return done, s.Bindings.BindAccountIn(ctx, tx, who, partner, models.FederatedAccount{
		PlatformID: *platform, XAccountID: customer.ExternalID, CustomerID: customer.ID,
	})
}

// platformOf returns the platform that serves the partner's customers; nil when there is none.
func (s *Service) platformOf(ctx context.Context, partner models.ID) (*string, error) {
	if s.Platforms == nil {
		return nil, nil
	}
	platform, found, err := s.Platforms.ForPartner(ctx, partner)
	if err != nil || !found {
		return nil, err
	}
	return &platform.PlatformID, nil
}

func (s *Service) registeredNow(ctx context.Context, who models.Principal, done registered) (RegisteredCustomer, error) {
	customers, err := selectCustomers(ctx, s.DB, who, []models.ID{done.CustomerID})
	if err != nil {
		return RegisteredCustomer{}, err
	}
	associations, err := selectAssociations(ctx, s.DB, who, []models.ID{done.CustomerID})
	if err != nil {
		return RegisteredCustomer{}, err
	}
	if len(customers) == 0 || len(associations) == 0 {
		return RegisteredCustomer{}, ErrUnknown
	}
	if err := s.openPersonal(&customers[0]); err != nil {
		return RegisteredCustomer{}, err
	}
	return RegisteredCustomer{Customer: customers[0], Association: associations[0], PlatformID: done.PlatformID}, nil
}

// mobile is a number that the mainland's networks know (3.2): CreateSubCustomer and CheckUserIdentity take no other.
var mobile = regexp.MustCompile(`^0086-[0-9]{4,27}$`)

func (cmd RegisterCustomer) check() error {
	if cmd.ActingForPartnerID != nil {
		if err := cmd.ActingForPartnerID.Require(models.PrefixPartner, "actingForPartnerId"); err != nil {
			return err
		}
	}
	if err := models.CheckAccountName(cmd.AccountName, "accountName"); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(cmd.ExternalID); n == 0 || n > 128 {
		return models.Invalid("externalId", "An external id has 1 to 128 characters.")
	}
	if cmd.Phone != nil && !mobile.MatchString(*cmd.Phone) {
		return models.Invalid("phone", "A mobile number is written as 0086-13800000000.")
	}
	if cmd.Mode != nil && *cmd.Mode != models.Resale && *cmd.Mode != models.Advisory {
		return models.Invalid("mode", "The mode is ADVISORY or RESALE.")
	}
	if cmd.Email != nil {
		if err := checkReach(*cmd.Email, ""); err != nil {
			return err
		}
	}
	if err := checkRegisteredPassword(cmd); err != nil {
		return err
	}
	if err := checkText(cmd.ExternalID, 128, "externalId"); err != nil {
		return err
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

// checkRegisteredPassword applies the vendor's rule for a password that a partner sets (3.2): 8 to 32 characters of at least two of the four classes small
// letters, capitals, digits and others, neither the account name nor that name backwards, and without the mobile number.
func checkRegisteredPassword(cmd RegisterCustomer) error {
	if cmd.Password == nil {
		return nil
	}
	password := *cmd.Password
	if n := utf8.RuneCountInString(password); n < 8 || n > 32 {
		return models.Invalid("password", "A password has 8 to 32 characters.")
	}
	if err := checkText(password, 32, "password"); err != nil {
		return err
	}
	classes := map[string]bool{}
	for _, c := range password {
		switch {
		case unicode.IsLower(c):
			classes["small"] = true
		case unicode.IsUpper(c):
			classes["capital"] = true
		case unicode.IsDigit(c):
			classes["digit"] = true
		default:
			classes["other"] = true
		}
	}
	if len(classes) < 2 {
		return models.Invalid("password", "A password has at least two of: small letters, capitals, digits, other characters.")
	}
	name := []rune(cmd.AccountName)
	slices.Reverse(name)
	if strings.EqualFold(password, cmd.AccountName) || strings.EqualFold(password, string(name)) {
		return models.Invalid("password", "A password is neither the account name nor that name backwards.")
	}
	if cmd.Phone != nil {
		if _, number, _ := strings.Cut(*cmd.Phone, "-"); strings.Contains(password, number) {
			return models.Invalid("password", "A password does not contain the mobile number.")
		}
	}
	return nil
}
