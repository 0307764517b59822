package brands

import (
	"context"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/store"
)

// Uploads gives out what was brought; sales/files does.
type Uploads interface {
	// Content is of an upload of the caller's organisation that waits to be used, and was judged.
	Content(ctx context.Context, who models.Principal, purpose models.UploadPurpose, id models.ID) ([]byte, error)
	TakeIn(ctx context.Context, tx bun.IDB, who models.Principal, purpose models.UploadPurpose, id models.ID) error
}

// Platforms knows which origins a partner's platform may use; sales/exposure does.
type Platforms interface {
	ForPartner(ctx context.Context, partnerID models.ID) (config models.AccessConfiguration, found bool, err error)
}

// Catalogue knows what the cloud sells now.
type Catalogue interface {
	// UnknownServiceTypes returns those of the codes that are no service types now.
	UnknownServiceTypes(ctx context.Context, codes []string) ([]string, error)
}

// Service is the room. All fields are required and are set once, before use; it is then safe for concurrent use.
type Service struct {
	DB        *store.DB
	Now       func() time.Time
	IDs       models.IDSource
	Events    *events.Recorder
	Uploads   Uploads
	Platforms Platforms
	Catalogue Catalogue
	Origin    string // what addresses of ours begin with, such as https://sales.example.com
	Logger    *slog.Logger
	// Dev also allows http to loopback addresses and *.localhost; never in production.
	Dev bool
}

// The refusals of this room; those of states are in models.
var (
	ErrUnknown = models.NotFound("brand version")
	// ErrOriginNotAllowed refuses an entry of the menu that leads off the platform's own origins.
	ErrOriginNotAllowed = models.Precondition("ORIGIN_NOT_ALLOWED", "An entry of the menu leads to an origin that the platform does not allow: add it to allowedOrigins of the access configuration first.")
	// ErrServiceTypeUnknown refuses what the cloud does not sell.
	ErrServiceTypeUnknown = models.Precondition("SERVICE_TYPE_UNKNOWN", "The catalogue in force has no such service type.")
	// ErrBrandChanged refuses a decision about something else than was looked at.
	ErrBrandChanged = models.Conflict("This version was changed since you looked at it; look at it again.")
	errPartner      = models.NotFound("partner")
)

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// mayReview is who decides about brands: operators with BRANDS_REVIEW.
func mayReview(who models.Principal) error {
	if err := access.Require(who, models.ReviewBrands); err != nil {
		return err
	}
	if !who.SeesAll() {
		return models.Forbidden("Only an operator decides about brands.")
	}
	return nil
}

// whose is the partner that a caller means: its own, or the one that an operator names.
func whose(who models.Principal, named *models.ID) (models.ID, error) {
	if named == nil {
		if who.PartnerID == "" || who.CustomerID != "" {
			return "", models.Invalid("partnerId", "Name the partner.")
		}
		return who.PartnerID, nil
	}
	if err := named.Require(models.PrefixPartner, "partnerId"); err != nil {
		return "", err
	}
	if !who.SeesAll() && (who.CustomerID != "" || *named != who.PartnerID) {
		return "", errPartner
	}
	return *named, nil
}
