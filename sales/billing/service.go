package billing

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/packages"
	"github.com/partnergraph/partnergraph/sales/watch"
	"github.com/partnergraph/partnergraph/store"
)

// ConsumerBills is the outbox consumer whose handler is Service.BillOrder; its events are those of BilledEvents.
const ConsumerBills = "bills"

// BilledEvents are the events that bill lines of orders are made from.
func BilledEvents() []models.EventType {
	return []models.EventType{models.EventOrderPaid, models.EventOrderRefunded, models.EventTransferReversed}
}

// Prices rates use.
type Prices interface {
	// RateUseIn rates each use by the prices of its own moment.
	RateUseIn(ctx context.Context, db bun.IDB, uses []catalog.Use) ([]catalog.RatedUse, error)
}

var _ Prices = (*catalog.Service)(nil)

// Packages pay for use before money does (O18).
type Packages interface {
	// CoverIn says how much packages pay of each use, and keeps them locked; what it returns is to be written with the bill lines.
	CoverIn(ctx context.Context, tx bun.IDB, uses []packages.Use) (packages.Covered, error)
}

var _ Packages = (*packages.Service)(nil)

// Jobs has settlements made at their time.
type Jobs interface {
	// ScheduleManyIn has a kind of job carried out for objects at their times, in the caller's transaction.
	ScheduleManyIn(ctx context.Context, tx bun.IDB, kind models.JobKind, all []models.Due) error
}

// Performance counts what customers paid for their partners.
type Performance interface {
	// CountIn counts consumptions, in the transaction that they are billed in.
	CountIn(ctx context.Context, tx bun.IDB, consumed []models.Consumption) error
}

// Uploads gives files of records to read.
type Uploads interface {
	// Content returns the content of an upload of the caller's organisation that waits to be used.
	Content(ctx context.Context, who models.Principal, purpose models.UploadPurpose, id models.ID) ([]byte, error)
	// TakeIn says in the caller's transaction that the content was used.
	TakeIn(ctx context.Context, tx bun.IDB, who models.Principal, purpose models.UploadPurpose, id models.ID) error
}

// Service keeps the bills. All fields are required unless said otherwise and set once, before use; it is then safe for concurrent use.
type Service struct {
	DB          *store.DB
	Now         func() time.Time
	IDs         models.IDSource
	Events      *events.Recorder
	Ledger      *ledger.Service
	Prices      Prices
	Cloud       string      // whose use is recorded
	Packages    Packages    // nil = there are none
	Jobs        Jobs        // nil = nothing is settled by itself
	Performance Performance // nil = nobody counts
	Uploads     Uploads     // nil = there are no files

	debtors watch.Debtors // customers whose balance has changed
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// settleHour is how long after midnight in UTC+8 a day is settled, so that records of its last minutes have arrived.
const settleHour = 30 * time.Minute

// nextSettlement is when use that is recorded now is paid at the earliest.
func nextSettlement(now time.Time) time.Time {
	next := models.BillDay(now).Add(settleHour)
	if !now.Before(next) {
		next = next.AddDate(0, 0, 1)
	}
	return next.UTC()
}
