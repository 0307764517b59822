//go:build e2e

package peers_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
	"github.com/partnergraph/partnergraph/saml/sp"
	"github.com/partnergraph/partnergraph/saml/sp/sptest"
	"github.com/partnergraph/partnergraph/saml/wire"
)

const bpID = "par_01jzzzzzzzzzzzzzzzzzzzzzzz"

// cloud is our service provider, with rows in memory.
type cloud struct {
	world *sptest.World
	base  string
	key   samltest.Key
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{world: &sptest.World{Now: time.Now}, key: samltest.RSA(t, "cloud", 2048)}
	var door *sp.Handler
	mux := http.NewServeMux()
	mux.HandleFunc("/saml/", func(w http.ResponseWriter, r *http.Request) { door.ServeHTTP(w, r) })
	mux.HandleFunc("/sign-out", func(w http.ResponseWriter, r *http.Request) {
		all := c.world.Arrivals()
		a := all[len(all)-1]
		name := wire.NameID{Value: a.NameID, Format: a.NameIDFormat, NameQualifier: a.NameQualifier, SPNameQualifier: a.SPNameQualifier}
		started, err := door.StartLogout(w, r, sp.Departure{PlatformID: a.PlatformID, Name: name, SessionIndex: a.SessionIndex})
		if err != nil || !started {
			t.Errorf("the logout does not start: %v", err)
		}
	})
	mux.HandleFunc("/home", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "welcome to the cloud") })
	c.base = serve(t, "cloud", mux)
	cfg := c.world.Config(c.base)
	cfg.Dev, cfg.Logger, cfg.Pages = true, logger(t), pages{c.world}
	var err error
	if door, err = sp.New(cfg); err != nil {
		t.Fatal(err)
	}
	return c
}

// pages are those of the world, but for the one that moves on by itself.
type pages struct{ sp.Pages }

// Leave implements sp.Pages.
func (pages) Leave(w http.ResponseWriter, r *http.Request, target string) {
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// serve starts a server of ours with TLS, because our cookies demand it, under a name of its own.
func serve(t *testing.T, name string, handler http.Handler) (base string) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	return "https://" + name + ".localhost:" + port
}

// logger shows our reasons in a test that fails.
func logger(t *testing.T) *slog.Logger {
	t.Helper()
	said := &log{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("our side said:\n%s", said)
		}
	})
	return slog.New(slog.NewTextHandler(said, nil))
}

// connect lets a platform in; without metadata it can only be described to.
func (c *cloud) connect(platform string, metadata []byte, change func(*sp.Connection)) {
	connection := sp.Connection{
		PlatformID: platform, PartnerBPID: bpID, IdPMetadata: metadata, Keys: []saml.SigningKey{active(c.key)},
	}
	if change != nil {
		change(&connection)
	}
	c.world.SetConnection(connection)
}

// describe returns our metadata towards a platform, signed.
func (c *cloud) describe(t *testing.T, platform string) []byte {
	t.Helper()
	connection, err := c.world.ConnectionByPlatform(t.Context(), platform)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := sp.Metadata(c.base, connection, about("en", "Cloud", "zh", "云"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := sp.SignedMetadata(c.base, connection, about("en", "Cloud", "zh", "云"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	valid(t, "metadata", plain, metadata)
	signed(t, metadata, c.key.Cert, "EntityDescriptor")
	return metadata
}

func (c *cloud) login(platform string) string { return c.base + "/saml/login?xAccountType=" + platform }

// named is what the record of ended sessions says of an arrival.
func named(a sp.Arrival) string {
	name := wire.NameID{Value: a.NameID, Format: a.NameIDFormat, NameQualifier: a.NameQualifier, SPNameQualifier: a.SPNameQualifier}
	return fmt.Sprintf("%s %+v [%s]", a.PlatformID, name, a.SessionIndex)
}

// arrived checks where a login ended and returns the last one who arrived.
func (c *cloud) arrived(t *testing.T, p page, platform string) sp.Arrival {
	t.Helper()
	if p.status != http.StatusOK || !strings.HasPrefix(p.body, "welcome") {
		t.Fatalf("%s: status %d, %s\n%s", p.address, p.status, p.header.Get("X-Reason"), p.body)
	}
	all := c.world.Arrivals()
	if len(all) == 0 || all[len(all)-1].PlatformID != platform {
		t.Fatalf("arrived: %+v", all)
	}
	return all[len(all)-1]
}
