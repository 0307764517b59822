package app

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/mail"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/objects"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/catalog"
	"github.com/partnergraph/partnergraph/sales/companies"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/orders"
)

// Config is every setting of a server. Each is a flag, an environment variable PARTNERGRAPH_<NAME>, and a field here.
// docs/configuration.md lists them; a test keeps the list complete.
type Config struct {
	// Listen is the TCP address to serve on, host:port; port 0 picks a free one.
	Listen string `default:"127.0.0.1:8080" env:"PARTNERGRAPH_LISTEN" help:"TCP address to serve on, host:port."`
	// PublicURL is the origin that browsers reach this server by, without a path; required, https unless Dev.
	PublicURL string `name:"public-url" env:"PARTNERGRAPH_PUBLIC_URL" help:"Origin that browsers reach this server by, such as https://sales.example.com."`
	// DatabaseURL is postgres://... or sqlite:///path; required.
	DatabaseURL string `name:"database-url" env:"PARTNERGRAPH_DATABASE_URL" help:"postgres://user@host/name or sqlite:///path/file.db."`
	// CacheURL is redis://..., rediss://..., or memory: for a single replica.
	CacheURL string `name:"cache-url" default:"memory:" env:"PARTNERGRAPH_CACHE_URL" help:"redis://host:6379/0, rediss://..., or memory: for a single replica. ?prefix=NAME keeps installations that share a Redis apart."`
	// SealKeys encrypt personal data and secrets at rest: id:base64 of 32 bytes, comma separated, the active one first; required.
	SealKeys string `name:"seal-keys" env:"PARTNERGRAPH_SEAL_KEYS" help:"Keys that encrypt personal data and secrets at rest: id:base64 of 32 bytes, comma separated, the active one first."`
	// Dev allows plain http and loopback addresses; never set it where strangers can reach the server.
	Dev bool `env:"PARTNERGRAPH_DEV" help:"Allow plain http and loopback addresses. Never in production."`
	// Migrate brings the schema up to date at start.
	Migrate bool `default:"false" env:"PARTNERGRAPH_MIGRATE" help:"Bring the database schema up to date at start."`
	// MaxConns bounds database connections of this replica.
	MaxConns int `name:"max-conns" default:"16" env:"PARTNERGRAPH_MAX_CONNS" help:"Most database connections of this replica, 1 to 1000."`
	// SigningEntities is a JSON file of who takes money for recharges in which ways; without one nobody takes any.
	SigningEntities string `name:"signing-entities" env:"PARTNERGRAPH_SIGNING_ENTITIES" help:"JSON file of the signing entities: their bank accounts and online channels for recharges."`
	// SAMLAbout is a JSON file of what our SAML metadata says for people; empty = nothing.
	SAMLAbout string `name:"saml-about" env:"PARTNERGRAPH_SAML_ABOUT" help:"JSON file of what our SAML metadata says for people: names, logo, addresses, contacts."`
	// SubjectScope stands behind the @ of subject-id and pairwise-id; empty = the host of PublicURL.
	SubjectScope string `name:"subject-scope" env:"PARTNERGRAPH_SUBJECT_SCOPE" help:"Scope of the subject-id and pairwise-id that platforms here send, such as sales.example.com. Empty = the host of --public-url; never change it, service providers know people by it."`
	// SMTPURL is the mail server for invitations; empty = this server sends no e-mail. STARTTLS is required unless Dev.
	SMTPURL string `name:"smtp-url" env:"PARTNERGRAPH_SMTP_URL" help:"Mail server, smtp://user:password@host:587 with STARTTLS or smtps://host:465; with --dev also file:///folder. Empty = no e-mail is sent."`
	// MailFrom is the sender of e-mails; required if SMTPURL is set.
	MailFrom string `name:"mail-from" env:"PARTNERGRAPH_MAIL_FROM" help:"Sender of e-mails, such as Sales <sales@example.com>; required with --smtp-url."`
	// ObjectsURL is where uploaded files are kept; empty = this server takes none.
	ObjectsURL string `name:"objects-url" env:"PARTNERGRAPH_OBJECTS_URL" help:"Where uploaded files are kept: s3://ACCESS_KEY:SECRET_KEY@host/bucket?region=R over TLS, file:///folder for a single replica, or with --dev s3+http://. Empty = no uploads."`
	// ReportValidity is how long a partner's report of a customer counts; zero = 720h.
	ReportValidity time.Duration `name:"report-validity" default:"720h" env:"PARTNERGRAPH_REPORT_VALIDITY" help:"How long a partner's report of a customer counts, 1h to 8760h."`
	// RelationThrottle bounds how often a relation may be asked to change: cn or intl; empty = cn.
	RelationThrottle string `name:"relation-throttle" default:"cn" enum:"cn,intl" env:"PARTNERGRAPH_RELATION_THROTTLE" help:"How often customers and partners may ask to change their relation: cn, a customer once in 3 months and its partner 3 months after that; intl, three times in 3 months per side."`
	// UnsubscribeFee is the share that is kept of what is left of a payment after the free days; empty = 0.05.
	UnsubscribeFee string `name:"unsubscribe-fee" default:"0.05" env:"PARTNERGRAPH_UNSUBSCRIBE_FEE" help:"Share that is kept of what is left of a payment when a resource is unsubscribed after its free days, 0 to 1."`
	// ReviewAbove is the total above which orders wait for an operator; empty or 0 = none does.
	ReviewAbove string `name:"review-above" default:"0" env:"PARTNERGRAPH_REVIEW_ABOVE" help:"Total above which an order that a customer or partner places waits for an operator, such as 50000.00; 0 = none does."`
	// SimulatorDelay and SimulatorFailures are how the simulated cloud behaves; they need Dev.
	SimulatorDelay    time.Duration `name:"simulator-delay" default:"0s" env:"PARTNERGRAPH_SIMULATOR_DELAY" help:"How long the simulated cloud takes for each answer, up to 30s; needs --dev."`
	SimulatorFailures string        `name:"simulator-failures" env:"PARTNERGRAPH_SIMULATOR_FAILURES" help:"Specification codes that the simulated cloud fails: code=again for the first attempt, code=final for good, comma separated; needs --dev."`
	// GracePeriod is how long what expired still runs; zero = it is frozen at once.
	GracePeriod time.Duration `name:"grace-period" default:"360h" env:"PARTNERGRAPH_GRACE_PERIOD" help:"How long a resource that expired still runs, up to 8760h."`
	// RetentionPeriod is how long what is frozen after that is kept before it is closed; zero = it is closed at once.
	RetentionPeriod time.Duration `name:"retention-period" default:"360h" env:"PARTNERGRAPH_RETENTION_PERIOD" help:"How long a resource that expired is kept frozen before it is closed, up to 8760h."`
	// Introspection answers __schema queries; also switches GraphiQL on.
	Introspection bool `default:"true" negatable:"" env:"PARTNERGRAPH_INTROSPECTION" help:"Answer introspection queries and serve GraphiQL."`
	// OperationTimeout bounds one GraphQL operation.
	OperationTimeout time.Duration `name:"operation-timeout" default:"10s" env:"PARTNERGRAPH_OPERATION_TIMEOUT" help:"Most time for one GraphQL operation, 100ms to 5m."`
	// MaxDepth, MaxAliases, MaxRootFields and MaxCost bound one GraphQL document.
	MaxDepth      int `name:"max-depth" default:"15" env:"PARTNERGRAPH_MAX_DEPTH" help:"Deepest nesting of a query."`
	MaxAliases    int `name:"max-aliases" default:"50" env:"PARTNERGRAPH_MAX_ALIASES" help:"Most aliases in a query."`
	MaxRootFields int `name:"max-root-fields" default:"30" env:"PARTNERGRAPH_MAX_ROOT_FIELDS" help:"Most root fields in a query."`
	MaxCost       int `name:"max-cost" default:"50000" env:"PARTNERGRAPH_MAX_COST" help:"Most objects a query may ask for, page sizes multiplied through."`
	// TrustedDocuments is a JSON file of hash to document; when set, only those are executed.
	TrustedDocuments string `name:"trusted-documents" env:"PARTNERGRAPH_TRUSTED_DOCUMENTS" help:"JSON file of SHA-256 to document; when set, only these operations are executed."`
	// RateLimit is calls per RateWindow for each API key, session or, without either, address.
	RateLimit int `name:"rate-limit" default:"600" env:"PARTNERGRAPH_RATE_LIMIT" help:"Most calls per window for each key, session or address; 0 = unlimited."`
	// MaxInFlight is how many queries and mutations are executed at once; more wait a moment and are then RATE_LIMITED.
	MaxInFlight int           `name:"max-in-flight" default:"256" env:"PARTNERGRAPH_MAX_IN_FLIGHT" help:"Most queries and mutations executed at once; 0 = unlimited."`
	RateWindow  time.Duration `name:"rate-window" default:"1m" env:"PARTNERGRAPH_RATE_WINDOW" help:"Length of the rate window, 1s to 1h."`
	// TrustedProxies are the addresses or CIDR ranges whose X-Forwarded-For is believed.
	TrustedProxies []string `name:"trusted-proxy" env:"PARTNERGRAPH_TRUSTED_PROXIES" help:"Address or CIDR whose X-Forwarded-For is believed; repeatable."`
	// SessionIdle and SessionLife end a signed-in session.
	SessionIdle time.Duration `name:"session-idle" default:"30m" env:"PARTNERGRAPH_SESSION_IDLE" help:"A session ends after this long without use, 1m to 24h."`
	SessionLife time.Duration `name:"session-life" default:"12h" env:"PARTNERGRAPH_SESSION_LIFE" help:"A session ends after this long at the latest, 5m to 720h."`
	// ShutdownDelay is how long to go on serving, with /readyz already answering 503, so that a load balancer can notice.
	ShutdownDelay time.Duration `name:"shutdown-delay" default:"0s" env:"PARTNERGRAPH_SHUTDOWN_DELAY" help:"How long to go on serving at the end while /readyz answers 503, so that a load balancer can notice, up to 5m."`
	// ShutdownTimeout is how long requests in flight may take to finish after that.
	ShutdownTimeout time.Duration `name:"shutdown-timeout" default:"20s" env:"PARTNERGRAPH_SHUTDOWN_TIMEOUT" help:"How long requests in flight may take to finish at the end, up to 10m."`
	// MetricsListen serves /metrics on an address of its own; empty = on the main one, for loopback callers only.
	MetricsListen string `name:"metrics-listen" env:"PARTNERGRAPH_METRICS_LISTEN" help:"Separate TCP address for /metrics; empty = on the main address, for loopback callers only."`
	// PprofListen serves profiles of the running process under /debug/pprof/; empty = nowhere. Loopback only: profiles tell what the
	// process does and holds.
	PprofListen string `name:"pprof-listen" env:"PARTNERGRAPH_PPROF_LISTEN" help:"Loopback TCP address for profiles under /debug/pprof/; empty = none."`
	// OTLPEndpoint is where traces go, http(s)://host:port; empty = nowhere.
	OTLPEndpoint string `name:"otlp-endpoint" env:"PARTNERGRAPH_OTLP_ENDPOINT" help:"OpenTelemetry collector for traces, http(s)://host:port; empty = none."`
	// LogLevel is debug, info, warn or error; LogFormat is json or text.
	LogLevel  string `name:"log-level" default:"info" enum:"debug,info,warn,error" env:"PARTNERGRAPH_LOG_LEVEL" help:"debug, info, warn or error."`
	LogFormat string `name:"log-format" default:"json" enum:"json,text" env:"PARTNERGRAPH_LOG_FORMAT" help:"json or text."`
	// Cloud is the short code of the cloud that is sold.
	Cloud string `default:"hws" env:"PARTNERGRAPH_CLOUD" help:"Short code of the cloud that is sold."`
	// QuoteValidity is how long a quote can be ordered; 0 = catalog.DefaultQuoteValidity.
	QuoteValidity time.Duration `name:"quote-validity" default:"24h" env:"PARTNERGRAPH_QUOTE_VALIDITY" help:"How long a quote can be ordered, 1m to 720h."`
	// CompanySearches is how often an organisation may search the register of companies in an hour; 0 = companies.DefaultSearchesPerHour.
	CompanySearches int `name:"company-searches" default:"600" env:"PARTNERGRAPH_COMPANY_SEARCHES" help:"How often an organisation may search the register of companies in an hour, 1 to 1000000."`
}

// Check returns one error that names every setting that is missing or out of range, and what it should be.
func (c Config) Check() error {
	return errors.Join(
		c.checkPublicURL(),
		required("database-url", c.DatabaseURL, "such as postgres://user@host/name or sqlite:///path/file.db"),
		required("cache-url", c.CacheURL, "such as redis://host:6379/0 or memory:"),
		required("seal-keys", c.SealKeys, "such as k1:<base64 of 32 random bytes>"),
		checkAddress("listen", c.Listen),
		between("max-conns", c.MaxConns, 1, 1000),
		between("max-depth", c.MaxDepth, 1, 100),
		between("max-aliases", c.MaxAliases, 1, 10_000),
		between("max-root-fields", c.MaxRootFields, 1, 1000),
		between("max-cost", c.MaxCost, 1, 100_000_000),
		between("rate-limit", c.RateLimit, 0, 10_000_000),
		between("max-in-flight", c.MaxInFlight, 0, 1_000_000),
		lasting("operation-timeout", c.OperationTimeout, 100*time.Millisecond, 5*time.Minute),
		lasting("rate-window", c.RateWindow, time.Second, time.Hour),
		lasting("session-idle", c.SessionIdle, time.Minute, 24*time.Hour),
		lasting("session-life", c.SessionLife, 5*time.Minute, 720*time.Hour),
		lasting("shutdown-delay", c.ShutdownDelay, 0, 5*time.Minute),
		lasting("shutdown-timeout", c.ShutdownTimeout, 0, 10*time.Minute),
		c.checkProxies(),
		c.checkOptionalURLs(),
		c.checkPprof(),
		oneOf("log-level", c.LogLevel, "debug", "info", "warn", "error"),
		oneOf("log-format", c.LogFormat, "json", "text"),
		required("cloud", c.Cloud, "such as hws"),
		lasting("grace-period", c.GracePeriod, 0, 8760*time.Hour),
		lasting("retention-period", c.RetentionPeriod, 0, 8760*time.Hour),
		lasting("report-validity", cmp.Or(c.ReportValidity, customers.DefaultReportValidity), time.Hour, 8760*time.Hour),
		oneOf("relation-throttle", cmp.Or(c.RelationThrottle, "cn"), "cn", "intl"),
		lasting("quote-validity", cmp.Or(c.QuoteValidity, catalog.DefaultQuoteValidity), time.Minute, 720*time.Hour),
		between("company-searches", cmp.Or(c.CompanySearches, companies.DefaultSearchesPerHour), 1, 1_000_000),
		c.checkMail(),
		c.checkObjects(),
		c.checkSubjectScope(),
		c.terms(&orders.Service{}),
		c.checkSimulator(),
	)
}

// terms sets what the configuration says about orders.
func (c Config) terms(o *orders.Service) error {
	fee, err := plainDecimal(cmp.Or(c.UnsubscribeFee, "0.05"))
	if err != nil || fee.IsNegative() || fee.GreaterThan(decimal.NewFromInt(1)) {
		return fmt.Errorf("setting unsubscribe-fee: %q is not a share from 0 to 1, such as 0.05", c.UnsubscribeFee)
	}
	above, err := plainDecimal(cmp.Or(c.ReviewAbove, "0"))
	if err != nil || above.IsNegative() {
		return fmt.Errorf("setting review-above: %q is not an amount such as 50000.00", c.ReviewAbove)
	}
	limit, err := models.ParseMoney(above, models.CNY, "review-above")
	if err != nil {
		return fmt.Errorf("setting review-above: %w", err)
	}
	o.UnsubscribeFee, o.ReviewAbove = fee, limit.Minor
	return nil
}

// plainDecimal reads a short decimal without an exponent, whose every operation is cheap.
func plainDecimal(text string) (decimal.Decimal, error) {
	if len(text) > 24 || strings.ContainsAny(text, "eE") {
		return decimal.Zero, errors.New("not a plain decimal")
	}
	return decimal.NewFromString(text)
}

func (c Config) checkSimulator() error {
	switch {
	case !c.Dev && c.SimulatorDelay != 0:
		return errors.New("setting simulator-delay: is for --dev only")
	case !c.Dev && c.SimulatorFailures != "":
		return errors.New("setting simulator-failures: is for --dev only")
	}
	if _, err := orders.ParseSimulatedFailures(c.SimulatorFailures); err != nil {
		return fmt.Errorf("setting simulator-failures: %w", err)
	}
	return lasting("simulator-delay", c.SimulatorDelay, 0, 30*time.Second)
}

// simulator is the cloud of demonstrations; Check has read what it is made of.
func (c Config) simulator() orders.Simulator {
	failures, _ := orders.ParseSimulatedFailures(c.SimulatorFailures)
	return orders.Simulator{Delay: c.SimulatorDelay, Failures: failures, Seen: &sync.Map{}}
}

func (c Config) checkPublicURL() error {
	if err := required("public-url", c.PublicURL, "such as https://sales.example.com"); err != nil {
		return err
	}
	u, err := url.Parse(c.PublicURL)
	switch {
	case err != nil || u.Host == "" || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("setting public-url: %q is not an origin such as https://sales.example.com", c.PublicURL)
	case u.Scheme != "https" && (!c.Dev || u.Scheme != "http"):
		return errors.New("setting public-url: must be https; plain http is for --dev only")
	}
	return nil
}

func (c Config) checkOptionalURLs() error {
	if c.OTLPEndpoint != "" {
		u, err := url.Parse(c.OTLPEndpoint)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("setting otlp-endpoint: %q is not http(s)://host:port", c.OTLPEndpoint)
		}
	}
	if c.MetricsListen != "" {
		return checkAddress("metrics-listen", c.MetricsListen)
	}
	return nil
}

// mailer is where e-mails go, or nil.
func (c Config) mailer(now func() time.Time) (customers.Mailer, error) {
	if c.SMTPURL == "" {
		return nil, nil
	}
	return mail.Open(mail.Options{URL: c.SMTPURL, From: c.MailFrom, Dev: c.Dev, Now: now})
}

// objects is where files are kept, or nil.
func (c Config) objects() (files.Objects, error) {
	if c.ObjectsURL == "" {
		return nil, nil
	}
	return objects.Open(c.ObjectsURL, c.Dev)
}

func (c Config) checkObjects() error {
	_, err := c.objects()
	return err
}

func (c Config) checkMail() error {
	_, err := c.mailer(time.Now)
	return err
}

func (c Config) checkPprof() error {
	if c.PprofListen == "" {
		return nil
	}
	addr, err := netip.ParseAddrPort(c.PprofListen)
	if err != nil || !addr.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("setting pprof-listen: %q is not a loopback address with a port, such as 127.0.0.1:6060", c.PprofListen)
	}
	return nil
}

func (c Config) checkProxies() error {
	_, err := parseProxies(c.TrustedProxies)
	return err
}

func parseProxies(list []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, s := range list {
		if addr, err := netip.ParseAddr(s); err == nil {
			prefixes = append(prefixes, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("setting trusted-proxy: %q is neither an address nor a CIDR range", s)
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

// origin returns PublicURL without a trailing slash.
func (c Config) origin() string { return strings.TrimSuffix(c.PublicURL, "/") }

func (c Config) level() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel))
	return level
}

func required(name, value, example string) error {
	if value == "" {
		return fmt.Errorf("setting %s: is required, %s", name, example)
	}
	return nil
}

func between(name string, value, lowest, highest int) error {
	if value < lowest || value > highest {
		return fmt.Errorf("setting %s: %d is not from %d to %d", name, value, lowest, highest)
	}
	return nil
}

func lasting(name string, value, shortest, longest time.Duration) error {
	if value < shortest || value > longest {
		return fmt.Errorf("setting %s: %s is not from %s to %s", name, value, shortest, longest)
	}
	return nil
}

func oneOf(name, value string, words ...string) error {
	if !slices.Contains(words, value) {
		return fmt.Errorf("setting %s: %q is none of %s", name, value, strings.Join(words, ", "))
	}
	return nil
}

func checkAddress(name, value string) error {
	if _, _, err := net.SplitHostPort(value); err != nil {
		return fmt.Errorf("setting %s: %q is not host:port", name, value)
	}
	return nil
}
