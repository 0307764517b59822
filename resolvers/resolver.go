package resolvers

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/benefits"
	"github.com/partnergraph/partnergraph/sales/billing"
	"github.com/partnergraph/partnergraph/sales/brands"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/clock"
	"github.com/partnergraph/partnergraph/sales/companies"
	"github.com/partnergraph/partnergraph/sales/coupons"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/packages"
	"github.com/partnergraph/partnergraph/sales/partners"
	"github.com/partnergraph/partnergraph/sales/payouts"
	"github.com/partnergraph/partnergraph/sales/resources"
	"github.com/partnergraph/partnergraph/sales/settlements"
	"github.com/partnergraph/partnergraph/sales/staff"
	"github.com/partnergraph/partnergraph/sales/verification"
	"github.com/partnergraph/partnergraph/sales/webhooks"
)

// Sessions is what the resolvers need of the session hall.
type Sessions interface {
	List(ctx context.Context, who models.Principal) ([]models.Session, error)
	Revoke(ctx context.Context, who models.Principal, cmd models.RevokeSession) (models.RevokedSession, error)
	RevokeAll(ctx context.Context, who models.Principal, cmd models.RevokeAllSessions) (models.RevokedSessions, error)
}

// Resolver answers the schema with the rooms. All fields are required and set once, before use.
type Resolver struct {
	Events      *events.Log
	Identity    *identity.Service
	Codes       *identity.Codes
	Partners    *partners.Service
	Exposure    *exposure.Service
	Federation  *federation.Service
	Customers   *customers.Service
	Funds       *funds.Service
	Incentives  *incentives.Service
	Payouts     *payouts.Service
	Billing     *billing.Service
	Benefits    *benefits.Service
	Brands      *brands.Service
	Staff       *staff.Service
	Resources   *resources.Service
	Packages    *packages.Service
	Clock       *clock.Service
	Orders      *orders.Service
	Settlements *settlements.Service
	Webhooks    *webhooks.Service
	Catalog     *catalog.Service
	Companies   *companies.Service
	Coupons     *coupons.Service
	Files       *files.Service
	// Verifications has real names verified.
	Verifications *verification.Service
	Sessions      Sessions
	// Who tells the principal of the request that a context belongs to.
	Who func(ctx context.Context) models.Principal
	// Again tells who the credential behind a context belongs to by now, for streams.
	Again func(ctx context.Context) (models.Principal, error)
	Log   *slog.Logger
	// LoaderWait is how long the first call of a level of fields waits for the others; zero = 300 microseconds.
	LoaderWait time.Duration
	// Whole has rows read whole, whatever of them is shown, so that a test can hold answers against those.
	Whole bool

	loadersOnce sync.Once
	loaders     *loaders
}
