package companies

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// What one transaction takes in: so many records, or as many as have so many bytes.
const (
	loadBatch = 200
	loadBytes = 4 << 20
)

// LoadCompanies is a file of records to be loaded.
type LoadCompanies struct {
	Label   string // what its operator calls it, 1 to 100 characters
	Content string // JSON Lines as docs/companies.md describes them
}

// LoadedCompanies is what became of the lines of a file.
type LoadedCompanies struct {
	CompanyLoad *models.CompanyLoad // nil when nothing changed: then nothing is kept of the load
	Lines       int                 // that are not empty
	Added       int
	Replaced    int
	Unchanged   int
	Older       int
	Refused     int
	Problems    []CompanyProblem // at most MaxProblems of Older and Refused, in the order of the file
}

// CompanyProblem says why a line changed nothing.
type CompanyProblem struct {
	Line               int    // from 1
	RegistrationNumber string // empty when the line does not tell
	Error              *models.Error
}

// RegistrationNumberOrNil returns RegistrationNumber, or nil when it is empty.
func (p CompanyProblem) RegistrationNumberOrNil() *string {
	if p.RegistrationNumber == "" {
		return nil
	}
	return &p.RegistrationNumber
}

// Load takes the records of a file in, line by line: a line that is refused keeps no other out. Of a company the register keeps the record of
// the latest day, and of one day that of the highest revision, whichever file comes first: what is the same changes nothing, what is older is
// counted and left (COMPANY_RECORD_OLDER), and another record of the same day and revision is refused (COMPANY_RECORD_DIFFERS). So a file can be
// loaded again, also after a load that broke off. It needs COMPANIES_LOAD; operators only.
func (s *Service) Load(ctx context.Context, who models.Principal, cmd LoadCompanies) (LoadedCompanies, error) {
	return s.LoadFrom(ctx, who, cmd.Label, strings.NewReader(cmd.Content))
}

// LoadFrom is Load for a file that is read while it is loaded, at most 200 records at a time. It is INVALID beyond MaxLines; the lines before are loaded then,
// as they are when reading fails.
func (s *Service) LoadFrom(ctx context.Context, who models.Principal, label string, from io.Reader) (LoadedCompanies, error) {
	if err := access.Require(who, models.LoadCompanies); err != nil {
		return LoadedCompanies{}, err
	}
	if !who.SeesAll() {
		return LoadedCompanies{}, models.Forbidden("Companies are loaded by operators.")
	}
	load, err := s.Register.begin(label)
	if err != nil {
		return LoadedCompanies{}, err
	}
	return load.end(ctx, who, load.all(ctx, newLines(from)))
}

// Keep takes records in as a load of its own, by the rules of Service.Load: for a Provider that was told of them outside. who is whom the audit
// record names.
func (r *Register) Keep(ctx context.Context, who models.Principal, label string, records []Record) (LoadedCompanies, error) {
	load, err := r.begin(label)
	if err != nil {
		return LoadedCompanies{}, err
	}
	for i, one := range records {
		load.row.Lines++
		if err := load.put(ctx, numbered{Record: one, line: i + 1}); err != nil {
			return LoadedCompanies{}, err
		}
	}
	return load.end(ctx, who, load.flush(ctx))
}

func (r *Register) begin(label string) (*loading, error) {
	names := &reader{}
	names.text("label", &label, maxLabel, true)
	if names.err != nil {
		return nil, names.err
	}
	row := models.CompanyLoad{ID: r.IDs(models.PrefixCompanyLoad), Label: label, CreatedAt: r.now()}
	return &loading{register: r, row: row}, nil
}

// loading is a load on its way.
type loading struct {
	register *Register
	ids      *models.IDSequence // of the batch: one would not suffice for millions of records
	row      models.CompanyLoad
	kept     bool // the row is in the table, because something changed
	problems []CompanyProblem
	batch    []numbered
	bytes    int // of the lines of the batch
	batches  int // that were begun
}

// numbered is a record and the line that it is on.
type numbered struct {
	Record

	line, bytes int
}

func (l *loading) all(ctx context.Context, from *lines) error {
	today := latest(l.register.Now())
	for {
		line, err := from.next()
		switch {
		case errors.Is(err, io.EOF):
			return l.flush(ctx)
		case err != nil && models.AsError(err) == errLineTooLong:
			l.row.Lines++
			l.refuse(from.number, "", err)
			continue
		case err != nil:
			if failed := l.flush(ctx); failed != nil {
				return failed
			}
			return err
		}
		l.row.Lines++
		parsed, err := ParseRecord(line, from.number, today)
		if err != nil {
			l.refuse(from.number, "", err)
			continue
		}
		if err := l.put(ctx, numbered{parsed, from.number, len(line)}); err != nil {
			return err
		}
	}
}

// put adds a record to the batch. A company that comes twice is compared with what its first record has made of it.
func (l *loading) put(ctx context.Context, one numbered) error {
	twice := slices.ContainsFunc(l.batch, func(n numbered) bool { return n.Company.Key == one.Company.Key })
	if len(l.batch) == loadBatch || l.bytes > loadBytes || twice {
		if err := l.flush(ctx); err != nil {
			return err
		}
	}
	l.batch, l.bytes = append(l.batch, one), l.bytes+one.bytes
	return nil
}

// end closes a load that was begun, unless it has failed.
func (l *loading) end(ctx context.Context, who models.Principal, failed error) (LoadedCompanies, error) {
	if failed == nil && l.kept {
		failed = l.register.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return l.finish(ctx, tx, who) })
	}
	if failed != nil {
		return LoadedCompanies{}, failed
	}
	return l.answer(), nil
}

// finish says in the record what the load has done.
func (l *loading) finish(ctx context.Context, tx bun.IDB, who models.Principal) error {
	now := l.register.now()
	l.row.FinishedAt = &now
	if err := saveLoad(ctx, tx, &l.row); err != nil {
		return err
	}
	return l.register.Events.Record(ctx, tx, who, models.Event{
		Type: models.EventCompaniesLoaded, SubjectID: string(l.row.ID), Fields: []string{"companyLoad"},
		Changes: []models.FieldChange{models.Changed("companyLoad", "", l.row.Label)},
		Data: map[string]any{
			"label": l.row.Label, "lines": l.row.Lines, "added": l.row.Added, "replaced": l.row.Replaced, "unchanged": l.row.Unchanged, "older": l.row.Older,
			"refused": l.row.Refused,
		},
	})
}

func (l *loading) refuse(line int, number string, err error) {
	l.row.Refused++
	l.problem(line, number, err)
}

func (l *loading) problem(line int, number string, err error) {
	if len(l.problems) < MaxProblems {
		l.problems = append(l.problems, CompanyProblem{Line: line, RegistrationNumber: number, Error: models.AsError(err)})
	}
}

// flush has the register keep the batch, and counts what became of it.
func (l *loading) flush(ctx context.Context) error {
	if len(l.batch) == 0 {
		return nil
	}
	l.batches++
	l.ids = models.NewIDSequence(l.register.now(), fmt.Sprint(l.row.ID, "/", l.batches))
	before, problems := *l, len(l.problems)
	err := l.register.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		*l = before // the transaction may be tried again
		l.problems = l.problems[:problems]
		return l.takeIn(ctx, tx, l.batch)
	})
	if store.Conflicts(err, "companies") {
		return models.Conflict("Another load has brought one of these companies at this moment; load the file again.")
	}
	clear(l.batch)
	l.batch, l.bytes = l.batch[:0], 0
	return err
}

func (l *loading) takeIn(ctx context.Context, tx bun.IDB, batch []numbered) error {
	keys := make([]string, len(batch))
	for i, one := range batch {
		keys[i] = one.Company.Key
	}
	known, err := selectByKeysForUpdate(ctx, tx, keys)
	if err != nil {
		return err
	}
	fresh := make([]Record, 0, len(batch))
	for _, one := range batch {
		at := slices.IndexFunc(known, func(c models.Company) bool { return c.Key == one.Company.Key })
		if at < 0 {
			l.row.Added++
			fresh = append(fresh, one.Record)
			continue
		}
		was := known[at]
		switch {
		case was.ContentHash == one.Company.ContentHash:
			l.row.Unchanged++
		case one.Company.AsOf == was.AsOf && one.Company.Revision == was.Revision:
			l.refuse(one.line, one.Company.RegistrationNumber, ErrRecordDiffers)
		case !was.Newer(one.Company.AsOf, one.Company.Revision):
			l.row.Older++
			l.problem(one.line, one.Company.RegistrationNumber, ErrRecordOlder)
		default:
			l.row.Replaced++
			one.Company.ID, one.Company.CreatedAt = was.ID, was.CreatedAt
			fresh = append(fresh, one.Record)
		}
	}
	if len(fresh) == 0 && !l.kept {
		return nil
	}
	l.kept = true
	if err := saveLoad(ctx, tx, &l.row); err != nil {
		return err
	}
	return l.register.write(ctx, tx, fresh, l.row.ID, l.ids)
}

// write puts records in the place of what the register knows of their companies. Those without an id are new.
func (r *Register) write(ctx context.Context, tx bun.IDB, records []Record, load models.ID, ids *models.IDSequence) error {
	now := r.now()
	var all Record // the rows of all records
	var companies []models.Company
	var terms []models.CompanyTerm
	var replaced []models.ID
	for _, one := range records {
		c := one.Company
		if c.ID == "" {
			c.ID, c.CreatedAt = ids.Next(models.PrefixCompany), now
		} else {
			replaced = append(replaced, c.ID)
		}
		c.LoadID, c.UpdatedAt = load, now
		companies = append(companies, c)
		terms = append(terms, termsOf(c)...)
		all.add(one, c.ID, ids)
	}
	for _, step := range []func() error{
		func() error { return deleteBelow(ctx, tx, replaced) },
		func() error { return upsertCompanies(ctx, tx, companies) },
		func() error { return insertAll(ctx, tx, terms) },
		func() error { return insertAll(ctx, tx, all.Relations) },
		func() error { return insertAll(ctx, tx, all.Financings) },
		func() error { return insertAll(ctx, tx, all.Offerings) },
		func() error { return insertAll(ctx, tx, all.Rankings) },
		func() error { return insertAll(ctx, tx, all.Rights) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// add takes the rows of a record over, for the company with this id.
func (all *Record) add(one Record, id models.ID, ids *models.IDSequence) {
	next := func() models.ID { return ids.Next(models.PrefixCompanyFact) }
	for _, row := range one.Relations {
		row.ID, row.CompanyID = next(), id
		all.Relations = append(all.Relations, row)
	}
	for _, row := range one.Financings {
		row.ID, row.CompanyID = next(), id
		all.Financings = append(all.Financings, row)
	}
	for _, row := range one.Offerings {
		row.ID, row.CompanyID = next(), id
		all.Offerings = append(all.Offerings, row)
	}
	for _, row := range one.Rankings {
		row.ID, row.CompanyID = next(), id
		all.Rankings = append(all.Rankings, row)
	}
	for _, row := range one.Rights {
		row.ID, row.CompanyID = next(), id
		all.Rights = append(all.Rights, row)
	}
}

// termsOf are the places in all names of a company at which it is found.
func termsOf(c models.Company) (terms []models.CompanyTerm) {
	seen := map[string]bool{}
	for _, name := range c.Names() {
		for _, term := range models.CompanyTerms(name) {
			if !seen[term] {
				seen[term] = true
				terms = append(terms, models.CompanyTerm{Term: term, CompanyID: c.ID})
			}
		}
	}
	return terms
}

func (l *loading) answer() LoadedCompanies {
	row := l.row
	done := LoadedCompanies{
		Lines: row.Lines, Added: row.Added, Replaced: row.Replaced, Unchanged: row.Unchanged, Older: row.Older, Refused: row.Refused,
		Problems: slices.Clone(l.problems),
	}
	if l.kept {
		done.CompanyLoad = &row
	}
	slices.SortStableFunc(done.Problems, func(a, b CompanyProblem) int { return a.Line - b.Line })
	return done
}
