package app

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/objects"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/outbound"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/pages"
	"github.com/partnergraph/partnergraph/sales/access"
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
	"github.com/partnergraph/partnergraph/sales/ledger"
	"github.com/partnergraph/partnergraph/sales/orders"
	"github.com/partnergraph/partnergraph/sales/packages"
	"github.com/partnergraph/partnergraph/sales/partners"
	"github.com/partnergraph/partnergraph/sales/payouts"
	"github.com/partnergraph/partnergraph/sales/resources"
	"github.com/partnergraph/partnergraph/sales/settlements"
	"github.com/partnergraph/partnergraph/sales/staff"
	"github.com/partnergraph/partnergraph/sales/verification"
	"github.com/partnergraph/partnergraph/sales/webhooks"
	"github.com/partnergraph/partnergraph/saml/idp"
	"github.com/partnergraph/partnergraph/saml/sp"
	"github.com/partnergraph/partnergraph/session"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/jobs"
)

// Rooms are the rooms of the house, introduced to each other.
type Rooms struct {
	DB         *store.DB
	Now        func() time.Time
	IDs        models.IDSource
	Cloud      string
	Recorder   *events.Recorder
	EventLog   *events.Log
	Ledger     *ledger.Service
	Identity   *identity.Service
	Codes      *identity.Codes
	Partners   *partners.Service
	Exposure   *exposure.Service
	Federation *federation.Service
	Customers  *customers.Service
	Funds      *funds.Service
	Incentives *incentives.Service
	Payouts    *payouts.Service
	Billing    *billing.Service
	Benefits   *benefits.Service
	Brands     *brands.Service
	Staff      *staff.Service
	Resources  *resources.Service
	Orders     *orders.Service
	Packages   *packages.Service
	Accounts   *settlements.Service
	Webhooks   *webhooks.Service
	Catalog    *catalog.Service
	Companies  *companies.Service
	Coupons    *coupons.Service
	Files      *files.Service
	Verify     *verification.Service
	Clock      *clock.Service
	Jobs       *jobs.Engine

	relays []*events.Relay
	// handlers are who else carries jobs out, by kind.
	handlers map[models.JobKind]jobs.Handler
}

// Consumer is somebody outside the rooms who is told of events, at least once.
type Consumer struct {
	Name   string
	Events []models.EventType
	Handle func(*Rooms) events.Handler
}

// wire introduces the rooms to each other and to the doors, lowest floor first.
func (a *App) wire(opts Options) error {
	r := a.Rooms
	r.Recorder = &events.Recorder{IDs: r.IDs, Now: r.Now, Consumers: map[models.EventType][]string{
		models.EventOrderPaid:        {orders.ConsumerProvision},
		models.EventOrderAccepted:    {orders.ConsumerProvision},
		models.EventInvitationMailed: {customers.ConsumerMail},
		models.EventCodeRequested:    {identity.ConsumerCodes},

		models.EventAuthorizationRequested: {customers.ConsumerAuthorizationMail},
	}}
	for _, event := range billing.BilledEvents() {
		r.Recorder.Consumers[event] = append(r.Recorder.Consumers[event], billing.ConsumerBills)
	}
	for _, consumer := range opts.Consumers {
		for _, event := range consumer.Events {
			r.Recorder.Consumers[event] = append(r.Recorder.Consumers[event], consumer.Name)
		}
	}
	r.EventLog = &events.Log{DB: r.DB, Require: access.Require, Scope: access.Events}
	hasher, err := identity.NewHasher(identity.DefaultCost(), random, runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	r.Ledger = &ledger.Service{DB: r.DB, Now: r.Now, IDs: r.IDs, Logger: a.Log}
	r.Identity = &identity.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Random: random, Passwords: hasher, Attempts: a.cache, Cache: a.cache, Logger: a.Log,
	}
	r.Partners = &partners.Service{DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder}
	fed := &federate{recorder: r.Recorder, db: r.DB, log: a.Log, now: r.Now, random: random, dev: a.cfg.Dev}
	r.Exposure = &exposure.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Seal: a.sealer, Metadata: fed, Random: random, Logger: a.Log,
		OwnOrigin: a.cfg.origin(), Dev: a.cfg.Dev, Limits: a.cache, Buckets: objects.Buckets{Guard: outbound.Guard{Dev: a.cfg.Dev}},
	}
	if opts.Buckets != nil {
		r.Exposure.Buckets = opts.Buckets
	}
	r.Federation = &federation.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Seal: a.sealer, Random: random, Metadata: fed, Fetcher: outbound.Fetcher{Guard: outbound.Guard{Dev: a.cfg.Dev}},
		Limits: a.cache, People: r.Identity, OwnOrigin: a.cfg.origin(), Dev: a.cfg.Dev,
		Platforms: r.Exposure, Signer: fed,
	}
	mailer := opts.Mailer
	if mailer == nil {
		if mailer, err = a.cfg.mailer(r.Now); err != nil {
			return err
		}
	}
	r.Customers = &customers.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Seal: a.sealer, Purchases: orders.Purchases{}, Ledger: r.Ledger,
		Random: random, Origin: a.cfg.origin(), Mailer: mailer, ReportValidity: a.cfg.ReportValidity,
		Throttle: models.RelationThrottle(a.cfg.RelationThrottle),
	}
	r.Codes = &identity.Codes{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Random: random, Seal: a.sealer, Addresses: r.Customers, Attempts: a.cache, Logger: a.Log,
	}
	if mailer != nil {
		r.Codes.Sender = codeMail{mailer}
	}
	r.Customers.Codes = r.Codes
	providers, entities, err := a.payments(opts)
	if err != nil {
		return err
	}
	r.Funds = &funds.Service{
		DB: r.DB, Ledger: r.Ledger, Events: r.Recorder, Now: r.Now, IDs: r.IDs, Random: random, Origin: a.cfg.origin(),
		Cache: a.cache, Bus: a.cache, Seal: a.sealer, Providers: providers, SigningEntities: entities, Codes: r.Codes,
	}
	r.Ledger.Changed = func(ctx context.Context, changes []models.OwnerChange) error {
		r.Billing.Changed(changes)
		r.Accounts.Changed(changes)
		return r.Funds.Changed(ctx, changes)
	}
	if err := a.wireJobs(); err != nil {
		return err
	}
	r.Resources = &resources.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Clock: r.Jobs, Bus: a.cache,
		Periods: models.ExpiryPeriods{Grace: a.cfg.GracePeriod, Retention: a.cfg.RetentionPeriod},
	}
	r.Packages = &packages.Service{DB: r.DB, Now: r.Now, IDs: r.IDs}
	r.Coupons = &coupons.Service{DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Ledger: r.Ledger, Jobs: r.Jobs}
	r.Partners.Ledger, r.Partners.Codes, r.Partners.Recall, r.Partners.Farewells = r.Ledger, r.Codes, r.Funds, []partners.Farewell{r.Federation, r.Coupons}
	r.Customers.Recall, r.Customers.Farewells = r.Funds, []customers.Farewell{r.Resources, r.Packages, r.Federation, r.Customers, r.Coupons}
	r.Customers.People, r.Customers.Platforms, r.Customers.Bindings = r.Identity, r.Exposure, r.Federation
	r.Customers.Running, r.Customers.Spending, r.Customers.Limits = r.Resources, orders.Spent{}, a.cache
	r.Customers.Turns = []customers.Turn{r.Resources, r.Packages, r.Coupons}
	r.Incentives = &incentives.Service{DB: r.DB, Now: r.Now, IDs: r.IDs, Cloud: r.Cloud, Events: r.Recorder, Jobs: r.Jobs, Ledger: r.Ledger}
	r.Accounts = &settlements.Service{DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Ledger: r.Ledger, Jobs: r.Jobs}
	r.Funds.Account = r.Accounts
	r.Orders = &orders.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Ledger: r.Ledger, Customers: r.Customers, Resources: r.Resources,
		Driver: opts.Driver, Returns: r.Exposure, Logger: a.Log, Nudge: r.wake, Bus: a.cache, Jobs: r.Jobs, Authorised: authorised{r.Customers}, Codes: r.Codes,
		Vouchers: r.Coupons, Packages: r.Packages, Account: r.Accounts,
	}
	r.Resources.Orders, r.Resources.Authority = r.Orders, authorised{r.Customers}
	if err := a.cfg.terms(r.Orders); err != nil {
		return err
	}
	r.Catalog = &catalog.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Cloud: r.Cloud, Customers: r.Customers, Resources: renewables{r.Resources, r.Orders}, Changes: renewables{r.Resources, r.Orders},
		Validity: a.cfg.QuoteValidity,
	}
	r.Orders.Quotes, r.Orders.Offers, r.Packages.Contents = r.Catalog, r.Catalog, r.Catalog
	r.Companies = &companies.Service{
		Register: &companies.Register{DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder}, Limits: a.cache, SearchesPerHour: a.cfg.CompanySearches,
	}
	r.Customers.Companies = r.Companies
	r.Billing = &billing.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Ledger: r.Ledger, Prices: r.Catalog, Cloud: r.Cloud, Jobs: r.Jobs,
		Performance: r.Incentives, Packages: r.Packages,
	}
	r.Customers.Debts, r.Partners.Performance = r.Billing, r.Incentives
	a.relay(orders.ConsumerProvision, r.Orders.Provision)
	a.relay(billing.ConsumerBills, r.Billing.BillOrder)
	a.wireWebhooks()
	if err := a.wireFiles(opts); err != nil {
		return err
	}
	if mailer != nil {
		a.relay(customers.ConsumerMail, r.Customers.SendMail)
		a.relay(customers.ConsumerAuthorizationMail, r.Customers.MailRequest)
		a.relay(identity.ConsumerCodes, r.Codes.SendCode)
	}
	for _, consumer := range opts.Consumers {
		a.relay(consumer.Name, consumer.Handle(r))
	}
	a.wireHandlers()
	return a.wireDoors(fed)
}

// wireDoors makes the session hall, the pages and the SAML doors.
func (a *App) wireDoors(fed *federate) error {
	r := a.Rooms
	formKey := a.formKey()
	a.sessions = &session.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, People: r.Identity, Keys: r.Identity, Cache: a.cache, Random: random,
		Logger: a.Log, Idle: a.cfg.SessionIdle, Life: a.cfg.SessionLife, Patience: a.cfg.OperationTimeout,
		RemoteAddr: func(r *http.Request) string { return infoOf(r.Context()).addr },
		RequestID:  func(r *http.Request) string { return infoOf(r.Context()).id },
	}
	a.site = &pages.Site{
		DB: r.DB, Identity: r.Identity, Partners: r.Partners, Exposure: r.Exposure, Federation: r.Federation, Customers: r.Customers,
		Funds: r.Funds, Settlements: r.Accounts, Orders: r.Orders, Resources: r.Resources, Brands: r.Brands, Sessions: a.sessions, Departures: fed, Limits: a.cache, Now: r.Now,
		Log: a.Log, FormKey: formKey, Wake: r.wake,
	}
	views, err := pages.NewViews(pages.Options{FormToken: a.site.FormToken, Logger: a.Log})
	if err != nil {
		return err
	}
	a.site.Views = views
	fed.exposure, fed.federation, fed.site, fed.sessions = r.Exposure, r.Federation, a.site, a.sessions
	r.Federation.Sessions = a.sessions
	said, err := a.cfg.installation()
	if err != nil {
		return err
	}
	a.sp, err = sp.New(sp.Config{
		BaseURL: a.cfg.origin(), Connections: fed, Requests: fed, Logouts: fed, Sessions: fed, Tests: fed, Replays: fed, Services: fed, People: fed, Pages: fed, Audit: fed.audit,
		Logger: a.Log, Now: r.Now, Rand: random, Dev: a.cfg.Dev, About: said.about(),
	})
	if err != nil {
		return err
	}
	fed.sp = a.sp
	door := &provide{
		exposure: r.Exposure, federation: r.Federation, customers: r.Customers, sessions: a.sessions, recorder: r.Recorder, db: r.DB, site: a.site,
		log: a.Log, dev: a.cfg.Dev, contacts: said.contacts(),
	}
	a.idp, err = idp.New(idp.Config{
		BaseURL: a.cfg.origin(), Platforms: door, Requests: door, Replays: door, People: door, Participants: door, Logouts: &logouts{r.Federation},
		Bindings: door, Pages: door, Audit: door.audit, Logger: a.Log, Now: r.Now, Rand: random, Dev: a.cfg.Dev, Scope: a.cfg.subjectScope(),
	})
	a.site.Logout = a.idp
	return err
}

// formKey derives the key of form tokens from the seal keys, so that all replicas have the same and nobody configures one more.
func (a *App) formKey() []byte {
	return []byte(a.sealer.Blind("form tokens", "csrf"))
}
