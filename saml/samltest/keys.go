package samltest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"testing"
	"time"
)

// Key is a private key with a self-signed certificate.
type Key struct {
	Signer crypto.Signer
	Cert   *x509.Certificate
}

// keyring makes each named key once: RSA keys cost a tenth of a second, and a table of a hundred cases wants the same two.
type keyring struct {
	mu   sync.Mutex
	keys map[string]Key
}

var ring = &keyring{keys: map[string]Key{}}

// RSA returns the RSA key of that name, of so many bits; the same name always gives the same key within a test binary.
func RSA(t testing.TB, name string, bits int) Key {
	t.Helper()
	return ring.get(t, name, func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, bits) })
}

// EC returns the P-256 key of that name.
func EC(t testing.TB, name string) Key {
	t.Helper()
	return ring.get(t, name, func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) })
}

func (r *keyring) get(t testing.TB, name string, make func() (crypto.Signer, error)) Key {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if k, ok := r.keys[name]; ok {
		return k
	}
	signer, err := make()
	if err != nil {
		t.Fatal(err)
	}
	k := Key{Signer: signer, Cert: Certificate(t, signer, name, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC))}
	r.keys[name] = k
	return k
}

// Certificate returns a self-signed certificate. Test keys' own are long expired on purpose: dates must not matter.
func Certificate(t testing.TB, signer crypto.Signer, name string, from, until time.Time) *x509.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
