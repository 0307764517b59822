package funds

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/ledger"
)

// The names of the lists, which their cursors carry.
const (
	listStatement          = "statement"
	listPartnersStatement  = "partner.statement"
	listCustomersStatement = "customer.statement"
)

// ErrWhoseStatement is the refusal of a caller that has no ledger of its own and does not say whose it wants.
var ErrWhoseStatement = models.Invalid("partnerId", "Say whose: this credential has no ledger of its own.")

// StatementFilter narrows a statement (M12). Nil = no filter; an empty list matches nothing.
type StatementFilter struct {
	AccountTypes []models.AccountKind
	TradeTypes   []models.TransferKind
	Direction    *models.StatementDirection
	// From and To are instants, From inclusive and To exclusive. The vendor cuts its ledger into days of UTC+8 (3.1): such a
	// day starts at 16:00 UTC of the day before. Nil From = a year before To, nil To = without an end.
	From *time.Time
	To   *time.Time
	// CustomerID leaves the lines of a partner's statement that moved value to or from this customer.
	CustomerID *models.ID
	OrderID    *models.ID
}

// StatementQuery says whose statement is wanted. A partner's when PartnerID is given, then CustomerID of the filter narrows
// it; else the customer's whom CustomerID names; else the caller's own.
type StatementQuery struct {
	PartnerID *models.ID
	StatementFilter
}

// Statement returns the lines of one owner's statement, newest first (M12). An owner whose balance the caller may not read
// has none. From is when the association began where a partner reads its customer's statement and that is later: what the
// customer did before is not the partner's business. It needs BALANCES_READ.
func (s *Service) Statement(ctx context.Context, who models.Principal, q StatementQuery, args models.PageArgs) (models.Connection[models.StatementEntry], error) {
	var none models.Connection[models.StatementEntry]
	if err := access.Require(who, models.ReadBalances); err != nil {
		return none, err
	}
	whose, err := q.subject(who)
	if err != nil {
		return none, err
	}
	page, err := args.Page(listStatement)
	if err != nil {
		return none, err
	}
	found, err := s.statements(ctx, who, whose.kind, []models.ID{whose.id}, whose.filter, page)
	if err != nil {
		return none, err
	}
	return pageOf(found, whose.id, page), nil
}

// pageOf is the owner's page, or an empty one for an owner whose ledger the caller may not read.
func pageOf(found map[models.ID]models.Connection[models.StatementEntry], owner models.ID, page models.Page) models.Connection[models.StatementEntry] {
	connection, ok := found[owner]
	if !ok && page.WantTotal {
		connection.TotalCount = new(int)
	}
	return connection
}

// PartnerStatements returns a page of the statement of each of the partners, newest first, with three statements however
// many there are, one more where moments have to be found (locate) and one where a filter has to be counted. Those whose balance the caller may not read are absent.
// It needs BALANCES_READ.
func (s *Service) PartnerStatements(ctx context.Context, who models.Principal, partners []models.ID, filter StatementFilter, args models.PageArgs) (map[models.ID]models.Connection[models.StatementEntry], error) {
	return s.statementsFor(ctx, who, models.OwnerPartner, listPartnersStatement, partners, filter, args)
}

// CustomerStatements returns a page of the statement of each of the customers, as PartnerStatements does.
func (s *Service) CustomerStatements(ctx context.Context, who models.Principal, customers []models.ID, filter StatementFilter, args models.PageArgs) (map[models.ID]models.Connection[models.StatementEntry], error) {
	return s.statementsFor(ctx, who, models.OwnerCustomer, listCustomersStatement, customers, filter, args)
}

func (s *Service) statementsFor(ctx context.Context, who models.Principal, kind models.OwnerKind, list string, ids []models.ID, filter StatementFilter, args models.PageArgs) (map[models.ID]models.Connection[models.StatementEntry], error) {
	if err := access.Require(who, models.ReadBalances); err != nil {
		return nil, err
	}
	page, err := args.Page(list)
	if err != nil {
		return nil, err
	}
	return s.statements(ctx, who, kind, ids, lines{StatementFilter: filter}, page)
}

// lines is which lines of a statement are wanted.
type lines struct {
	StatementFilter
	// Downward leaves what a partner gave to or took back from those below it (M05).
	Downward   bool       `json:",omitzero"`
	ResellerID *models.ID `json:",omitempty"` // as CustomerID, of a reseller
}

// subject is whose statement a query asks for, and which lines of it.
type subject struct {
	kind   models.OwnerKind
	id     models.ID
	filter lines
}

func (q StatementQuery) subject(who models.Principal) (subject, error) {
	whose := subject{filter: lines{StatementFilter: q.StatementFilter}}
	switch {
	case q.PartnerID != nil:
		whose.kind, whose.id = models.OwnerPartner, *q.PartnerID
		return whose, whose.id.Require(models.PrefixPartner, "partnerId")
	case q.CustomerID != nil:
		whose.kind, whose.id, whose.filter.CustomerID = models.OwnerCustomer, *q.CustomerID, nil
		return whose, whose.id.Require(models.PrefixCustomer, "customerId")
	case who.CustomerID != "":
		whose.kind, whose.id = models.OwnerCustomer, who.CustomerID
	case who.PartnerID != "":
		whose.kind, whose.id = models.OwnerPartner, who.PartnerID
	default:
		return subject{}, ErrWhoseStatement
	}
	return whose, nil
}

// bounded checks the filter and fills in the bounds in time: a year when nothing is said (M12).
func (l lines) bounded(now time.Time) (lines, error) {
	if l.CustomerID != nil {
		if err := l.CustomerID.Require(models.PrefixCustomer, "customerId"); err != nil {
			return l, err
		}
	}
	if l.ResellerID != nil {
		if err := l.ResellerID.Require(models.PrefixPartner, "resellerId"); err != nil {
			return l, err
		}
	}
	if l.OrderID != nil {
		if err := l.OrderID.Require(models.PrefixOrder, "orderId"); err != nil {
			return l, err
		}
	}
	if l.From == nil {
		end := now
		if l.To != nil {
			end = *l.To
		}
		year := end.UTC().AddDate(-1, 0, 0)
		l.From = &year
	}
	if l.To != nil && !l.From.Before(*l.To) {
		return l, models.Invalid("from", "from must be before to.")
	}
	return l, nil
}

// statements reads a page for each of the owners whose balance the caller may read.
func (s *Service) statements(ctx context.Context, who models.Principal, kind models.OwnerKind, ids []models.ID, filter lines, page models.Page) (map[models.ID]models.Connection[models.StatementEntry], error) {
	filter, err := filter.bounded(s.Now())
	if err != nil {
		return nil, err
	}
	owners, err := selectLedgers(ctx, s.DB, who, kind, ids)
	if err != nil {
		return nil, err
	}
	stretch, err := spanOf(owners, page)
	if err != nil {
		return nil, err
	}
	branches := filter.branches(owners)
	if err := s.locate(ctx, branches, filter, stretch, page.WantTotal); err != nil {
		return nil, err
	}
	found, err := s.read(ctx, who, branches, filter, stretch)
	if err != nil {
		return nil, err
	}
	totals := map[models.ID]int{}
	if page.WantTotal {
		if totals, err = countLines(ctx, s.DB, branches, filter); err != nil {
			return nil, err
		}
	}
	pages := make(map[models.ID]models.Connection[models.StatementEntry], len(owners))
	for _, owner := range owners {
		var total *int
		if count := totals[owner.ID]; page.WantTotal {
			total = &count
		}
		pages[owner.ID] = models.NewConnection(page, found[owner.ID], total)
	}
	return pages, nil
}

// compareLines is the order of a statement: by time, then account, then version, the newest first. An account's versions grow with its times (I3), so that
// within one account the order is that of its versions.
func compareLines(a, b models.StatementEntry) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.AccountID, a.AccountID), cmp.Compare(b.Version, a.Version))
}

// span is a stretch of a statement: size lines, and one more to tell that there are further ones.
type span struct {
	after, before ledger.Place // the lines of the cursors; zero = none
	size          int
	backward      bool // the last lines of the stretch, the oldest first
}

// spanOf checks that the cursors of a page are of lines of the owners' statements: an account has each version until its own (I3). A
// cursor of somebody else's statement is of none of these.
func spanOf(owners []ledgerOwner, page models.Page) (span, error) {
	stretch := span{size: page.Size, backward: page.Backward}
	if len(owners) == 0 {
		return stretch, nil
	}
	stretch.after, stretch.before = ledger.Place{AccountID: page.After, Version: page.AfterNumber}, ledger.Place{AccountID: page.Before, Version: page.BeforeNumber}
	for _, cursor := range []struct {
		field string
		line  ledger.Place
	}{{"after", stretch.after}, {"before", stretch.before}} {
		if cursor.line.AccountID != "" && !slices.ContainsFunc(owners, func(o ledgerOwner) bool { return o.has(cursor.line) }) {
			return span{}, models.Invalid(cursor.field, "This cursor is of no line of this statement.")
		}
	}
	return stretch, nil
}

func (o ledgerOwner) has(line ledger.Place) bool {
	return slices.ContainsFunc(o.Accounts, func(a ledgerAccount) bool {
		return a.ID == line.AccountID && line.Version >= 1 && line.Version <= a.Version
	})
}

// versions are lines of one account: those of a greater version than the one and at most the other.
type versions struct{ after, until int64 }

func (v versions) count() int { return int(max(v.until-v.after, 0)) }

// narrow leaves those until a version, or the newer ones.
func (v *versions) narrow(version int64, newer bool) {
	if newer {
		v.after = max(v.after, version)
	} else {
		v.until = min(v.until, version)
	}
}

// cut narrows lines down to one side of a moment of their account.
type cut struct {
	of     *versions
	newer  bool
	moment ledger.Moment
}

// locate finds which versions of each branch lie between the bounds in time, and on the wanted side of the cursors. It takes one statement for all moments
// together, and none where there are none: a page that begins with the newest line, and leaves no line out but those that are too old, has
// all its lines before it comes to these, or is the last. With exact, the lower bounds are found all the same.
func (s *Service) locate(ctx context.Context, branches []branch, filter lines, stretch span, exact bool) error {
	var cuts []cut
	for i := range branches {
		b := &branches[i]
		if exact || stretch.backward || filter.picks() {
			cuts = append(cuts, cut{&b.dated, true, ledger.Moment{AccountID: b.account.ID, At: filter.since(b.owner)}})
		}
		if filter.To != nil {
			cuts = append(cuts, cut{&b.dated, false, ledger.Moment{AccountID: b.account.ID, At: *filter.To}})
		}
		cuts = append(cuts, b.beside(stretch.after, false)...)
		cuts = append(cuts, b.beside(stretch.before, true)...)
	}
	moments := make([]ledger.Moment, len(cuts))
	for i, c := range cuts {
		moments[i] = c.moment
	}
	found, err := s.Ledger.VersionsAt(ctx, s.DB, moments)
	if err != nil {
		return err
	}
	for i, c := range cuts {
		c.of.narrow(found[i], c.newer)
	}
	for i := range branches {
		b := &branches[i]
		b.wanted.narrow(b.dated.after, true)
		b.wanted.narrow(b.dated.until, false)
	}
	return nil
}

// beside narrows the cursor's own account down to one side of its line. Another is to be cut at the moment of that line: of the lines of one moment, those of
// accounts with smaller ids are the older ones.
func (b *branch) beside(line ledger.Place, newer bool) []cut {
	switch {
	case line.AccountID == "":
	case line.AccountID != b.account.ID:
		return []cut{{&b.wanted, newer, ledger.Moment{AccountID: b.account.ID, Of: line, Inclusive: b.account.ID < line.AccountID}}}
	case newer:
		b.wanted.narrow(line.Version, true)
	default:
		b.wanted.narrow(line.Version-1, false)
	}
	return nil
}

// read returns the lines of each owner, all of one kind, in the order of the stretch, at most size+1 of each, with the names of the other
// sides: one statement for the lines (one per 400 accounts) and one for the names.
func (s *Service) read(ctx context.Context, who models.Principal, branches []branch, filter lines, stretch span) (map[models.ID][]models.StatementEntry, error) {
	rows, err := selectLines(ctx, s.DB, branches, filter, stretch)
	if err != nil {
		return nil, err
	}
	found := map[models.ID][]models.StatementEntry{}
	for _, row := range rows {
		found[row.OwnerID] = append(found[row.OwnerID], row)
	}
	// Each account brought its newest; of all accounts of an owner together only the newest are wanted.
	var named []*models.StatementEntry
	ofPartners := len(branches) > 0 && branches[0].owner.Kind == models.OwnerPartner
	for owner, own := range found {
		slices.SortFunc(own, func(a, b models.StatementEntry) int {
			if stretch.backward {
				a, b = b, a
			}
			return compareLines(a, b)
		})
		own = own[:min(len(own), stretch.size+1)]
		found[owner] = own
		for i := range own {
			if ofPartners && own[i].Transfer.Kind.NamesParty() {
				named = append(named, &own[i])
			}
		}
	}
	return found, s.nameParties(ctx, who, named)
}

// nameParties fills in who stands on the other side (C15): customers for those who may read customers, partners likewise.
func (s *Service) nameParties(ctx context.Context, who models.Principal, entries []*models.StatementEntry) error {
	if len(entries) == 0 {
		return nil
	}
	transfers := make([]models.ID, len(entries))
	for i, entry := range entries {
		transfers[i] = entry.Transfer.ID
	}
	sides, err := selectSides(ctx, s.DB, transfers)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		for _, side := range sides[entry.Transfer.ID] {
			switch {
			case side.OwnerID == entry.OwnerID || side.Name == nil:
			case side.OwnerKind == models.OwnerCustomer && who.May(models.ReadCustomers):
				entry.Customer = &models.LedgerParty{ID: side.OwnerID, Name: *side.Name}
			case side.OwnerKind == models.OwnerPartner && who.May(models.ReadPartners):
				entry.Partner = &models.LedgerParty{ID: side.OwnerID, Name: *side.Name}
			}
		}
	}
	return nil
}
