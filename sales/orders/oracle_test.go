package orders_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// oracle is the money side of orders in a few lines: figures in maps, no database, no locks.
type oracle struct {
	now        time.Time
	cash, held map[models.ID]int64 // of customers and partners
	partner    map[models.ID]models.ID
	resale     map[models.ID]bool
	orders     []*oracleOrder
	line       map[models.ID]int64 // on account
	months     map[models.ID][]*oracleMonth
}

// oracleMonth is what a customer bought on account in a month and still owes.
type oracleMonth struct {
	due  time.Time
	open int64
}

type oracleOrder struct {
	id, customer, paidWith models.ID // paidWith = the partner whose resale money it spends
	lines                  []models.ID
	cost                   map[models.ID]int64
	total                  int64
	payBy                  *time.Time
	paid, cancelled        bool
	transfer               models.ID
	hold                   models.HoldState
	holdEnds               time.Time
	refunds                []*oracleRefund
	account                int64 // of the total, paid on account
	month                  *oracleMonth
}

type oracleRefund struct {
	line, to, transfer models.ID
	amount, account    int64
	reversed           bool
}

func (o *oracle) available(owner models.ID) int64 { return o.cash[owner] - o.held[owner] }

func (o *oracle) payable(order *oracleOrder) string {
	switch {
	case order.paid:
		return "ORDER_ALREADY_PAID"
	case order.cancelled:
		return "ORDER_CANCELLED"
	case order.payBy != nil && !o.now.Before(*order.payBy):
		return "ORDER_PAYMENT_DEADLINE_PASSED"
	}
	return ""
}

// free is what an order could take: what is available, and what its own hold has.
func (o *oracle) free(order *oracleOrder) int64 {
	if order.hold == models.HoldPending {
		return o.available(order.customer) + order.total
	}
	return o.available(order.customer)
}

func (o *oracle) endHold(order *oracleOrder, state models.HoldState) {
	if order.hold == models.HoldPending {
		o.held[order.customer] -= order.total
		order.hold = state
	}
}

// room is what a customer may still buy on account, and whether something overdue stands in the way.
func (o *oracle) room(customer models.ID) (room int64, overdue bool) {
	room = o.line[customer]
	for _, month := range o.months[customer] {
		room -= month.open
		overdue = overdue || month.open > 0 && !o.now.Before(month.due.Add(24*time.Hour))
	}
	return room, overdue
}

// charge puts a part of an order on account.
func (o *oracle) charge(order *oracleOrder, account int64) {
	if account == 0 {
		return
	}
	due := models.BillingCycleAt(o.now).Ends()
	for _, month := range o.months[order.customer] {
		if month.due.Equal(due) {
			order.month = month
		}
	}
	if order.month == nil {
		order.month = &oracleMonth{due: due}
		o.months[order.customer] = append(o.months[order.customer], order.month)
	}
	order.account = account
	order.month.open += account
}

func (o *oracle) settle(customer models.ID) {
	for _, month := range o.months[customer] {
		if !o.now.Before(month.due) {
			part := min(month.open, max(o.available(customer), 0))
			month.open -= part
			o.cash[customer] -= part
		}
	}
}

func (o *oracle) pay(order *oracleOrder) string {
	if refused := o.payable(order); refused != "" {
		return refused
	}
	account, blocked := int64(0), int64(0)
	if order.hold != models.HoldPending || !order.holdEnds.After(o.now) {
		room, overdue := o.room(order.customer)
		if account = min(room, order.total); overdue {
			account, blocked = 0, account
		}
	}
	if missing := order.total - account - o.free(order); missing > 0 {
		if blocked >= missing {
			return "SETTLEMENT_OVERDUE"
		}
		return "INSUFFICIENT_BALANCE"
	}
	defer o.charge(order, account)
	o.cash[order.customer] += account
	state := models.HoldPosted
	if !order.holdEnds.After(o.now) {
		state = models.HoldVoided
	}
	o.endHold(order, state)
	o.cash[order.customer] -= order.total
	order.paid = true
	return ""
}

func (o *oracle) place(order *oracleOrder, within time.Duration) string {
	if refused := o.payable(order); refused != "" {
		return refused
	}
	if order.hold == models.HoldPending && order.holdEnds.After(o.now) {
		return "ORDER_ALREADY_HELD"
	}
	if o.free(order) < order.total {
		return "INSUFFICIENT_BALANCE"
	}
	o.endHold(order, models.HoldVoided)
	o.held[order.customer] += order.total
	order.hold, order.holdEnds = models.HoldPending, o.now.Add(within)
	if order.payBy != nil {
		order.holdEnds = *order.payBy
	}
	return ""
}

func (o *oracle) release(order *oracleOrder) string {
	if order.hold != models.HoldPending {
		return "HOLD_NOT_PENDING"
	}
	o.endHold(order, models.HoldVoided)
	return ""
}

func (o *oracle) cancel(order *oracleOrder) string {
	if order.paid || order.cancelled {
		return "ORDER_NOT_CANCELLABLE"
	}
	order.cancelled = true
	o.endHold(order, models.HoldVoided)
	return ""
}

func (o *oracle) expire() {
	for _, order := range o.orders {
		if !order.holdEnds.After(o.now) {
			o.endHold(order, models.HoldExpired)
		}
	}
}

func (order *oracleOrder) left(line models.ID) int64 {
	whole, one := order.total, order.total
	if line != "" {
		one = order.cost[line]
	}
	for _, refund := range order.refunds {
		if refund.reversed {
			continue
		}
		whole -= refund.amount
		if line == "" || refund.line == line {
			one -= refund.amount
		}
	}
	return min(whole, one)
}

// refund returns the refund to remember, or how it is refused. An amount of 0 asks for all that is left.
func (o *oracle) refund(order *oracleOrder, line models.ID, amount int64) (*oracleRefund, string) {
	left := order.left(line)
	switch {
	case order.cancelled:
		return nil, "ORDER_CANCELLED"
	case !order.paid:
		return nil, "ORDER_NOT_PAID"
	case left == 0:
		return nil, "NOTHING_TO_REFUND"
	case amount > left:
		return nil, "REFUND_EXCEEDS_PAID"
	case amount == 0:
		amount = left
	}
	to := order.customer
	if order.paidWith != "" && (o.partner[to] != order.paidWith || !o.resale[to]) {
		to = order.paidWith
	}
	account := int64(0)
	if order.month != nil {
		account = order.account
		for _, before := range order.refunds {
			if !before.reversed {
				account -= before.account
			}
		}
		account = min(account, amount, order.month.open)
		order.month.open -= account
	}
	o.cash[to] += amount - account
	refund := &oracleRefund{line: line, to: to, amount: amount, account: account}
	order.refunds = append(order.refunds, refund)
	return refund, ""
}

func (o *oracle) reverse(order *oracleOrder, refund *oracleRefund) string {
	if refund.reversed {
		return "ALREADY_REVERSED"
	}
	room, _ := o.room(order.customer)
	if o.available(refund.to) < refund.amount-refund.account || refund.account > 0 && room < refund.account {
		return "INSUFFICIENT_BALANCE"
	}
	if refund.account > 0 {
		order.month.open += refund.account
	}
	o.cash[refund.to] -= refund.amount - refund.account
	refund.reversed = true
	return ""
}

// R16 for orders in seconds: random sequences of everything that moves an order's money, with an audit after each.
func TestOrdersAgreeWithTheirOracle(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			g := newGame(rt, w)
			for range rapid.IntRange(1, 12).Draw(rt, "operations") {
				g.step()
				g.compare()
			}
		})
	})
}

// game plays the same moves on the world and on the oracle.
type game struct {
	*oracle
	rt                   *rapid.T
	w                    *world
	customers            []models.Customer
	provider, competitor models.Partner
}

func newGame(rt *rapid.T, w *world) *game {
	g := &game{
		rt: rt, w: w, oracle: &oracle{
			now: w.Now(), cash: map[models.ID]int64{}, held: map[models.ID]int64{}, partner: map[models.ID]models.ID{}, resale: map[models.ID]bool{},
			line: map[models.ID]int64{}, months: map[models.ID][]*oracleMonth{},
		},
		provider: w.partner("P", models.SolutionProvider, ""), competitor: w.partner("Q", models.SolutionProvider, ""),
	}
	for _, mode := range []models.AssociationMode{models.Resale, models.Advisory} {
		c := w.customer(string(w.IDs(models.PrefixCustomer)), g.provider.ID, mode)
		g.customers = append(g.customers, c)
		g.partner[c.ID], g.resale[c.ID] = g.provider.ID, mode == models.Resale
		w.give(c, 200)
		g.cash[c.ID] = 200
		if mode == models.Resale || rapid.Bool().Draw(rt, "on account") {
			g.line[c.ID] = rapid.Int64Range(1, 200).Draw(rt, "on account")
			w.line(c, g.line[c.ID])
		}
		g.order(c)
		// Most of the game is played with paid orders.
		g.payOne(c, g.orders[len(g.orders)-1])
		g.order(c)
	}
	return g
}

func (g *game) key() string { return string(g.w.IDs("k")) }

// order places one of two lines; every other one has no deadline.
func (g *game) order(c models.Customer) {
	one, other := server(rapid.Int64Range(1, 90).Draw(g.rt, "line")), server(rapid.Int64Range(1, 90).Draw(g.rt, "line"))
	one.Parts, other.Parts = nil, nil
	placed, err := g.w.Place(g.w.ctx, system(), orders.PlaceOrder{CustomerID: c.ID, Items: []orders.PlaceItem{one, other}})
	g.must(err)
	items, err := g.w.ItemsFor(g.w.ctx, system(), []models.ID{placed.ID})
	g.must(err)
	order := &oracleOrder{
		id: placed.ID, customer: c.ID, total: one.AmountMinor + other.AmountMinor, payBy: placed.PayBy, cost: map[models.ID]int64{},
	}
	for _, item := range items[placed.ID] {
		order.lines = append(order.lines, item.ID)
		order.cost[item.ID] = item.AmountMinor
	}
	if g.resale[c.ID] {
		order.paidWith = g.partner[c.ID]
	}
	if rapid.Bool().Draw(g.rt, "endless") {
		g.w.endless(placed.ID)
		order.payBy = nil
	}
	g.orders = append(g.orders, order)
}

func (g *game) must(err error) {
	if err != nil {
		g.rt.Fatal(err)
	}
}

func (g *game) agree(want string, err error) {
	if got := reasonOf(err); got != want {
		g.rt.Fatalf("the room says %q (%v), the oracle %q", got, err, want)
	}
}

func (g *game) step() {
	order := rapid.SampledFrom(g.orders).Draw(g.rt, "order")
	customer := g.customers[0]
	if order.customer != customer.ID {
		customer = g.customers[1]
	}
	switch rapid.SampledFrom([]string{
		"place", "hold", "hold", "pay", "pay", "pay", "release", "cancel", "refund", "refund", "refund", "reverse", "reverse", "associate", "wait", "expire", "settle",
	}).Draw(g.rt, "operation") {
	case "place":
		g.order(customer)
	case "hold":
		g.agree(g.place(order, orders.DefaultPayWithin), g.w.hold(customer, order.id, g.key()))
	case "pay":
		g.payOne(customer, order)
	case "release":
		g.agree(g.release(order), g.w.release(customer, order.id, g.key()))
	case "cancel":
		_, err := g.w.Cancel(g.w.ctx, asCustomer(customer), orders.CancelOrder{OrderID: order.id})
		g.agree(g.cancel(order), err)
	case "refund":
		g.refundOne(order)
	case "reverse":
		g.reverseOne(order)
	case "associate":
		g.reassociate(customer)
	case "wait":
		g.w.clock.advance(time.Duration(rapid.IntRange(1, 4).Draw(g.rt, "days")) * 48 * time.Hour)
		g.now = g.w.Now()
	case "settle":
		g.w.settle(customer)
		g.settle(customer.ID)
	case "expire":
		for g.w.expire() > 0 { // those of earlier games are among them
		}
		g.expire()
	}
}

func (g *game) payOne(customer models.Customer, order *oracleOrder) {
	done, err := g.w.Pay(g.w.ctx, asCustomer(customer), orders.PayOrder{OrderID: order.id, IdempotencyKey: g.key()})
	g.agree(g.pay(order), err)
	if err == nil {
		order.transfer = done.Order.TransferID
	}
}

func (g *game) refundOne(order *oracleOrder) {
	cmd := orders.RefundOrder{OrderID: order.id, Reason: "oracle", IdempotencyKey: g.key()}
	line := rapid.SampledFrom(append([]models.ID{""}, order.lines...)).Draw(g.rt, "line")
	if line != "" {
		cmd.ItemID = &line
	}
	amount := rapid.Int64Range(0, 60).Draw(g.rt, "amount")
	if amount > 0 {
		cmd.Amount = ptr(decimal.New(amount, -2))
	}
	done, err := g.w.Refund(g.w.ctx, operator(), cmd)
	refund, want := g.refund(order, line, amount)
	g.agree(want, err)
	if err == nil {
		refund.transfer = done.Refund.TransferID
	}
}

// reverseOne reverses one of the order's refunds, or tries to reverse its payment.
func (g *game) reverseOne(order *oracleOrder) {
	want, id := "NOT_REVERSIBLE", order.transfer
	if len(order.refunds) > 0 {
		refund := rapid.SampledFrom(order.refunds).Draw(g.rt, "refund")
		want, id = g.reverse(order, refund), refund.transfer
	}
	if id == "" {
		return
	}
	_, err := g.w.funds().Reverse(g.w.ctx, operator(), funds.ReverseTransfer{TransferID: id, Reason: "oracle", IdempotencyKey: g.key()})
	g.agree(want, err)
}

func (g *game) reassociate(customer models.Customer) {
	partner := rapid.SampledFrom([]models.ID{"", g.provider.ID, g.competitor.ID}).Draw(g.rt, "partner")
	mode := rapid.SampledFrom([]models.AssociationMode{models.Resale, models.Advisory}).Draw(g.rt, "mode")
	if partner == "" {
		mode = ""
	}
	g.w.associate(customer, partner, mode)
	g.partner[customer.ID], g.resale[customer.ID] = partner, mode == models.Resale
}

// compare looks at every figure and state, and audits the ledger.
func (g *game) compare() {
	type figures struct {
		Cash, Held map[models.ID]int64
		Owed       map[models.ID]int64
		Left       map[models.ID]int64
		Holds      map[models.ID]models.HoldState
	}
	empty := func() figures {
		return figures{map[models.ID]int64{}, map[models.ID]int64{}, map[models.ID]int64{}, map[models.ID]int64{}, map[models.ID]models.HoldState{}}
	}
	want, got := empty(), empty()
	var ids []models.ID
	for _, order := range g.orders {
		ids = append(ids, order.id)
		if order.paid {
			want.Left[order.id] = order.left("")
		}
		if order.hold != "" {
			want.Holds[order.id] = order.hold
		}
	}
	for _, owner := range []models.ID{g.customers[0].ID, g.customers[1].ID, g.provider.ID, g.competitor.ID} {
		accounts, err := g.w.Ledger.Accounts(g.w.ctx, g.w.DB, []string{string(owner)})
		g.must(err)
		balance := models.BalanceOf(accounts, models.CNY, g.now)
		got.Cash[owner], got.Held[owner] = balance.Total.Minor, balance.Held.Minor
		for _, account := range accounts {
			if account.Kind == models.AccountSettlement {
				got.Owed[owner] = -account.BalanceMinor
			}
		}
		for _, month := range g.months[owner] {
			want.Owed[owner] += month.open
		}
		if _, lined := g.line[owner]; lined { // there is an account then
			want.Owed[owner] += 0
		}
		want.Cash[owner], want.Held[owner] = g.cash[owner], g.held[owner]
	}
	stored, err := g.w.ByIDs(g.w.ctx, system(), ids)
	g.must(err)
	refunds, err := g.w.RefundsFor(g.w.ctx, system(), ids)
	g.must(err)
	for id, order := range stored {
		if order.HoldID != "" {
			got.Holds[id] = g.w.holdOf(system(), id).State
		}
		if order.PaidAt != nil {
			got.Left[id] = order.LeftToRefund(refunds[id]).Minor
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		g.rt.Fatalf("the oracle and the room differ: %s", diff)
	}
	if report, err := g.w.Ledger.Audit(g.w.ctx); err != nil || report.Breaches() != 0 {
		g.rt.Fatal(fmt.Sprintf("the audit found %+v, %v", report, err))
	}
}
