package payouts

import (
	"log/slog"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/incentives"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// Sealer encrypts what must not be read from the database. A context names where a sealed value belongs; under another one it does not open.
type Sealer interface {
	Seal(plain []byte, context string) []byte
	Open(sealed []byte, context string) ([]byte, error)
}

// Service certifies partners and pays out what they earned. All fields are required unless said otherwise and set once, before use; it is
// then safe for concurrent use.
type Service struct {
	DB     *store.DB
	Now    func() time.Time
	IDs    models.IDSource
	Events *events.Recorder
	Seal   Sealer
	Files  *files.Service
	Logger *slog.Logger

	Ledger     *ledger.Service
	Incentives *incentives.Service
	Quotas     Quotas
	Debts      Debts
}

// now is the time to write: in UTC and no finer than the databases keep.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// The refusals that callers may want to tell apart with errors.Is.
var (
	ErrCertificationUnknown = models.NotFound("certification")
	ErrPayoutUnknown        = models.NotFound("payout")
	ErrPartnersOnly         = models.Forbidden("Only the partner itself does this, with its own credential.")
	ErrOperatorsOnly        = models.Forbidden("Only operators do this.")
)

// mayEarn returns the partner that the caller is.
func mayEarn(who models.Principal) (models.ID, error) {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return "", err
	}
	if who.SeesAll() || who.CustomerID != "" || who.PartnerID == "" || !who.PartnerKind.EarnsIncentives() {
		return "", ErrPartnersOnly
	}
	return who.PartnerID, nil
}

// mayPay lets operators through who pay incentives out.
func mayPay(who models.Principal) error {
	if err := access.Require(who, models.WritePayouts); err != nil {
		return err
	}
	if !who.SeesAll() {
		return ErrOperatorsOnly
	}
	return nil
}
