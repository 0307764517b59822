package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const sealKeys = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// program is the real one, built once for all tests of this package.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "partnergraph-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "partnergraph")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := program(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// command prepares the program with these arguments and nothing of the caller's settings.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	return cmd
}

// run runs it to its end.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := command(t, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return exit.ExitCode(), out.String(), errs.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out.String(), errs.String()
}

func TestServeRefusesToStart(t *testing.T) {
	t.Parallel()
	good := func() []string {
		return []string{
			"serve", "--listen", "127.0.0.1:0", "--public-url", "https://sales.example.com", "--migrate", "--seal-keys", sealKeys,
			"--database-url", "sqlite://" + filepath.Join(t.TempDir(), "x.db"),
		}
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing is set":          {[]string{"serve"}, "setting public-url: "},
		"plain http":              {append(good(), "--public-url", "http://sales.example.com"), "setting public-url: "},
		"bad seal keys":           {append(good(), "--seal-keys", "k1:short"), "setting seal-keys: "},
		"another database":        {append(good(), "--database-url", "mysql://x"), "setting database-url: "},
		"another cache":           {append(good(), "--cache-url", "memcached://x"), "setting cache-url: "},
		"no such documents":       {append(good(), "--trusted-documents", "/does/not/exist.json"), "setting trusted-documents: "},
		"an address in use":       {append(good(), "--listen", "192.0.2.1:80"), "setting listen: "},
		"a metrics address":       {append(good(), "--metrics-listen", "192.0.2.1:80"), "setting metrics-listen: "},
		"an unknown log level":    {append(good(), "--log-level", "loud"), "--log-level"},
		"an unknown flag":         {append(good(), "--colour", "red"), "--colour"},
		"words for a number":      {append(good(), "--max-depth", "deep"), "--max-depth"},
		"a duration without unit": {append(good(), "--session-idle", "30"), "--session-idle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, stderr := run(t, c.args...)
			if code != 1 || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "goroutine ") {
				t.Errorf("exit %d: %s", code, stderr)
			}
		})
	}
}

func TestServeFromTheEnvironmentUntilASignal(t *testing.T) {
	t.Parallel()
	url := "sqlite://" + filepath.Join(t.TempDir(), "serve.db")
	if code, _, stderr := run(t, "migrate", "--database-url", url); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	cmd := command(t, "serve", "--dev")
	cmd.Env = append(cmd.Env, "PARTNERGRAPH_LISTEN=127.0.0.1:0", "PARTNERGRAPH_PUBLIC_URL=http://localhost:8080", "PARTNERGRAPH_SEAL_KEYS="+sealKeys, "PARTNERGRAPH_DATABASE_URL="+url)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	addr := ""
	for addr == "" && lines.Scan() {
		var line struct{ Msg, Addr string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Errorf("not a line of JSON: %s", lines.Text())
		}
		if line.Msg == "serving" {
			addr = line.Addr
		}
	}
	resp, err := http.Get("http://" + addr + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("readyz: %d", resp.StatusCode)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // to the end, as Wait asks
		if strings.Contains(lines.Text(), `"level":"ERROR"`) {
			t.Error(lines.Text())
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func TestMigrateUpDownStatus(t *testing.T) {
	t.Parallel()
	url := "sqlite://" + filepath.Join(t.TempDir(), "migrate.db")
	count := func(want string, args ...string) (n int) {
		t.Helper()
		code, stdout, stderr := run(t, append([]string{"migrate", "--database-url", url}, args...)...)
		if code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, stderr)
		}
		for line := range strings.Lines(stdout) {
			if strings.HasPrefix(line, want+" ") {
				n++
			}
		}
		return n
	}
	all := count("pending", "--status")
	if all == 0 || count("applied", "--status") != 0 {
		t.Fatalf("an empty database: %d pending", all)
	}
	if n := count("applied"); n != all {
		t.Errorf("up: %d of %d", n, all)
	}
	if n := count("applied"); n != all {
		t.Errorf("up again: %d of %d", n, all)
	}
	if n := count("pending", "--down", "2"); n != 2 {
		t.Errorf("down 2: %d pending", n)
	}
	if n := count("applied"); n != all {
		t.Errorf("up after down: %d of %d", n, all)
	}
	if n := count("pending", "--down", fmt.Sprint(all)); n != all {
		t.Errorf("all the way down: %d pending of %d", n, all)
	}
	for _, args := range [][]string{{"migrate"}, {"migrate", "--database-url", "mysql://x"}, {"migrate", "--database-url", url, "--down=-1"}, {"migrate", "--database-url", url, "--down", "1", "--status"}} {
		if code, _, stderr := run(t, args...); code != 1 || stderr == "" {
			t.Errorf("%v: exit %d: %s", args, code, stderr)
		}
	}
}

func TestSeed(t *testing.T) {
	t.Parallel()
	url := "sqlite://" + filepath.Join(t.TempDir(), "seed.db")
	args := []string{"seed", "--database-url", url, "--partners", "5", "--customers", "100", "--orders", "1000"}
	code, stdout, stderr := run(t, args...)
	if code != 0 || !strings.Contains(stdout, "1000") || stderr == "" {
		t.Fatalf("exit %d: %s %s", code, stdout, stderr)
	}
	if code, _, stderr := run(t, args...); code != 1 || !strings.Contains(stderr, "empty") {
		t.Errorf("into a database that holds something: exit %d: %s", code, stderr)
	}
	quiet := append([]string{"seed", "--quiet", "--database-url", "sqlite://" + filepath.Join(t.TempDir(), "quiet.db")}, args[3:]...)
	if code, _, stderr := run(t, quiet...); code != 0 || stderr != "" {
		t.Errorf("quiet: exit %d: %s", code, stderr)
	}
}

func TestVersionAndHelp(t *testing.T) {
	t.Parallel()
	if code, stdout, _ := run(t, "version"); code != 0 || strings.TrimSpace(stdout) == "" {
		t.Errorf("version: %d %q", code, stdout)
	}
	code, stdout, _ := run(t, "serve", "--help")
	if code != 0 || !strings.Contains(stdout, "PARTNERGRAPH_SEAL_KEYS") || !strings.Contains(stdout, "--[no-]introspection") {
		t.Errorf("help: %d %s", code, stdout)
	}
}

func TestKeysCommands(t *testing.T) {
	t.Parallel()
	code, key, stderr := run(t, "keys", "seal", "--id", "2026a")
	if code != 0 || !strings.HasPrefix(key, "2026a:") {
		t.Fatalf("seal: %d %q %q", code, key, stderr)
	}
	url := "sqlite://" + filepath.Join(t.TempDir(), "keys.db")
	if code, _, stderr = run(t, "migrate", "--database-url", url); code != 0 {
		t.Fatalf("migrate: %d %s", code, stderr)
	}
	if code, stdout, stderr := run(t, "keys", "list", "--database-url", url); code != 0 || !strings.Contains(stdout, "no signing keys") {
		t.Errorf("list: %d %q %q", code, stdout, stderr)
	}
	for want, args := range map[string][]string{
		"no platform":     {"keys", "next", "--database-url", url, "--seal-keys", strings.TrimSpace(key), "--platform", "acme_IDP"},
		"seal-keys":       {"keys", "next", "--database-url", url, "--seal-keys", "k1", "--platform", "acme_IDP"},
		"--algorithm":     {"keys", "next", "--database-url", url, "--seal-keys", "k1", "--platform", "acme_IDP", "--algorithm", "RSA_512"},
		"name the key":    {"keys", "activate", "--database-url", url},
		"no such next":    {"keys", "retire", "--database-url", url, "--platform", "acme_IDP"},
		"--database-url=": {"keys", "list"},
	} {
		if code, stdout, stderr := run(t, args...); code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%v: %d %q %q, want %s", args, code, stdout, stderr, want)
		}
	}
}
