package customers

import (
	"context"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// IdentityKind is by what an account is looked for.
type IdentityKind string

// What CheckIdentity looks for (3.2).
const (
	IdentityEmail IdentityKind = "EMAIL"
	IdentityPhone IdentityKind = "PHONE" // the vendor's "mobile"
	IdentityName  IdentityKind = "NAME"
)

// IdentityStatus is whether an account has it.
type IdentityStatus string

// The answers of CheckIdentity.
const (
	IdentityAvailable IdentityStatus = "AVAILABLE"
	IdentityUsed      IdentityStatus = "USED" // by an account of anybody's
)

// How often an organisation may ask: the vendor's five a second (3.1), and no more in an hour than people fill in forms. Whoever walks through a list of
// addresses to learn who is a customer here gets 100 answers an hour.
const (
	checksPerSecond = 5
	checksPerHour   = 100
)

// CheckIdentity says what to look for.
type CheckIdentity struct {
	By    IdentityKind
	Value string // at most 64 characters, the whole of it; a phone number as in 0086-13800000000
}

// IdentityCheck is the answer, without a word about whose it is.
type IdentityCheck struct {
	Status IdentityStatus
}

// Check tells a partner, before it creates a customer, whether an account name, e-mail address or mobile number has an account on this server already
// (CheckUserIdentity, 3.2). It is an oracle by its nature, so it is narrow: only for partners and operators with CUSTOMERS_WRITE, whole values only, and RATE_LIMITED beyond
// 5 a second and 100 an hour of an organisation, however many keys it has.
func (s *Service) Check(ctx context.Context, who models.Principal, cmd CheckIdentity) (IdentityCheck, error) {
	if err := access.Require(who, models.WriteCustomers); err != nil {
		return IdentityCheck{}, err
	}
	if who.CustomerID != "" {
		return IdentityCheck{}, ErrPartnersRegister
	}
	if err := cmd.check(); err != nil {
		return IdentityCheck{}, err
	}
	if err := s.allowCheck(ctx, who); err != nil {
		return IdentityCheck{}, err
	}
	used, err := s.taken(ctx, who, cmd)
	if err != nil {
		return IdentityCheck{}, err
	}
	if used {
		return IdentityCheck{Status: IdentityUsed}, nil
	}
	return IdentityCheck{Status: IdentityAvailable}, nil
}

func (s *Service) allowCheck(ctx context.Context, who models.Principal) error {
	if s.Limits == nil {
		return nil
	}
	for _, limit := range []struct {
		name   string
		most   int64
		window time.Duration
	}{{"second", checksPerSecond, time.Second}, {"hour", checksPerHour, time.Hour}} {
		if ok, wait := s.Limits.Allow(ctx, "identity-check:"+limit.name+":"+who.OrganisationID(), limit.most, limit.window); !ok {
			return models.RateLimited(wait)
		}
	}
	return nil
}

func (cmd CheckIdentity) check() error {
	if cmd.Value == "" {
		return models.Invalid("value", "Say what to look for.")
	}
	if err := checkText(cmd.Value, 64, "value"); err != nil {
		return err
	}
	switch cmd.By {
	case IdentityEmail:
		if checkReach(cmd.Value, "") != nil {
			return models.Invalid("value", "This is not an e-mail address.")
		}
	case IdentityPhone:
		if !mobile.MatchString(cmd.Value) {
			return models.Invalid("value", "A mobile number is written as 0086-13800000000.")
		}
	case IdentityName:
		return models.CheckAccountName(cmd.Value, "value")
	default:
		return models.Invalid("by", "Look for an EMAIL, a PHONE or a NAME.")
	}
	return nil
}

// taken looks the value up with one or two statements, which take the same time either way.
func (s *Service) taken(ctx context.Context, who models.Principal, cmd CheckIdentity) (bool, error) {
	switch cmd.By {
	case IdentityEmail:
		return existsCustomer(ctx, s.DB, "c.email_blind", s.blindEmail(cmd.Value))
	case IdentityPhone:
		return existsCustomer(ctx, s.DB, "c.phone_blind", s.Seal.Blind(cmd.Value, columnPhone))
	}
	taken, err := existsCustomerNamed(ctx, s.DB, who, cmd.Value)
	if err != nil || taken {
		return taken, err
	}
	return existsLoginName(ctx, s.DB, strings.ToLower(cmd.Value)) // the first user takes it
}
