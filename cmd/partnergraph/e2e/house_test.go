//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/demo"
)

// house is a running demo, and what the tests reach it by.
type house struct {
	info  demo.Info
	rooms *app.Rooms // the cloud's back office: the same database, opened a second time
	shots string
	open  func(t *testing.T) *visitor // a browser nobody has used yet
}

// TestMainJob walks the whole way that a customer goes, in one demo and one browser process.
func TestMainJob(t *testing.T) {
	h := newHouse(t)
	t.Run("demo platform: sign in, create, pay, come back", h.demoPlatform)
	t.Run("demo platform: an existing account is bound", h.existingAccount)
	t.Run("SimpleSAMLphp: configured through the API, sign in, create, pay, come back", h.simpleSAMLphp)
	t.Run("bad logins are refused and change nothing", h.badLogins)
	t.Run("bad payments are refused and take nothing", h.badPayments)
	t.Run("coupons pay before money", h.couponsPay)
	t.Run("a partner's brand is on the pages of its customers", h.brandedPages)
}

func newHouse(t *testing.T) *house {
	dir := t.TempDir()
	h := &house{shots: os.Getenv("E2E_SHOTS")}
	if h.shots == "" {
		h.shots = t.TempDir()
	} else if err := os.MkdirAll(h.shots, 0o755); err != nil {
		t.Fatal(err)
	}
	h.open = startBrowser(t, h.shots)
	h.info = startDemo(t, dir)
	h.rooms = openRooms(t, dir, h.info)
	return h
}

// startDemo builds the program and runs it until the end of the test.
func startDemo(t *testing.T, dir string) demo.Info {
	binary, file := filepath.Join(t.TempDir(), "partnergraph"), filepath.Join(t.TempDir(), "info.json")
	build := exec.Command("go", "build", "-o", binary, "github.com/partnergraph/partnergraph/cmd/partnergraph")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	run(t, exec.Command(binary, "demo", "--listen", "127.0.0.1:0", "--storefront-listen", "127.0.0.1:0", "--dir", dir, "--info", file))
	var info demo.Info
	wait(t, "the demo's info file", 30*time.Second, func() bool {
		raw, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(raw, &info) == nil
	})
	return info
}

// run starts a program that has to live as long as the test, shows what it said if the test fails, and asks it to stop
// at the end.
func run(t *testing.T, cmd *exec.Cmd) {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		late.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(cmd.Path), said.String())
		}
	})
}

// openRooms opens the demo's database beside it, for what no API offers yet: placing and cancelling orders, and letting
// time pass for one row.
func openRooms(t *testing.T, dir string, info demo.Info) *app.Rooms {
	raw, err := os.ReadFile(filepath.Join(dir, "demo-secrets.json"))
	if err != nil {
		t.Fatal(err)
	}
	var secrets struct {
		SealKeys string `json:"sealKeys"`
	}
	if err := json.Unmarshal(raw, &secrets); err != nil {
		t.Fatal(err)
	}
	server, err := app.New(context.Background(), app.Config{
		Listen: "127.0.0.1:0", PublicURL: origin(info.Console), DatabaseURL: "sqlite://" + filepath.Join(dir, "demo.db"), CacheURL: "memory:",
		SealKeys: secrets.SealKeys, Dev: true, MaxConns: 2, OperationTimeout: 10 * time.Second, MaxDepth: 15, MaxAliases: 50, MaxRootFields: 30,
		MaxCost: 50_000, RateWindow: time.Minute, SessionIdle: time.Hour, SessionLife: time.Hour, LogLevel: "error", LogFormat: "text", Cloud: "hws",
	}, app.Options{Version: "e2e", LogOutput: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.Rooms
}

// wait asks again and again until something holds.
func wait(t *testing.T, what string, limit time.Duration, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		if holds() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for %s", limit, what)
		}
	}
}
