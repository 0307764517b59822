package seal_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/store/seal"
)

func key(id string, fill byte) string {
	return id + ":" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, seal.KeySize))
}

func sealer(t *testing.T, config ...string) *seal.Sealer {
	t.Helper()
	s, err := seal.New(strings.Join(config, ","))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASealedValueOpensInItsOwnPlaceOnly(t *testing.T) {
	t.Parallel()
	s := sealer(t, key("k1", 1))
	sealed := s.Seal([]byte("13800000000"), "customers.phone:1")
	if bytes.Contains(sealed, []byte("1380")) {
		t.Error("the plain text shows")
	}
	if bytes.Equal(sealed, s.Seal([]byte("13800000000"), "customers.phone:1")) {
		t.Error("equal values seal alike, which tells that they are equal")
	}
	plain, err := s.Open(sealed, "customers.phone:1")
	if err != nil || string(plain) != "13800000000" {
		t.Fatalf("Open = %q, %v", plain, err)
	}
	if _, err := s.Open(sealed, "customers.phone:2"); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("another row opened it: %v", err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := s.Open(changed, "customers.phone:1"); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("byte %d changed and it opened: %v", i, err)
		}
		if _, err := s.Open(sealed[:i], "customers.phone:1"); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("cut to %d bytes and it opened: %v", i, err)
		}
	}
}

func TestRotationKeepsOldValuesAndIndexes(t *testing.T) {
	t.Parallel()
	before := sealer(t, key("k1", 1))
	after := sealer(t, key("k2", 2), key("k1", 1))
	sealed := before.Seal([]byte("x"), "c")

	if plain, err := after.Open(sealed, "c"); err != nil || string(plain) != "x" {
		t.Errorf("Open after rotation = %q, %v", plain, err)
	}
	if !after.Stale(sealed) || after.Stale(after.Seal([]byte("x"), "c")) {
		t.Error("Stale does not tell the old key from the active one")
	}
	if _, err := before.Open(after.Seal([]byte("x"), "c"), "c"); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("opened without the key: %v", err)
	}
	if before.Blind("a@example.com", "email") != after.Blind("a@example.com", "email") {
		t.Error("rotation moved the blind index")
	}
}

func TestBlindDependsOnValuePurposeAndKey(t *testing.T) {
	t.Parallel()
	s := sealer(t, key("k1", 1))
	base := s.Blind("v", "p")
	if len(base) != 64 || base != s.Blind("v", "p") {
		t.Errorf("Blind = %q, not 64 stable digits", base)
	}
	for name, other := range map[string]string{
		"value": s.Blind("w", "p"), "purpose": s.Blind("v", "q"), "key": sealer(t, key("k1", 9)).Blind("v", "p"),
	} {
		if other == base {
			t.Errorf("another %s gives the same index", name)
		}
	}
}

func TestBadKeysAreRefusedWithoutShowingThem(t *testing.T) {
	t.Parallel()
	short := base64.StdEncoding.EncodeToString([]byte("short"))
	for name, config := range map[string]string{
		"empty": "", "no id": key("", 1), "too short": "k:" + short, "not base64": "k:%%%", "zeros": key("k", 0),
		"twice": key("k", 1) + "," + key("k", 2), "bad second": key("k", 1) + ",x:" + short,
	} {
		_, err := seal.New(config)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), short) {
			t.Errorf("%s: the error shows the key", name)
		}
	}
}
