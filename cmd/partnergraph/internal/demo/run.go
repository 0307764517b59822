package demo

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/examples/storefront"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/webhooks"
)

// The host names of the two sites. Names under localhost are loopback by definition, and two of them are two sites to a browser.
const (
	serverHost     = "partnergraph.localhost"
	storefrontHost = "storefront.localhost"
)

// Options are what `partnergraph demo` takes.
type Options struct {
	Listen, StorefrontListen string // loopback addresses
	Dir                      string // empty = a temporary directory that is removed at the end
	Info                     string // empty = no file
	LogLevel                 string
	Version                  string
	Out, LogOutput           io.Writer
	Ready                    func(Info) // nil = nobody is told
}

// Info is what the demo prints, and the form of the --info file.
type Info struct {
	GraphQL    string `json:"graphql"`
	GraphiQL   string `json:"graphiql"`
	Storefront string `json:"storefront"`
	Console    string `json:"console"`
	Keys       Keys   `json:"keys"`
	SAML       struct {
		Login       string `json:"login"`
		SPMetadata  string `json:"spMetadata"`
		IDPMetadata string `json:"idpMetadata"`
	} `json:"saml"`
	PlatformID string `json:"platformId"`
	PartnerID  string `json:"partnerId"`
	Mail       string `json:"mail"` // the folder of e-mails
}

// Run serves both sites until the context ends.
func Run(ctx context.Context, opts Options) (err error) {
	dir, cleanup, err := workDir(opts.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cleanup()) }()
	own, err := listen(ctx, "listen", opts.Listen)
	if err != nil {
		return err
	}
	theirs, err := listen(ctx, "storefront-listen", opts.StorefrontListen)
	if err != nil {
		return errors.Join(err, own.Close())
	}
	secrets, err := loadSecrets(filepath.Join(dir, "demo-secrets.json"))
	if err != nil {
		return errors.Join(err, own.Close(), theirs.Close())
	}
	server, err := app.New(ctx, config(dir, own.Addr(), secrets, opts), app.Options{
		Version: opts.Version, LogOutput: opts.LogOutput,
		Consumers:       []app.Consumer{{Name: "demo-welcome", Events: []models.EventType{models.EventCustomerAssociated}, Handle: Welcome}},
		SigningEntities: signingEntities(),
	})
	if err != nil {
		return errors.Join(err, own.Close(), theirs.Close())
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	// The storefront has to be known to the server, and the server's answers to the storefront.
	world, err := Fill(ctx, server.Rooms)
	if err != nil {
		return errors.Join(err, own.Close(), theirs.Close())
	}
	shop, err := connect(ctx, server.Rooms, world, secrets, own.Addr(), theirs.Addr())
	if err != nil {
		return errors.Join(err, own.Close(), theirs.Close())
	}
	info := describe(own.Addr(), theirs.Addr(), world)
	info.Mail = mailFolder(dir)
	return serve(ctx, server, shop, own, theirs, func() error { return announce(opts, info) })
}

func serve(ctx context.Context, server *app.App, shop http.Handler, own, theirs net.Listener, announce func() error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	beside := &http.Server{Handler: shop, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second}
	go func() {
		if err := beside.Serve(theirs); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("storefront: %w", err))
		}
	}()
	err := server.Serve(ctx, own, func(net.Addr) {
		if err := announce(); err != nil {
			cancel(err)
		}
	})
	err = errors.Join(err, beside.Close())
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return err
}

// workDir makes the directory of the database; a temporary one goes at the end.
func workDir(dir string) (string, func() error, error) {
	if dir != "" {
		whole, err := filepath.Abs(dir) // the folder of e-mails is a URL, which has no relative form
		return whole, func() error { return nil }, errors.Join(err, os.MkdirAll(dir, 0o700))
	}
	dir, err := os.MkdirTemp("", "partnergraph-demo-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

// listen refuses anything but loopback: the demo's keys are public.
func listen(ctx context.Context, name, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	addr, parseErr := netip.ParseAddr(host)
	if err != nil || parseErr != nil || !addr.IsLoopback() {
		return nil, fmt.Errorf("setting %s: %q is not a loopback address such as 127.0.0.1:8080; the demo's keys are public", name, address)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("setting %s: %w", name, err)
	}
	return listener, nil
}

func config(dir string, addr net.Addr, secrets secrets, opts Options) app.Config {
	return app.Config{
		Listen: addr.String(), PublicURL: "http://" + withPort(serverHost, addr), DatabaseURL: "sqlite://" + filepath.Join(dir, "demo.db"),
		CacheURL: "memory:", SealKeys: secrets.SealKeys, Dev: true, Migrate: true, MaxConns: 8, Introspection: true,
		OperationTimeout: 10 * time.Second, MaxDepth: 15, MaxAliases: 50, MaxRootFields: 30, MaxCost: 50_000, RateLimit: 6000, RateWindow: time.Minute,
		SessionIdle: 30 * time.Minute, SessionLife: 12 * time.Hour, ShutdownTimeout: 5 * time.Second, LogLevel: opts.LogLevel, LogFormat: "text", Cloud: "hws",
		SMTPURL: (&url.URL{Scheme: "file", Path: mailFolder(dir)}).String(), MailFrom: "Demo Cloud <demo@" + serverHost + ">",
		ObjectsURL: (&url.URL{Scheme: "file", Path: filepath.Join(dir, "objects")}).String(),
	}
}

// mailFolder is where the demo's e-mails are found.
func mailFolder(dir string) string { return filepath.Join(dir, "mail") }

// signingEntities takes everybody's money by hand: an operator confirms what is started.
func signingEntities() funds.SigningEntities {
	return funds.SigningEntities{{
		Name: "Demo Cloud", Cloud: "hws", Currency: models.CNY, Customers: true,
		Online: []funds.OnlineChannel{
			{Channel: models.ChannelAlipay, Provider: funds.ProviderManual, Instructions: "A demo: nobody is charged, an operator confirms."},
			{Channel: models.ChannelWeChat, Provider: funds.ProviderManual, Instructions: "A demo: nobody is charged, an operator confirms."},
		},
		BankTransfer: &funds.BankTransfer{
			BankAccount:  models.BankAccount{Bank: "No bank, this is a demo", AccountName: "Demo Cloud", AccountNumber: "0000 0000 0000 0000"},
			Instructions: "Quote the reference of the recharge, then claim the remittance.",
		},
	}}
}

func withPort(host string, addr net.Addr) string {
	_, port, _ := net.SplitHostPort(addr.String())
	return net.JoinHostPort(host, port)
}

// secrets are what a demo with a directory of its own keeps between runs.
type secrets struct {
	SealKeys   string `json:"sealKeys"`
	IDPKeyPEM  string `json:"idpKey"`
	IDPCertDER []byte `json:"idpCertificate"`
}

func loadSecrets(path string) (secrets, error) {
	var s secrets
	raw, err := os.ReadFile(path)
	switch {
	case err == nil:
		err = json.Unmarshal(raw, &s)
		return s, err
	case !errors.Is(err, fs.ErrNotExist):
		return s, err
	}
	seal := make([]byte, 32)
	if _, err := rand.Read(seal); err != nil {
		return s, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return s, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "demo storefront"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(3, 0, 0),
	}
	if s.IDPCertDER, err = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key); err != nil {
		return s, err
	}
	s.SealKeys = "demo:" + base64.StdEncoding.EncodeToString(seal)
	s.IDPKeyPEM = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	if raw, err = json.Marshal(s); err != nil {
		return s, err
	}
	return s, os.WriteFile(path, raw, 0o600)
}

func (s secrets) idp() (*rsa.PrivateKey, *x509.Certificate, error) {
	block, _ := pem.Decode([]byte(s.IDPKeyPEM))
	if block == nil {
		return nil, nil, errors.New("the demo's secrets are damaged; remove the directory")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(s.IDPCertDER)
	return key, cert, err
}

// connect saves the platform's access configuration and makes its storefront.
func connect(ctx context.Context, rooms *app.Rooms, world World, secrets secrets, own, theirs net.Addr) (*storefront.Storefront, error) {
	key, cert, err := secrets.idp()
	if err != nil {
		return nil, err
	}
	cfg := storefront.Config{
		Origin: "http://" + withPort(storefrontHost, theirs), PublicOrigin: "http://" + withPort(serverHost, own), APIOrigin: "http://" + own.String(),
		APIKey: FixedKeys().SolutionProvider, PlatformID: PlatformID, PartnerID: string(world.SolutionProvider.ID), Key: key, Certificate: cert, Now: rooms.Now,
	}
	shop, err := storefront.New(cfg)
	if err != nil {
		return nil, err
	}
	who, platformID := models.SystemPrincipal("demo"), PlatformID
	metadata, paid, recharge, bound := string(shop.Metadata()), cfg.Origin+"/paid", cfg.Origin+"/", cfg.Origin+"/bind"
	enabled := models.ExposureEnabled
	_, err = rooms.Exposure.Update(ctx, who, exposure.UpdateAccessConfiguration{
		PartnerID: world.SolutionProvider.ID, PlatformID: &platformID, State: &enabled, IDPMetadata: &metadata, OrderPaidURL: &paid,
		OrderRechargeURL: &recharge, BindNotificationURL: &bound, AllowedOrigins: []string{cfg.Origin}, AllowedServices: []string{cfg.PublicOrigin + "/console", cfg.Origin + "/"},
	})
	if err != nil {
		return nil, fmt.Errorf("access configuration: %w", err)
	}
	rotated, err := rooms.Exposure.RotateReturnSecret(ctx, who, exposure.RotateReturnSecret{PartnerID: world.SolutionProvider.ID})
	if err != nil {
		return nil, err
	}
	cfg.ReturnSecret = rotated.Secret
	if cfg.WebhookSecret, err = tellStorefront(ctx, rooms, world, "http://"+theirs.String()+"/webhooks"); err != nil {
		return nil, fmt.Errorf("webhook endpoint: %w", err)
	}
	return storefront.New(cfg)
}

// tellStorefront makes the platform's webhook endpoint, or leads the one of an earlier start to where the storefront is now, and
// returns its secret. Messages go to an address: not every system knows names below localhost.
func tellStorefront(ctx context.Context, rooms *app.Rooms, world World, url string) (secret string, err error) {
	who := models.SystemPrincipal("demo")
	endpoints, err := rooms.Webhooks.Find(ctx, who, webhooks.EndpointFilter{PartnerID: &world.SolutionProvider.ID}, models.PageArgs{})
	if err != nil {
		return "", err
	}
	if nodes := endpoints.Nodes(); len(nodes) > 0 {
		id, enabled, revoke := nodes[len(nodes)-1].ID, models.WebhookEnabled, true
		if _, err := rooms.Webhooks.Update(ctx, who, webhooks.UpdateWebhookEndpoint{EndpointID: id, URL: &url, State: &enabled}); err != nil {
			return "", err
		}
		rotated, err := rooms.Webhooks.Rotate(ctx, who, webhooks.RotateWebhookSecret{EndpointID: id, RevokeAtOnce: &revoke})
		return rotated.Secret, err
	}
	called := "storefront"
	made, err := rooms.Webhooks.Create(ctx, who, webhooks.CreateWebhookEndpoint{
		PartnerID: &world.SolutionProvider.ID, URL: url, Description: &called, EventTypes: []string{"*"},
	})
	return made.Secret, err
}

func describe(own, theirs net.Addr, world World) Info {
	public, plain := "http://"+withPort(serverHost, own), "http://"+own.String()
	info := Info{
		GraphQL: plain + "/graphql", GraphiQL: plain + "/graphiql", Storefront: "http://" + withPort(storefrontHost, theirs) + "/",
		Console: public + "/console", Keys: FixedKeys(), PlatformID: PlatformID, PartnerID: string(world.SolutionProvider.ID),
	}
	info.SAML.Login = public + "/saml/login?xAccountType=" + PlatformID + "&isFirstLogin=true"
	info.SAML.SPMetadata = plain + "/saml/sp/" + PlatformID + "/metadata"
	info.SAML.IDPMetadata = plain + "/saml/idp/" + PlatformID + "/metadata"
	return info
}

// announce prints what to open and writes the file last, so that whoever waits for it finds everything ready.
func announce(opts Options, info Info) error {
	_, err := fmt.Fprintf(opts.Out, `
partnergraph demo is ready; everything is on loopback and goes when it ends.

  storefront   %s   sign in under any account name and open a cloud account
  GraphiQL     %s   API key goes into the headers
  console      %s   or sign in here: demo-bakery / %s

  e-mails      %s   files instead of letters

  API keys     operator           %s
               distributor        %s
               reseller           %s
               solution provider  %s
               customer           %s

  try          curl -s %s -H 'Authorization: Bearer %s' \
                 -H 'Content-Type: application/json' -d '{"query":"{viewer{partner{name balance{available{amount}}}}}"}'

Stop it with Ctrl-C.
`, info.Storefront, info.GraphiQL, info.Console, Password, info.Mail, info.Keys.Operator, info.Keys.Distributor, info.Keys.Reseller,
		info.Keys.SolutionProvider, info.Keys.Customer, info.GraphQL, info.Keys.SolutionProvider)
	if err != nil {
		return err
	}
	if opts.Info != "" {
		raw, err := json.MarshalIndent(info, "", "  ")
		if err != nil {
			return err
		}
		half := opts.Info + ".part"
		if err := errors.Join(os.WriteFile(half, append(raw, '\n'), 0o600), os.Rename(half, opts.Info)); err != nil {
			return err
		}
	}
	if opts.Ready != nil {
		opts.Ready(info)
	}
	return nil
}
