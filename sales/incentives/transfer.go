package incentives

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

var errPartnerUnknown = models.NotFound("partner")

// mayTransfer lets operators through who settle what partners are owed.
func mayTransfer(who models.Principal) error {
	if err := access.Require(who, models.WritePayouts); err != nil {
		return err
	}
	if !who.SeesAll() {
		return models.Forbidden("Only an operator moves incentives.")
	}
	return nil
}

// SetCompany says which company a partner account belongs to.
type SetCompany struct {
	PartnerID          models.ID
	Country            string // of registration, two letters
	RegistrationNumber string // as of models.ParseRegistration
	Name               string // as registered, 1 to 200 characters
}

// CompanySet is the identity as it is after the operation.
type CompanySet struct {
	CompanyIdentity models.CompanyIdentity
}

// SetCompany notes which company an account belongs to, as its papers say: incentives move between accounts of one company only (N12). Operators with
// PAYOUTS_WRITE only. INVALID with the field, NOT_FOUND.
func (s *Service) SetCompany(ctx context.Context, who models.Principal, cmd SetCompany) (CompanySet, error) {
	if err := mayTransfer(who); err != nil {
		return CompanySet{}, err
	}
	if err := cmd.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
		return CompanySet{}, err
	}
	row := models.CompanyIdentity{
		PartnerID: cmd.PartnerID, Country: cmd.Country, RegistrationNumber: cmd.RegistrationNumber, Name: cmd.Name, UpdatedAt: s.now(),
	}
	if err := row.Check(); err != nil {
		return CompanySet{}, err
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, found, err := selectAccount(ctx, tx, cmd.PartnerID); err != nil || !found {
			return cmp.Or(err, error(errPartnerUnknown))
		}
		before, err := selectCompanies(ctx, tx, []models.ID{cmd.PartnerID})
		if err != nil {
			return err
		}
		var changes []models.FieldChange
		var fields []string
		add := func(field, was, is string) {
			if was != is {
				changes, fields = append(changes, models.Changed(field, was, is)), append(fields, field)
			}
		}
		was := before[cmd.PartnerID]
		add("country", was.Country, row.Country)
		add("registrationNumber", was.RegistrationNumber, row.RegistrationNumber)
		add("name", was.Name, row.Name)
		if len(changes) == 0 {
			row = was
			return nil
		}
		if err := upsertCompany(ctx, tx, &row); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventCompanySet, PartnerID: row.PartnerID, SubjectID: string(row.PartnerID), Fields: fields, Changes: changes,
		})
	})
	return CompanySet{row}, err
}

// Company returns what is noted of the company of a partner account; nil when nothing is, and when an operator names nobody. A partner asks about
// itself. It needs INCENTIVES_READ, and is NOT_FOUND for another partner.
func (s *Service) Company(ctx context.Context, who models.Principal, named *models.ID) (*models.CompanyIdentity, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	id := who.PartnerID
	if named != nil {
		id = *named
		if err := id.Require(models.PrefixPartner, "partnerId"); err != nil {
			return nil, err
		}
		if !who.SeesAll() && (who.CustomerID != "" || id != who.PartnerID) {
			return nil, errPartnerUnknown
		}
	}
	if id == "" {
		return nil, nil
	}
	if named != nil {
		if _, found, err := selectAccount(ctx, s.DB, id); err != nil || !found {
			return nil, cmp.Or(err, error(errPartnerUnknown))
		}
	}
	found, err := selectCompanies(ctx, s.DB, []models.ID{id})
	company, known := found[id]
	if err != nil || !known {
		return nil, err
	}
	return &company, nil
}

// TransferIncentives moves what is open of one account to another.
type TransferIncentives struct {
	FromPartnerID  models.ID
	ToPartnerID    models.ID
	StatementIDs   []models.ID // of the former, at most models.MaxTransferStatements; nil = all that is open in its currency
	CaseNumber     string      // of the support case, 1 to 64 printable ASCII characters
	Reason         string      // 1 to 256 characters, for both accounts to read
	IdempotencyKey string      // 1 to 128 printable ASCII characters, made up once per transfer
}

// Transferred is a transfer that took place. A repeated key returns it again.
type Transferred struct {
	IncentiveTransfer models.IncentiveTransfer
}

// Transfer moves what one account of a company has earned, and was not paid, to another account of it, exactly once per key (N12). A statement whose
// figures stand stays as it was, is TRANSFERRED and never paid out; the other account has one with the same figures, as far as it had come, and what it was
// carried over into. The performance of an estimate is taken off and counted for the other account in the same month. What a customer gives back
// later is taken off the account that has it then. A payout that nobody has begun is taken back. Operators with PAYOUTS_WRITE only.
//
// Errors: INVALID with the field, NOT_FOUND; the reasons of models.MayTransfer and models.IncentiveStatement.Movable, STATEMENT_IN_PAYOUT while a payout
// is under way or has other statements too, TRANSFER_NOTHING.
func (s *Service) Transfer(ctx context.Context, who models.Principal, cmd TransferIncentives) (Transferred, error) {
	if err := mayTransfer(who); err != nil {
		return Transferred{}, err
	}
	if err := cmd.check(); err != nil {
		return Transferred{}, err
	}
	asked := cmd
	asked.IdempotencyKey = ""
	return ledger.Carry(ctx, s.DB, s.Ledger, who, cmd.IdempotencyKey, "transferIncentives", asked, func(ctx context.Context, tx bun.IDB) (Transferred, error) {
		to, err := s.receiver(ctx, tx, cmd)
		if err != nil {
			return Transferred{}, err
		}
		return s.transferIn(ctx, tx, who, cmd, to)
	})
}

func (cmd TransferIncentives) check() error {
	for _, one := range []struct {
		id    models.ID
		field string
	}{{cmd.FromPartnerID, "fromPartnerId"}, {cmd.ToPartnerID, "toPartnerId"}} {
		if err := one.id.Require(models.PrefixPartner, one.field); err != nil {
			return err
		}
	}
	if cmd.StatementIDs != nil && len(cmd.StatementIDs) == 0 || len(cmd.StatementIDs) > models.MaxTransferStatements {
		return models.Invalid("statementIds", "Name 1 to 100 statements, or leave it out for all that is open.")
	}
	for i, id := range cmd.StatementIDs {
		if err := id.Require(models.PrefixIncentiveStatement, "statementIds"); err != nil {
			return err
		}
		if slices.Contains(cmd.StatementIDs[:i], id) {
			return models.Invalid("statementIds", "A statement is named twice.")
		}
	}
	if err := models.CheckReference(cmd.CaseNumber, "caseNumber", models.MaxReference); err != nil {
		return err
	}
	if err := models.CheckText(cmd.Reason, "reason", 256, true); err != nil {
		return err
	}
	return ledger.CheckKey(cmd.IdempotencyKey)
}

// receiver is the account that a transfer goes to, which may have it.
func (s *Service) receiver(ctx context.Context, tx bun.IDB, cmd TransferIncentives) (models.Partner, error) {
	from, found, err := selectAccount(ctx, tx, cmd.FromPartnerID)
	if err != nil || !found {
		return from, cmp.Or(err, error(errPartnerUnknown))
	}
	to, found, err := selectAccount(ctx, tx, cmd.ToPartnerID)
	if err != nil || !found {
		return to, cmp.Or(err, error(errPartnerUnknown))
	}
	companies, err := selectCompanies(ctx, tx, []models.ID{from.ID, to.ID})
	if err != nil {
		return to, err
	}
	return to, models.MayTransfer(from, to, companies[from.ID], companies[to.ID])
}

func (s *Service) transferIn(ctx context.Context, tx bun.IDB, who models.Principal, cmd TransferIncentives, to models.Partner) (Transferred, error) {
	none, now := Transferred{}, s.now()
	statements, err := s.movable(ctx, tx, cmd, to.Currency)
	if err != nil {
		return none, err
	}
	released := map[models.ID]models.ID{}
	if s.Payouts != nil && len(statements) > 0 {
		ids := make([]models.ID, len(statements))
		for i, statement := range statements {
			ids[i] = statement.ID
		}
		if released, err = s.Payouts.ReleaseIn(ctx, tx, who, ids); err != nil {
			return none, err
		}
	}
	done := models.IncentiveTransfer{
		ID: s.IDs(models.PrefixIncentiveTransfer), FromPartnerID: cmd.FromPartnerID, ToPartnerID: to.ID, CaseNumber: cmd.CaseNumber, Reason: cmd.Reason,
		Currency: to.Currency, CreatedAt: now,
	}
	var items []models.IncentiveTransferItem
	var happened []models.Event
	for _, statement := range statements {
		item := models.IncentiveTransferItem{
			TransferID: done.ID, StatementID: statement.ID, Period: statement.Period, Status: statement.Status, Currency: statement.Currency,
			PayoutID: released[statement.ID],
		}
		var told []models.Event
		if statement.Status == models.StatementEstimated {
			err = s.moveLines(ctx, tx, statement, to.ID, &item, now)
		} else {
			told, err = s.hand(ctx, tx, statement, to.ID, &item, now)
		}
		if err != nil {
			return none, err
		}
		if item.Lines == 0 && item.ReceivedID == "" {
			if cmd.StatementIDs != nil {
				return none, models.ErrNothingToTransfer
			}
			continue
		}
		items, happened = append(items, item), append(happened, told...)
		done.PerformanceMinor += item.PerformanceMinor
		done.TotalMinor += item.TotalMinor
	}
	if len(items) == 0 {
		return none, models.ErrNothingToTransfer
	}
	if err := insertTransfer(ctx, tx, &done, items); err != nil {
		return none, err
	}
	for _, partner := range []models.ID{done.FromPartnerID, done.ToPartnerID} {
		what := models.EventIncentivesTransferred
		if partner == done.ToPartnerID {
			what = models.EventIncentivesReceived
		}
		happened = append(happened, models.Event{
			Type: what, PartnerID: partner, SubjectID: string(done.ID), Data: map[string]any{
				"caseNumber": done.CaseNumber, "statements": len(items), "performance": done.Performance().Plain(), "total": done.Total().Plain(), "currency": done.Currency,
			},
		})
	}
	return Transferred{done}, s.Events.Record(ctx, tx, who, happened...)
}

// movable locks the statements that are to move, in one order.
func (s *Service) movable(ctx context.Context, tx bun.IDB, cmd TransferIncentives, currency models.Currency) ([]models.IncentiveStatement, error) {
	statements, err := selectOfAccountForUpdate(ctx, tx, cmd.FromPartnerID, cmd.StatementIDs, currency)
	if err != nil {
		return nil, err
	}
	if cmd.StatementIDs == nil {
		return statements, nil
	}
	for _, id := range cmd.StatementIDs {
		i := slices.IndexFunc(statements, func(one models.IncentiveStatement) bool { return one.ID == id })
		if i < 0 {
			return nil, &models.Error{Code: models.CodeNotFound, Field: "statementIds", Message: "The account has no such statement."}
		}
		if err := statements[i].Movable(currency); err != nil {
			return nil, err
		}
	}
	return statements, nil
}

// hand gives the other account a statement with the figures of one that stands, which ends with it.
func (s *Service) hand(ctx context.Context, tx bun.IDB, statement models.IncentiveStatement, to models.ID, item *models.IncentiveTransferItem, now time.Time) ([]models.Event, error) {
	received := statement
	received.ID, received.PartnerID, received.OriginID, received.CreatedAt, received.UpdatedAt = s.IDs(models.PrefixIncentiveStatement), to, statement.ID, now, now
	lines, err := selectLinesOf(ctx, tx, statement.ID)
	if err != nil {
		return nil, err
	}
	for i := range lines {
		lines[i].ID, lines[i].StatementID = s.IDs(models.PrefixIncentiveLine), received.ID
	}
	if err := insertStatement(ctx, tx, &received, lines); err != nil {
		return nil, err
	}
	before := statement.Status
	statement.Status, statement.UpdatedAt = models.StatementTransferred, now
	if err := updateStatement(ctx, tx, &statement); err != nil {
		return nil, err
	}
	if s.Payouts != nil {
		if err := s.Payouts.CarryOverIn(ctx, tx, statement.ID, received.ID, to); err != nil {
			return nil, err
		}
	}
	if received.Status == models.StatementIssuing && s.Jobs != nil {
		if err := s.Jobs.ScheduleIn(ctx, tx, models.JobPayoutDue, received.ID, models.PayoutDueAt(received.Period)); err != nil {
			return nil, err
		}
	}
	item.ReceivedID, item.PerformanceMinor, item.TotalMinor = received.ID, statement.PerformanceMinor, statement.TotalMinor
	return []models.Event{
		moved(models.EventStatementTransferred, statement, before), moved(models.EventStatementReceived, received, ""),
	}, nil
}

// moveLines takes the performance of an estimate off its account and counts it for the other, line by line: what stands in the lines stays for good.
func (s *Service) moveLines(ctx context.Context, tx bun.IDB, statement models.IncentiveStatement, to models.ID, item *models.IncentiveTransferItem, now time.Time) error {
	lines, err := selectUnmoved(ctx, tx, statement)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(lines, insertBatch) {
		out, in := make([]models.PerformanceLine, len(batch)), make([]models.PerformanceLine, len(batch))
		for i, line := range batch {
			out[i], in[i] = models.MovedLines(line, to, now)
			out[i].ID, in[i].ID = s.IDs(models.PrefixPerformanceLine), s.IDs(models.PrefixPerformanceLine)
			item.PerformanceMinor += line.CountedMinor
		}
		if err := s.intoStatements(ctx, tx, in, now); err != nil {
			return err
		}
		if err := insertPerformance(ctx, tx, slices.Concat(out, in)); err != nil {
			return err
		}
	}
	item.Lines = int64(len(lines))
	return nil
}

// TransferFilter narrows FindTransfers. Nil = no filter.
type TransferFilter struct {
	PartnerID *models.ID // on either side; a partner finds nothing by another than itself
}

// FindTransfers returns the transfers that the caller may see, newest first: a partner those from its account and to it. It needs INCENTIVES_READ.
func (s *Service) FindTransfers(ctx context.Context, who models.Principal, f TransferFilter, args models.PageArgs) (models.IncentiveTransferConnection, error) {
	page, err := check(who, args, listTransfers)
	if err != nil {
		return models.IncentiveTransferConnection{}, err
	}
	if f.PartnerID != nil {
		if err := f.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return models.IncentiveTransferConnection{}, err
		}
	}
	return findTransfers(ctx, s.DB, who, f, page)
}

// TransfersByIDs returns the transfers with these ids that the caller may see; the others are absent. It needs INCENTIVES_READ.
func (s *Service) TransfersByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.IncentiveTransfer, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.IncentiveTransfer, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := selectTransfers(ctx, s.DB, who, ids)
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, err
}

// ItemsFor returns the statements of each transfer that the caller may see, oldest month first. It needs INCENTIVES_READ.
func (s *Service) ItemsFor(ctx context.Context, who models.Principal, transfers []models.ID) (map[models.ID][]models.IncentiveTransferItem, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return nil, err
	}
	found := make(map[models.ID][]models.IncentiveTransferItem, len(transfers))
	if len(transfers) == 0 {
		return found, nil
	}
	rows, err := selectItems(ctx, s.DB, who, transfers)
	for _, row := range rows {
		found[row.TransferID] = append(found[row.TransferID], row)
	}
	return found, err
}
