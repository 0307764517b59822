//go:build e2e

package peers_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

// leash runs a program until its own standard input ends, which happens when the test process is gone, however it went.
const leash = `"$@" </dev/null & pid=$!; read -r _; kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null`

// need returns the path of a program, or fails with what to install.
func need(t *testing.T, program, from string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is missing: install %s", program, from)
	}
	return path
}

// log collects what a process says; it is read while the process still writes.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start runs a peer until the end of the test and waits until it listens; what it said is shown when the test fails.
func start(t *testing.T, listen string, environ []string, program string, args ...string) {
	t.Helper()
	said := &log{}
	cmd := exec.Command("/bin/sh", append([]string{"-c", leash, "sh", program}, args...)...)
	cmd.Env = append(os.Environ(), environ...)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	hold, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = hold.Close()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whoever of the group is left
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(program), said)
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listen)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen on %s: %v\n%s", program, listen, err, said)
		}
	}
}

// freeAddress finds a loopback port that nobody has now; the peers cannot say which one they took.
func freeAddress(t *testing.T) (listen, port string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	listen = listener.Addr().String()
	_, port, _ = net.SplitHostPort(listen)
	return listen, port
}

// place is a peer's private directory.
type place struct {
	t   *testing.T
	dir string
	// uid and gid own the files; -1 is whoever runs the test.
	uid, gid int
}

// newPlace makes a directory that only one account can enter: ours, or, when root starts a server that gives its rights up, that server's.
func newPlace(t *testing.T, account string) *place {
	t.Helper()
	p := &place{t: t, uid: -1, gid: -1}
	var err error
	if p.dir, err = os.MkdirTemp("", "peers-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(p.dir) })
	if account != "" && os.Geteuid() == 0 {
		who, err := user.Lookup(account)
		if err != nil {
			t.Fatal(err)
		}
		p.uid, _ = strconv.Atoi(who.Uid)
		p.gid, _ = strconv.Atoi(who.Gid)
	}
	p.own(p.dir)
	return p
}

func (p *place) own(path string) {
	p.t.Helper()
	if p.uid < 0 {
		return
	}
	if err := os.Chown(path, p.uid, p.gid); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

func (p *place) mkdir(names ...string) {
	p.t.Helper()
	for _, name := range names {
		if err := os.Mkdir(p.path(name), 0o700); err != nil {
			p.t.Fatal(err)
		}
		p.own(p.path(name))
	}
}

func (p *place) write(name string, content []byte) string {
	p.t.Helper()
	if err := os.WriteFile(p.path(name), content, 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.own(p.path(name))
	return p.path(name)
}

// keys writes a peer's key pair to name.key and name.crt.
func (p *place) keys(name string, key samltest.Key) {
	p.t.Helper()
	p.write(name+".key", keyPEM(key))
	p.write(name+".crt", certPEM(key.Cert))
}

func keyPEM(key samltest.Key) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key.Signer.(*rsa.PrivateKey))})
}

func certPEM(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}

// active is a key of ours that signs.
func active(key samltest.Key) saml.SigningKey {
	return saml.SigningKey{Signer: key.Signer, Cert: key.Cert, State: saml.KeyActive}
}

func (p *place) read(name string) []byte {
	p.t.Helper()
	content, err := os.ReadFile(p.path(name))
	if err != nil {
		p.t.Fatal(err)
	}
	return content
}
