package torture_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
)

// long reports whether the proofs are to take their time.
func long() bool { return os.Getenv("PARTNERGRAPH_TORTURE") != "" }

// sized is how much of something a proof does.
func sized(short, much int) int {
	if long() {
		return much
	}
	return short
}

// program is the real one, built once for all tests of this package.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "partnergraph-torture-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "partnergraph")
	out, err := exec.Command("go", "build", "-o", path, "github.com/partnergraph/partnergraph/cmd/partnergraph").CombinedOutput()
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

// command prepares the program with these arguments and nothing of the caller's settings. It dies with the test.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	cmd.SysProcAttr = doomed()
	return cmd
}

// server is the program serving a database, to be killed and started again.
type server struct {
	t           *testing.T
	databaseURL string
	entities    string // the file of who takes money
	client      *http.Client
	address     atomic.Value // string; another one after each start
	process     *exec.Cmd
	read        chan struct{} // closed when its log has ended
	log         lines
}

// entities takes the money of everybody in the world by bank transfer.
const entities = `[{"name": "Cloud", "cloud": "hws", "currency": "CNY", "customers": true, "bankTransfer": {
	"bank": "Bank", "accountName": "Cloud", "accountNumber": "6222 0000 0000 0000", "instructions": "Quote the reference of the recharge."
}}]`

// serve starts the program on a database that apitest has filled.
func serve(t *testing.T, databaseURL string) *server {
	t.Helper()
	s := &server{t: t, databaseURL: databaseURL, entities: filepath.Join(t.TempDir(), "entities.json"), client: &http.Client{
		Timeout: 40 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}}
	if err := os.WriteFile(s.entities, []byte(entities), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(func() {
		s.kill()
		s.client.CloseIdleConnections()
	})
	return s
}

// start runs the program and waits until it says where it serves.
func (s *server) start() {
	s.t.Helper()
	s.process = command(s.t, "serve", "--listen", "127.0.0.1:0", "--public-url", "https://sales.example.com", "--cache-url", "memory:",
		"--database-url", s.databaseURL, "--seal-keys", "k1:"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)), "--rate-limit", "0",
		"--signing-entities", s.entities)
	stderr, err := s.process.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	address := make(chan string, 1)
	s.read = make(chan struct{})
	go func() {
		defer close(s.read)
		defer close(address)
		for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
			var line struct{ Msg, Addr string }
			if json.Unmarshal(scanner.Bytes(), &line) == nil && line.Msg == "serving" {
				address <- line.Addr
			}
			if line.Msg != "request" { // one for each attempt would drown the rest
				s.log.add(scanner.Text())
			}
		}
	}()
	at, ok := <-address
	if !ok {
		s.t.Fatalf("the server did not start:\n%s", s.log.String())
	}
	s.address.Store(at)
}

// kill ends the program with SIGKILL and waits until it is gone.
func (s *server) kill() {
	_ = s.process.Process.Kill()
	<-s.read
	_ = s.process.Wait()
}

// running reports whether it has not ended by itself.
func (s *server) running() bool {
	select {
	case <-s.read:
		return false
	default:
		return s.process.Process.Signal(syscall.Signal(0)) == nil
	}
}

// ready waits until /readyz says so.
func (s *server) ready() {
	s.t.Helper()
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		resp, err := s.client.Get(fmt.Sprintf("http://%v/readyz", s.address.Load()))
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(until) {
			s.t.Fatalf("not ready: %v\n%s", err, s.log.String())
		}
	}
}

// ask posts a GraphQL document. An error means that there was no answer.
func (s *server) ask(ctx context.Context, key, document string, variables map[string]any) (apitest.Answer, error) {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return apitest.Answer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://%v/graphql", s.address.Load()), bytes.NewReader(body))
	if err != nil {
		return apitest.Answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/graphql-response+json")
	r.Header.Set("Authorization", "Bearer "+key)
	resp, err := s.client.Do(r)
	if err != nil {
		return apitest.Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return apitest.Answer{}, err
	}
	return apitest.NewAnswer(resp.StatusCode, resp.Header, answer)
}

// audit runs the audit as an operator does, whose exit code is what counts.
func (s *server) audit() {
	s.t.Helper()
	audit(s.t, s.databaseURL)
}

func audit(t *testing.T, databaseURL string) {
	t.Helper()
	out, err := command(t, "audit", "--database-url", databaseURL).CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err != nil || !strings.Contains(string(out), "0 breaches") {
		t.Errorf("audit: %v\n%s", err, out)
	}
}

// lines are the last of a log. It is safe for concurrent use.
type lines struct {
	mu   sync.Mutex
	last []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = append(l.last, line)
	if len(l.last) > 100 {
		l.last = slices.Delete(l.last, 0, 50)
	}
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.last, "\n")
}
