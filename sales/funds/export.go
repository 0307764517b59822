package funds

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// The refusals of exports.
var (
	ErrExportUnknown  = &models.Error{Code: models.CodeNotFound, Message: "There is no such export: it was downloaded, has expired, or is another organisation's."}
	ErrTooManyLines   = models.Precondition("TOO_MANY_LINES", "A file would have too many lines: ask for a shorter time.")
	ErrStatementOwner = models.NotFound("statement")
)

const (
	// exportLife is how long a statement waits to be downloaded.
	exportLife = 5 * time.Minute
	// DefaultMaxExportLines bounds a file.
	DefaultMaxExportLines = 1_000_000
	// exportPage is how many lines are in memory at once.
	exportPage = 1000
)

// ExportPath is what the addresses of exports start with; the token follows.
const ExportPath = "/exports/"

// ExportReady is where the file waits, for one download.
type ExportReady struct {
	URL       string
	ExpiresAt time.Time
}

// ExportStatement prepares one download of a statement as CSV and returns its address, good for five minutes and for the
// caller's organisation only, which shows its credential again. The file ends with what had happened by now. A ledger that
// the caller may not read is NOT_FOUND, more than a million lines PRECONDITION_FAILED with the reason TOO_MANY_LINES. It needs
// BALANCES_READ.
func (s *Service) ExportStatement(ctx context.Context, who models.Principal, cmd StatementQuery) (ExportReady, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return ExportReady{}, err
	}
	whose, err := cmd.subject(who)
	if err != nil {
		return ExportReady{}, err
	}
	now := s.Now().UTC().Truncate(time.Microsecond)
	filter, err := whose.filter.bounded(now)
	if err != nil {
		return ExportReady{}, err
	}
	// What happens from now on is left out, or the file would grow while it is read.
	if end := now.Add(time.Microsecond); filter.To == nil || filter.To.After(end) {
		filter.To = &end
	}
	owner, err := s.readable(ctx, who, whose.kind, whose.id)
	if err != nil {
		return ExportReady{}, err
	}
	most := s.MaxExportLines
	if most == 0 {
		most = DefaultMaxExportLines
	}
	branches := filter.branches([]ledgerOwner{owner})
	if err := s.locate(ctx, branches, filter, span{}, true); err != nil {
		return ExportReady{}, err
	}
	count, err := countUpTo(ctx, s.DB, branches, filter, most+1)
	if err != nil {
		return ExportReady{}, err
	}
	if count > most {
		return ExportReady{}, ErrTooManyLines
	}
	return s.park(ctx, who, whose, filter, now)
}

// park writes the right to download down, with the token's digest only.
func (s *Service) park(ctx context.Context, who models.Principal, whose subject, filter lines, now time.Time) (ExportReady, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return ExportReady{}, fmt.Errorf("funds: randomness: %w", err)
	}
	token := base64.RawURLEncoding.EncodeToString(raw)
	text, err := json.Marshal(filter)
	if err != nil {
		return ExportReady{}, fmt.Errorf("funds: filter of an export: %w", err)
	}
	row := models.StatementExport{
		ID: s.IDs(models.PrefixStatementExport), TokenHash: digestOf(token), OrganisationID: who.OrganisationID(),
		OwnerKind: whose.kind, OwnerID: whose.id, Filter: string(text), CreatedAt: now, ExpiresAt: now.Add(exportLife),
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insertExport(ctx, tx, &row); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventStatementExported, PartnerID: who.PartnerID, CustomerID: who.CustomerID, SubjectID: string(whose.id),
		})
	})
	return ExportReady{URL: s.Origin + ExportPath + token, ExpiresAt: row.ExpiresAt}, err
}

// readable is the owner whose ledger the caller may read, or ErrStatementOwner.
func (s *Service) readable(ctx context.Context, who models.Principal, kind models.OwnerKind, id models.ID) (ledgerOwner, error) {
	owners, err := selectLedgers(ctx, s.DB, who, kind, []models.ID{id})
	if err != nil {
		return ledgerOwner{}, err
	}
	if len(owners) == 0 {
		return ledgerOwner{}, ErrStatementOwner
	}
	return owners[0], nil
}

// Export is a statement that is being downloaded. It is for one goroutine.
type Export struct {
	OwnerID   models.ID
	CreatedAt time.Time

	service *Service
	who     models.Principal
	owner   ledgerOwner
	filter  lines
}

// OpenExport takes the token, which works once: it is ErrExportUnknown when it was used, has expired or is another
// organisation's. Whether the caller may read the ledger is asked again, now: a permission that was taken away since counts,
// and then the token is gone as well. It needs BALANCES_READ.
func (s *Service) OpenExport(ctx context.Context, who models.Principal, token string) (*Export, error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	row, found, err := deleteExport(ctx, s.DB, digestOf(token), who.OrganisationID())
	if err != nil {
		return nil, err
	}
	if !found || !s.Now().Before(row.ExpiresAt) {
		return nil, ErrExportUnknown
	}
	export := &Export{OwnerID: row.OwnerID, CreatedAt: row.CreatedAt.UTC(), service: s, who: who}
	if export.owner, err = s.readable(ctx, who, row.OwnerKind, row.OwnerID); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(row.Filter), &export.filter); err != nil {
		return nil, fmt.Errorf("funds: filter of an export: %w", err)
	}
	return export, nil
}

// Pages calls fn with the lines, newest first, a thousand at a time, until there are no more or fn fails. Patience is how long
// the database may take for a thousand.
func (e *Export) Pages(ctx context.Context, patience time.Duration, fn func([]models.StatementEntry) error) error {
	branches := e.filter.branches([]ledgerOwner{e.owner})
	for first := true; ; first = false {
		entries, err := e.page(ctx, patience, branches, first)
		if err != nil {
			return err
		}
		if err := fn(entries); err != nil || len(entries) < exportPage {
			return err
		}
	}
}

// page returns the newest of the wanted lines, which are then wanted no more.
func (e *Export) page(ctx context.Context, patience time.Duration, branches []branch, first bool) ([]models.StatementEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stretch := span{size: exportPage - 1}
	if first {
		if err := e.service.locate(ctx, branches, e.filter, stretch, false); err != nil {
			return nil, err
		}
	}
	found, err := e.service.read(ctx, e.who, branches, e.filter, stretch)
	entries := found[e.owner.ID]
	oldest := make(map[models.ID]int64, len(branches))
	for _, entry := range entries {
		oldest[entry.AccountID] = entry.Version
	}
	for i := range branches {
		if version, read := oldest[branches[i].account.ID]; read {
			branches[i].wanted.narrow(version-1, false)
		}
	}
	return entries, err
}

// SweepExports forgets what was not downloaded in time and returns how many that were.
func (s *Service) SweepExports(ctx context.Context) (int64, error) {
	return deleteExportsBefore(ctx, s.DB, s.Now().UTC())
}

func digestOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
