package main

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/bench/internal/process"
	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/session"
	"github.com/partnergraph/partnergraph/store"
)

const (
	platformID = "bench_IDP"
	publicURL  = "https://cloud.bench.example"
)

// place is a server with somebody to sign in.
type place struct {
	opts     options
	dir      string
	servers  servers.Servers
	program  *process.Process
	address  string
	profiles string
	client   *http.Client
	from     provider
}

// signIn measures the processor time that the server spends on a whole login: the link, the signed request, the parked row, the posted
// answer, its verification, the replay row, the session.
func signIn(ctx context.Context, log *slog.Logger, opts options) (_ []row, err error) {
	at, err := newPlace(ctx, log, opts)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, at.close()) }()
	described, err := at.describe(ctx)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, how := range []struct {
		travel
		verifies int
	}{
		{travel{name: "sign somebody in, assertion signed", responseUnsigned: true}, 1},
		{travel{name: "sign somebody in, both signed"}, 2},
		{travel{name: "sign somebody in, both signed, encrypted", encryptTo: described.EncryptionCert}, 2},
	} {
		floor, err := newCryptography(how.verifies, how.encryptTo != nil)
		if err != nil {
			return nil, err
		}
		stop := at.profile(how.name)
		bare, ours, err := at.measure(ctx, how.travel, floor)
		stop()
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{Name: how.name, Floor: bare, Ours: ours, Factor: 2.5})
	}
	return rows, nil
}

// describe reads the server's metadata, as the platform does.
func (at *place) describe(ctx context.Context) (saml.SPMetadata, error) {
	answer, err := at.ask(ctx, http.MethodGet, "/saml/sp/"+platformID+"/metadata", nil, nil)
	if err != nil {
		return saml.SPMetadata{}, err
	}
	described, _, err := saml.ParseSPMetadata(answer.body)
	return described, err
}

// newCryptography is what no login can do without: one RSA-2048 signature for the request, the verifications of the answer and, when it is
// encrypted, one decryption.
func newCryptography(verifies int, encrypted bool) (contestant, error) {
	key, err := newKey("floor")
	if err != nil {
		return nil, err
	}
	private := key.Signer.(*rsa.PrivateKey)
	sum := sha256.Sum256([]byte("floor"))
	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &private.PublicKey, sum[:], nil)
	if err != nil {
		return nil, err
	}
	return func() error {
		signature, err := private.Sign(rand.Reader, sum[:], crypto.SHA256)
		for range verifies {
			err = errors.Join(err, rsa.VerifyPKCS1v15(&private.PublicKey, crypto.SHA256, sum[:], signature))
		}
		if encrypted {
			_, opened := rsa.DecryptOAEP(sha256.New(), nil, private, sealed, nil)
			err = errors.Join(err, opened)
		}
		return err
	}, nil
}

// measure returns the processor time of the bare cryptography and that of the server for each login, in the best round of each. The two
// take turns login by login, so that both find the machine as cold and as busy.
func (at *place) measure(ctx context.Context, how travel, floor contestant) (bare, ours time.Duration, err error) {
	for range at.opts.rounds {
		var alone time.Duration
		before := process.CPU(at.program.PID())
		for range at.opts.logins {
			if err := at.login(ctx, how); err != nil {
				return 0, 0, err
			}
			idle := process.Self()
			if err := floor(); err != nil {
				return 0, 0, err
			}
			alone += process.Self() - idle
		}
		took, alone := (process.CPU(at.program.PID())-before)/time.Duration(at.opts.logins), alone/time.Duration(at.opts.logins)
		if ours == 0 || took < ours {
			ours = took
		}
		if bare == 0 || alone < bare {
			bare = alone
		}
	}
	return bare, ours, nil
}

// login signs the person in once, as a browser would, and makes sure that a session came of it.
func (at *place) login(ctx context.Context, how travel) error {
	begun, err := at.ask(ctx, http.MethodGet, "/saml/login?xAccountType="+platformID, nil, nil)
	if err != nil {
		return err
	}
	target, err := url.Parse(begun.header.Get("Location"))
	if err != nil || begun.status != http.StatusFound {
		return fmt.Errorf("the login link answers %d: %w", begun.status, err)
	}
	requestID, err := idOf(target.Query().Get("SAMLRequest"))
	if err != nil {
		return err
	}
	write := at.from.answer
	if how.encryptTo != nil {
		write = at.from.sealedAnswer
	}
	message, err := write(question{
		requestID: requestID, audience: publicURL + "/saml/sp/" + platformID + "/metadata", acs: publicURL + "/saml/sp/" + platformID + "/acs",
	}, how)
	if err != nil {
		return err
	}
	done, err := at.ask(ctx, http.MethodPost, "/saml/sp/"+platformID+"/acs", url.Values{
		"SAMLResponse": {base64.StdEncoding.EncodeToString(message)}, "RelayState": {target.Query().Get("RelayState")},
	}, begun.cookies())
	if err != nil {
		return err
	}
	for _, cookie := range done.cookies() {
		if cookie.Name == session.CookieName && done.status == http.StatusSeeOther {
			return nil
		}
	}
	return fmt.Errorf("the answer is refused with %d", done.status)
}

// told is an answer, read to its end.
type told struct {
	status int
	header http.Header
	body   []byte
}

func (t told) cookies() []*http.Cookie { return (&http.Response{Header: t.header}).Cookies() }

// ask sends one request as a proxy in front of the server would.
func (at *place) ask(ctx context.Context, method, path string, form url.Values, cookies []*http.Cookie) (told, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+at.address+path, body) //nolint:gosec // the server that was started here
	if err != nil {
		return told{}, err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("User-Agent", "Mozilla/5.0 (bench)")
	for _, cookie := range cookies {
		request.AddCookie(cookie)
	}
	answer, err := at.client.Do(request) //nolint:gosec // see above
	if err != nil {
		return told{}, err
	}
	content, err := io.ReadAll(answer.Body)
	return told{status: answer.StatusCode, header: answer.Header, body: content}, errors.Join(err, answer.Body.Close())
}

func idOf(parameter string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(parameter)
	if err != nil {
		return "", err
	}
	var request struct {
		ID string `xml:",attr"`
	}
	return request.ID, xml.NewDecoder(flate.NewReader(bytes.NewReader(raw))).Decode(&request)
}

// newPlace starts PostgreSQL, Redis and the server as an operator would, with one platform and one person who is bound already.
func newPlace(ctx context.Context, log *slog.Logger, opts options) (_ *place, err error) {
	at := &place{opts: opts, servers: servers.Servers{Logger: log}, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	defer func() {
		if err != nil {
			err = errors.Join(err, at.close())
		}
	}()
	if at.dir, err = os.MkdirTemp("", "bench-saml-"); err != nil {
		return nil, err
	}
	postgres, err := at.servers.Postgres(ctx, servers.PostgresOptions{Durable: true})
	if err != nil {
		return nil, err
	}
	redis, err := at.servers.Redis(ctx)
	if err != nil {
		return nil, err
	}
	if err := at.fill(ctx, postgres.URL()); err != nil {
		return nil, err
	}
	if opts.program == "" {
		if opts.program, err = process.Build(ctx, at.dir, "github.com/partnergraph/partnergraph/cmd/partnergraph"); err != nil {
			return nil, err
		}
	}
	if at.address, err = process.FreeAddress(ctx); err != nil {
		return nil, err
	}
	if at.profiles, err = process.FreeAddress(ctx); err != nil {
		return nil, err
	}
	seal := make([]byte, 32)
	if _, err := rand.Read(seal); err != nil {
		return nil, err
	}
	at.program, err = process.Start(ctx, filepath.Join(at.keep(), "partnergraph.log"), "http://"+at.address+"/readyz", opts.program, "serve",
		"--listen", at.address, "--public-url", publicURL, "--database-url", postgres.URL(), "--cache-url", redis.URL(),
		"--seal-keys", "k1:"+base64.StdEncoding.EncodeToString(seal), "--rate-limit", "10000000", "--pprof-listen", at.profiles)
	return at, err
}

// keep is where logs and profiles go: with the results when they are kept.
func (at *place) keep() string {
	if at.opts.out != "" && os.MkdirAll(at.opts.out, 0o755) == nil { //nolint:gosec // nothing secret is in it
		return at.opts.out
	}
	return at.dir
}

// fill makes the platform and its person.
func (at *place) fill(ctx context.Context, database string) (err error) {
	db, err := store.Open(ctx, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := migrations.Up(ctx, db); err != nil {
		return err
	}
	ids, now := models.RandomIDs(), time.Now().UTC().Truncate(time.Microsecond)
	partner := models.Partner{
		ID: ids(models.PrefixPartner), Cloud: "hws", Kind: models.SolutionProvider, Name: "Bench", Level: models.LevelStandard, State: models.PartnerActive,
		Country: "CN", Currency: models.CNY, CreatedAt: now, UpdatedAt: now,
	}
	key, err := newKey("platform")
	if err != nil {
		return err
	}
	at.from = provider{entityID: "https://idp.bench.example/metadata", key: key, person: person(string(partner.ID))}
	customer := models.Customer{
		ID: ids(models.PrefixCustomer), Cloud: "hws", Name: "bench", Kind: models.Enterprise, VerifiedStatus: models.Verified, Frozen: models.NotFrozen,
		Currency: models.CNY, PartnerID: partner.ID, Mode: models.Resale, CreatedAt: now, UpdatedAt: now,
	}
	user := models.User{
		ID: ids(models.PrefixUser), Kind: models.CustomerUser, CustomerID: customer.ID, LoginName: "bench", State: models.UserActive,
		Permissions: []models.Permission{}, CreatedAt: now, UpdatedAt: now,
	}
	for _, one := range []any{
		&partner, &customer, &user,
		&models.AccessConfiguration{
			ID: ids(models.PrefixAccessConfiguration), PartnerID: partner.ID, PlatformID: platformID, State: models.ExposureEnabled,
			IDPMetadata: string(at.from.metadata()), IDPEntityID: at.from.entityID, AllowedOrigins: []string{}, AllowedServices: []string{},
			ReturnSecretSealed: []byte{}, CreatedAt: now, UpdatedAt: now,
		},
		&models.FederatedAccount{PlatformID: platformID, XAccountID: at.from.person["xAccountId"], CustomerID: customer.ID, BoundAt: now},
		&models.FederatedIdentity{
			ID: ids(models.PrefixFederatedIdentity), PlatformID: platformID, XAccountID: at.from.person["xAccountId"], XUserID: at.from.person["xUserId"],
			UserID: user.ID, BoundAt: now,
		},
	} {
		if _, err := db.NewInsert().Model(one).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// profile collects a processor profile of the server until it is stopped, when one is wanted.
func (at *place) profile(name string) (stop func()) {
	if !at.opts.profile {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		answer, err := http.Get("http://" + at.profiles + "/debug/pprof/profile?seconds=12") //nolint:noctx,gosec // it ends by itself, and is the server that was started here
		if err != nil {
			return
		}
		defer func() { _ = answer.Body.Close() }()
		file, err := os.Create(filepath.Join(at.keep(), strings.ReplaceAll(strings.ReplaceAll(name, ",", ""), " ", "-")+".pprof")) //nolint:gosec // names of shapes, where the operator says
		if err != nil {
			return
		}
		defer func() { _ = file.Close() }()
		_, _ = io.Copy(file, answer.Body)
	}()
	return func() { <-done }
}

// close stops everything.
func (at *place) close() error {
	return process.Clear(at.dir, (*store.DB)(nil), &at.servers, at.program)
}
