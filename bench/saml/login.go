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
	if err := at.login(ctx, travel{}); err != nil {
		return nil, err
	}
	var rows []row
	for _, how := range []struct {
		travel
		verifies int
	}{
		{travel{name: "sign somebody in, assertion signed", responseUnsigned: true}, 1},
		{travel{name: "sign somebody in, both signed"}, 2},
	} {
		floor, err := cryptography(ctx, opts, how.verifies)
		if err != nil {
			return nil, err
		}
		stop := at.profile(how.name)
		ours, err := at.measure(ctx, how.travel)
		stop()
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{Name: how.name, Floor: floor, Ours: ours, Factor: 2.5})
	}
	return rows, nil
}

// cryptography is what no login can do without: one RSA-2048 signature for the request, and the verifications of the answer.
func cryptography(ctx context.Context, opts options, verifies int) (time.Duration, error) {
	key, err := newKey("floor")
	if err != nil {
		return 0, err
	}
	private := key.Signer.(*rsa.PrivateKey)
	sum := sha256.Sum256([]byte("floor"))
	took, err := compete(ctx, opts, func() error {
		signature, err := private.Sign(rand.Reader, sum[:], crypto.SHA256)
		for range verifies {
			err = errors.Join(err, rsa.VerifyPKCS1v15(&private.PublicKey, crypto.SHA256, sum[:], signature))
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return took[0], nil
}

// measure returns the server's processor time for each login, in the best round.
func (at *place) measure(ctx context.Context, how travel) (time.Duration, error) {
	var best time.Duration
	for range at.opts.rounds {
		before := process.CPU(at.program.PID())
		for range at.opts.logins {
			if err := at.login(ctx, how); err != nil {
				return 0, err
			}
		}
		took := (process.CPU(at.program.PID()) - before) / time.Duration(at.opts.logins)
		if best == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

// login signs the person in once, as a browser would, and makes sure that a session came of it.
func (at *place) login(ctx context.Context, how travel) error {
	begun, err := at.ask(ctx, http.MethodGet, "/saml/login?xAccountType="+platformID, nil, nil)
	if err != nil {
		return err
	}
	target, err := url.Parse(begun.Header.Get("Location"))
	if err != nil || begun.StatusCode != http.StatusFound {
		return fmt.Errorf("the login link answers %d: %w", begun.StatusCode, err)
	}
	requestID, err := idOf(target.Query().Get("SAMLRequest"))
	if err != nil {
		return err
	}
	message, err := at.from.answer(question{
		requestID: requestID, audience: publicURL + "/saml/sp/" + platformID + "/metadata", acs: publicURL + "/saml/sp/" + platformID + "/acs",
	}, how)
	if err != nil {
		return err
	}
	done, err := at.ask(ctx, http.MethodPost, "/saml/sp/"+platformID+"/acs", url.Values{
		"SAMLResponse": {base64.StdEncoding.EncodeToString(message)}, "RelayState": {target.Query().Get("RelayState")},
	}, begun.Cookies())
	if err != nil {
		return err
	}
	for _, cookie := range done.Cookies() {
		if cookie.Name == session.CookieName && done.StatusCode == http.StatusSeeOther {
			return nil
		}
	}
	return fmt.Errorf("the answer is refused with %d", done.StatusCode)
}

// ask sends one request as a proxy in front of the server would, and drops the body of the answer.
func (at *place) ask(ctx context.Context, method, path string, form url.Values, cookies []*http.Cookie) (*http.Response, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+at.address+path, body)
	if err != nil {
		return nil, err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("User-Agent", "Mozilla/5.0 (bench)")
	for _, cookie := range cookies {
		request.AddCookie(cookie)
	}
	answer, err := at.client.Do(request)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return answer, errors.Join(err, answer.Body.Close())
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
		answer, err := http.Get("http://" + at.profiles + "/debug/pprof/profile?seconds=12") //nolint:noctx // it ends by itself
		if err != nil {
			return
		}
		defer func() { _ = answer.Body.Close() }()
		file, err := os.Create(filepath.Join(at.keep(), strings.ReplaceAll(strings.ReplaceAll(name, ",", ""), " ", "-")+".pprof"))
		if err != nil {
			return
		}
		defer func() { _ = file.Close() }()
		_, _ = io.Copy(file, answer.Body)
	}()
	return func() { <-done }
}

// close stops everything, the program before the servers that it needs.
func (at *place) close() error {
	if at.program != nil {
		at.program.Stop()
	}
	err := at.servers.Stop()
	if at.dir != "" {
		err = errors.Join(err, os.RemoveAll(at.dir)) //nolint:gosec // it was made by newPlace
	}
	return err
}
