package benefits

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/store"
)

// Jobs keeps what is to be done at a time.
type Jobs interface {
	// ScheduleManyIn has a job of the kind done about each object when it is due, in the transaction that makes it necessary.
	ScheduleManyIn(ctx context.Context, tx bun.IDB, kind models.JobKind, all []models.Due) error
}

// Orders knows the orders that a caller may see; sales/orders does.
type Orders interface {
	ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Order, error)
}

// Service is the room. All fields are required unless they say otherwise and are set once, before use; it is then safe for concurrent use.
type Service struct {
	DB     *store.DB
	Now    func() time.Time
	IDs    models.IDSource
	Events *events.Recorder
	Jobs   Jobs // has rights lapse; nil = nobody does
	Files  *files.Service
	Orders Orders
}

// The refusals of benefits; those of capabilities, states and budgets are in models.
var (
	ErrApplicationUnknown = models.NotFound("benefit application")
	ErrCapabilityUnknown  = models.NotFound("capability")
	ErrTagUnknown         = models.NotFound("capability tag")
	errPartner            = models.NotFound("partner")
)

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// mayReview is who keeps tags and decides about applications: operators with BENEFITS_REVIEW.
func mayReview(who models.Principal) error {
	if err := access.Require(who, models.ReviewBenefits); err != nil {
		return err
	}
	if !who.SeesAll() {
		return models.Forbidden("Only an operator decides about benefits.")
	}
	return nil
}

// whose is the partner that a caller means: its own, or the one that an operator names; zero when an operator names none. A partner sees no
// other's benefits, not even its reseller's.
func whose(who models.Principal, named *models.ID) (models.ID, error) {
	switch {
	case named == nil:
		return who.PartnerID, nil
	case named.Prefix() != models.PrefixPartner:
		return "", named.Require(models.PrefixPartner, "partnerId")
	case !who.SeesAll() && (who.CustomerID != "" || *named != who.PartnerID):
		return "", errPartner
	}
	return *named, nil
}

// earner is the partner that applies for something, with its standing locked. It is NOT_FOUND where the caller may not act for it, and
// RESELLER_HAS_NO_BENEFITS for a cloud reseller (P12, P14).
func earner(ctx context.Context, tx bun.IDB, who models.Principal, named *models.ID, now time.Time) (models.Partner, models.BenefitStanding, error) {
	id, err := whose(who, named)
	if err == nil && id == "" {
		err = models.Invalid("partnerId", "Name the partner.")
	}
	if err != nil {
		return models.Partner{}, models.BenefitStanding{}, err
	}
	partner, found, err := selectPartner(ctx, tx, id)
	switch {
	case err != nil:
	case !found:
		err = errPartner
	case !partner.Kind.EarnsIncentives():
		err = models.ErrBenefitsNotReseller
	}
	if err != nil {
		return partner, models.BenefitStanding{}, err
	}
	standing, err := lockStanding(ctx, tx, id, now)
	return partner, standing, err
}

// changes collects what a write did to fields.
type changes []models.FieldChange

// add notes a field, unless it stays as it was.
func (c *changes) add(field, before, after string) {
	if before != after {
		*c = append(*c, models.Changed(field, before, after))
	}
}

// fields are the names of what changed.
func (c changes) fields() []string {
	names := make([]string, len(c))
	for i, change := range c {
		names[i] = change.Field
	}
	return names
}

func text(given *string) string {
	if given == nil {
		return ""
	}
	return *given
}

func value[T ~string](given *T) T {
	if given == nil {
		return ""
	}
	return *given
}
