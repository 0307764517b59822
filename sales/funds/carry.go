package funds

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/store"
)

// asked is a move as its caller asked for it: of good form, and not yet held against any row.
type asked struct {
	who      models.Principal
	kind     models.TransferKind
	key      models.IdempotencyKey // without an answer
	partner  models.ID             // the upper end of the edge: the caller, or its reseller that it acts for (M07)
	acting   bool                  // for a reseller
	target   models.OwnerKind
	targetID models.ID // the lower end: a customer or a reseller
	amount   decimal.Decimal
	proof    identity.Proof // of the code, where the caller's organisation asks for one
}

var (
	// errAccountsMissing says that accounts had to be made first.
	errAccountsMissing = errors.New("funds: accounts are missing")
	// errAlone says that one of the moves has to go by itself.
	errAlone = errors.New("funds: a move with a code goes alone")
)

// carryTries bounds how often a group begins again: once for accounts that did not exist, and once or twice for a key that
// somebody else took meanwhile.
const carryTries = 5

// move carries a move out in the lane of the partner whose money it is.
func (s *Service) move(ctx context.Context, a asked) (Moved, error) {
	s.once.Do(func() {
		s.lanes = &store.Lanes[asked, Moved]{Run: s.carry, Now: s.Now}
		if s.DB.Engine() == store.SQLite { // which has one writer
			s.lanes.Width = 1
		} else if most := s.DB.AheadLanes(); most > 0 {
			// As many as processors would have half as many moves in a group, which cost the database a third more each.
			s.lanes.RunAhead, s.lanes.Width = s.carryInTurn, min(most, max(runtime.GOMAXPROCS(0)/2, 1))
		}
	})
	return s.lanes.Do(ctx, string(a.partner), a)
}

// carry carries a group of moves out in one transaction, each move for itself: one that is refused changes nothing, one
// whose key is known gets its answer again. When the transaction as a whole fails each move gets one of its own, so that
// none fails because of another.
func (s *Service) carry(ctx context.Context, group []asked) (outcomes []store.Outcome[Moved], follow func()) {
	outcomes, follow, err := s.carryTogether(ctx, group)
	if err == nil {
		return outcomes, follow
	}
	alone := len(group) > 1 && !errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil
	outcomes = make([]store.Outcome[Moved], len(group))
	for i, a := range group {
		if outcomes[i].Err = err; alone {
			one, follow := s.carry(ctx, []asked{a})
			if outcomes[i] = one[0]; follow != nil {
				follow()
			}
		}
	}
	return outcomes, nil
}

// carryTogether leaves telling the cache and those who watch to follow: the lane's next group need not wait for them.
func (s *Service) carryTogether(ctx context.Context, moves []asked) (_ []store.Outcome[Moved], follow func(), _ error) {
	for try := 1; ; try++ {
		var g *group
		follow, err := s.DB.InTxThen(ctx, func(ctx context.Context, tx bun.Tx) error {
			g = &group{Service: s, tx: tx, moves: moves, outcomes: make([]store.Outcome[Moved], len(moves)), look: try > 1}
			return g.carry(ctx)
		})
		switch {
		case err == nil:
			return g.outcomes, follow, nil
		case try == carryTries:
			return nil, nil, err
		case errors.Is(err, errAccountsMissing):
			err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return s.Ledger.Make(ctx, tx, g.missing...) })
			if err != nil {
				return nil, nil, err
			}
		case !store.Conflicts(err, "idempotency_keys"):
			return nil, nil, err
		}
	}
}

// group is moves on their way through one transaction.
type group struct {
	*Service

	tx       bun.IDB
	moves    []asked
	outcomes []store.Outcome[Moved]
	look     bool // for the keys of all moves, and not only of those that are refused
	ahead    bool // without locks, which are taken when the moves are written

	answered map[[2]string]models.IdempotencyKey // keys that have taken effect, those of this group included
	ends     map[models.ID]end
	batch    *ledger.Batch
	missing  []ledger.AccountSpec
	before   *ledger.Batch      // of the group that this one begins on; nil when none is under way
	asking   map[models.ID]bool // callers' organisations that have something ask for a code
	coded    bool               // the one move of this group may have spent a code

	keys []models.IdempotencyKey
	told []models.Event
	due  []models.OutboxRow
}

// carry locks the money, looks at the edges, works the moves out and writes them. The accounts are locked before the edges
// are read: whoever ends an edge changes its row and then locks the lower end's accounts, so that it waits for moves that
// have begun, and later moves see what it changed.
//
// Keys are new but for a repeated call, so the first try does not look for them: writing one that is known fails the
// transaction, and the next try looks first. A move that is refused writes no key, so its key is looked for at once: the
// answer to a repeated call is the first one, whatever has become of the balance since.
func (g *group) carry(ctx context.Context) error {
	g.answered = make(map[[2]string]models.IdempotencyKey)
	if g.look {
		if err := g.findAnswered(ctx, func(int) bool { return true }); err != nil {
			return err
		}
	}
	if err := g.lock(ctx); err != nil {
		return err
	}
	if err := g.spendCode(ctx); err != nil {
		return err
	}
	g.workOut(func(int) bool { return true })
	if len(g.missing) > 0 {
		return errAccountsMissing
	}
	if g.coded && g.outcomes[0].Err != nil {
		return g.outcomes[0].Err // which gives the code back
	}
	if !g.look && g.refuses() {
		if err := g.lookAgain(ctx); err != nil {
			return err
		}
	}
	script := store.NewScript(g.tx)
	g.addFirst(script)
	g.addLast(script)
	return script.Exec(ctx)
}

func (g *group) refused(i int) bool { return g.outcomes[i].Err != nil }

func (g *group) refuses() bool {
	return slices.ContainsFunc(g.outcomes, func(o store.Outcome[Moved]) bool { return o.Err != nil })
}

// lookAgain works the moves that were refused out again, once it is known which of them have been answered before.
func (g *group) lookAgain(ctx context.Context) error {
	if err := g.findAnswered(ctx, g.refused); err != nil {
		return err
	}
	g.workOut(g.refused)
	return nil
}

// addFirst adds what nobody else waits for to a script.
func (g *group) addFirst(script *store.Script) {
	g.batch.AddTransfers(script)
	g.Events.AddTo(script, g.told, g.due)
}

// addLast adds the rest.
func (g *group) addLast(script *store.Script, conditions ...ledger.Condition) {
	g.batch.AddBalances(script, g.tx, conditions...)
	ledger.AddKeys(script, g.keys)
}

// workOut gives the moves that are chosen their outcomes, in their order.
func (g *group) workOut(chosen func(i int) bool) {
	for i, a := range g.moves {
		if chosen(i) {
			done, err := g.one(a)
			g.outcomes[i] = store.Outcome[Moved]{Answer: done, Err: err}
		}
	}
}

// findAnswered finds those keys of the chosen moves that have taken effect.
func (g *group) findAnswered(ctx context.Context, chosen func(i int) bool) error {
	var keys []models.IdempotencyKey
	for i, a := range g.moves {
		if chosen(i) {
			keys = append(keys, a.key)
		}
	}
	found, err := g.Ledger.Answered(ctx, g.tx, keys)
	maps.Copy(g.answered, found)
	return err
}

// lock locks the accounts at both ends of every move that has not been answered, and then reads the ends themselves. A group that goes ahead only reads.
func (g *group) lock(ctx context.Context) error {
	owning, ends := make(map[models.ID]bool, 2*len(g.moves)), make(map[models.ID]bool, len(g.moves))
	var owners, customers, partners []string
	name := func(id models.ID, known map[models.ID]bool, in *[]string) {
		if !known[id] {
			known[id] = true
			*in = append(*in, string(id))
		}
	}
	for _, a := range g.moves {
		if _, known := g.answered[a.at()]; known {
			continue
		}
		name(a.partner, owning, &owners)
		name(a.targetID, owning, &owners)
		if a.acting || a.target == models.OwnerPartner { // else the partner is the caller, and no end that says anything
			name(a.partner, ends, &partners)
		}
		if a.target == models.OwnerPartner {
			name(a.targetID, ends, &partners)
		} else {
			name(a.targetID, ends, &customers)
		}
	}
	script := store.NewScript(g.tx)
	var (
		accounts    []models.Account
		ofCustomers []customerEnd
		ofPartners  []partnerEnd
		askers      []identity.Asker
	)
	if len(owners) > 0 {
		if g.ahead {
			ledger.AddFind(script, &accounts, owners)
		} else {
			ledger.AddLock(script, &accounts, owners)
		}
		if g.Codes != nil {
			identity.AddAskers(script, &askers, g.callers())
		}
	}
	if len(customers) > 0 {
		script.Find(&ofCustomers, "id", customers)
	}
	if len(partners) > 0 {
		script.Find(&ofPartners, "id", partners)
	}
	if err := script.Exec(ctx); err != nil {
		return err
	}
	if g.ahead {
		accounts = newest(accounts, g.before)
	}
	g.batch, g.ends = g.Ledger.NewBatch(accounts), endsOf(ofCustomers, ofPartners)
	g.asking = make(map[models.ID]bool, len(askers))
	for _, asker := range askers {
		g.asking[asker.OrgID] = true
	}
	return nil
}

// callers are the organisations whose moves have not been answered, each once: most often one.
func (g *group) callers() (orgs []string) {
	for _, a := range g.moves {
		if org := string(a.who.OrgID()); !slices.Contains(orgs, org) {
			orgs = append(orgs, org)
		}
	}
	return orgs
}

// isAsked reports whether a caller's organisation has something ask for a code.
func (g *group) isAsked() bool {
	return slices.ContainsFunc(g.moves, func(a asked) bool { return g.asking[a.who.OrgID()] })
}

// spendCode asks for the code of a move whose caller's organisation has something ask for one (G04). Such a move goes alone,
// because a refusal has to take its own transaction back and no other move's. A repeated call gets its first answer, though
// its code is spent.
func (g *group) spendCode(ctx context.Context) error {
	if !g.isAsked() {
		return nil
	}
	if len(g.moves) > 1 {
		return errAlone
	}
	if !g.look {
		if err := g.findAnswered(ctx, func(int) bool { return true }); err != nil {
			return err
		}
	}
	a := g.moves[0]
	if _, known := g.answered[a.at()]; known {
		return nil
	}
	g.coded = true
	return g.Codes.Guard(ctx, g.tx, a.who, models.StepUpFunding, a.proof)
}

// one works one move out.
func (g *group) one(a asked) (Moved, error) {
	if stored, known := g.answered[a.at()]; known {
		var answer answer
		err := ledger.Replay(a.key, stored, &answer)
		return answer.moved(), err
	}
	currency, err := a.edge(g.ends)
	if err != nil {
		return Moved{}, err
	}
	money, err := models.ParseMoney(a.amount, currency, "amount")
	if err != nil {
		return Moved{}, err
	}
	above, below, ready := g.accounts(a, currency)
	if !ready {
		return Moved{}, nil // the whole group begins again
	}
	from, to := above, below
	if a.kind == models.TransferReclaim {
		from, to = to, from
	}
	// A credit line may be spent, not handed on or taken back (M03, M04).
	if own := from.BalanceMinor - from.HeldMinor - from.EarmarkedMinor; own < money.Minor {
		return Moved{}, short(from, own, money)
	}
	transfer, err := g.batch.Post(a.who, ledger.Posting{Kind: a.kind, Legs: []ledger.Leg{
		{AccountID: from.ID, AmountMinor: -money.Minor}, {AccountID: to.ID, AmountMinor: money.Minor},
	}})
	if err != nil {
		return Moved{}, err
	}
	return g.done(a, money, transfer), nil
}

// accounts returns the accounts at both ends, or notes those that do not exist yet.
func (g *group) accounts(a asked, currency models.Currency) (above, below models.Account, ready bool) {
	floor := int64(0)
	ready = true
	find := func(kind models.OwnerKind, id models.ID) models.Account {
		spec := ledger.AccountSpec{OwnerKind: kind, OwnerID: string(id), Kind: models.AccountBalance, Asset: string(currency), Floor: &floor}
		account, found := g.batch.AccountOf(spec)
		if !found {
			ready = false
			g.missing = append(g.missing, spec)
		}
		return account
	}
	return find(models.OwnerPartner, a.partner), find(a.target, a.targetID), ready
}

// done notes the answer of a move and its event.
func (g *group) done(a asked, money models.Money, transfer models.Transfer) Moved {
	if g.keys == nil {
		g.keys, g.told = make([]models.IdempotencyKey, 0, len(g.moves)), make([]models.Event, 0, len(g.moves))
	}
	answer := answer{
		ID: transfer.ID, Kind: transfer.Kind, At: transfer.CreatedAt, Currency: money.Currency,
		Above: g.side(models.OwnerPartner, a.partner, money.Currency), Below: g.side(a.target, a.targetID, money.Currency),
	}
	key := a.key
	key.Answer = answer.text()
	g.answered[a.at()] = key
	g.keys = append(g.keys, key)

	done := answer.moved()
	told, due := g.Events.Fill(a.who, a.told(money, done))
	g.told, g.due = append(g.told, told...), append(g.due, due...)
	return done
}

func (g *group) side(kind models.OwnerKind, id models.ID, currency models.Currency) []held {
	var side []held
	for _, account := range g.batch.AccountsOf(kind, id) {
		if account.Asset == string(currency) && isMoney(account.Kind) {
			side = append(side, heldOf(account))
		}
	}
	return side
}

// edge says along which edge the move goes, or why it does not, and in which currency.
func (a asked) edge(ends map[models.ID]end) (models.Currency, error) {
	isReseller := func(id models.ID) bool {
		e, found := ends[id]
		return found && e.Kind == models.CloudReseller && e.Above == a.who.PartnerID
	}
	below, found := ends[a.targetID]
	switch {
	case a.acting && !isReseller(a.partner), a.target == models.OwnerPartner && !isReseller(a.targetID):
		return "", ErrResellerUnknown
	case a.target == models.OwnerPartner:
		return below.Currency, nil
	case !found || below.Above != a.partner:
		return "", ErrCustomerUnknown
	case below.Mode != models.Resale:
		return "", ErrAdvisoryCustomer
	case below.Frozen != models.NotFrozen:
		return "", ErrCustomerFrozen
	}
	return below.Currency, nil
}

// at is the key as a map knows it.
func (a asked) at() [2]string { return [2]string{a.key.Scope, a.key.Key} }

// told is the event of a move. It names both ends and so both may read it; what is left at the upper end is no business of
// the lower one, so it does not say.
func (a asked) told(money models.Money, done Moved) models.Event {
	event := models.Event{
		Type: models.EventBalanceChanged, PartnerID: a.partner, CustomerID: a.targetID, SubjectID: string(a.targetID),
		Data: map[string]any{
			"transferId": done.Transfer.ID, "kind": done.Transfer.Kind, "amount": money.Plain(), "currency": money.Currency,
			"partnerId": a.partner, "version": done.TargetBalance.Version,
		},
	}
	if a.target == models.OwnerPartner {
		// A distributor reads what happens to its resellers.
		event.PartnerID, event.CustomerID = a.targetID, ""
	}
	return event
}

// short says whose money it is that does not suffice, which for a distributor that acts for its reseller is not its own (M07).
func short(from models.Account, own int64, asked models.Money) *models.Error {
	return &models.Error{
		Code: models.CodeInsufficientBalance, Message: ledger.ErrInsufficientBalance.Message,
		Details: map[string]any{
			"ownerId":   from.OwnerID,
			"available": models.NewMoney(max(own, 0), asked.Currency).Plain(),
			"required":  asked.Plain(),
			"currency":  string(asked.Currency),
		},
	}
}

// nameOwner adds to the ledger's lack of money whose it is, as short does.
func nameOwner(err error, from models.Account) error {
	var lack *models.Error
	if !errors.As(err, &lack) || lack.Code != models.CodeInsufficientBalance {
		return err
	}
	named := *lack
	named.Details = map[string]any{"ownerId": from.OwnerID}
	maps.Copy(named.Details, lack.Details)
	return &named
}
