package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the length of a key in bytes: AES-256.
const KeySize = 32

// version opens every sealed value, so that another form can follow.
const version = 1

// ErrOpen says that a value was not sealed here, was changed, belongs to another context, or names a key that is gone.
var ErrOpen = errors.New("seal: the value does not open")

// Sealer seals with its active key and opens with any of its keys. It is safe for concurrent use.
type Sealer struct {
	active string
	aeads  map[string]cipher.AEAD
	blind  []byte
}

// New reads "id:base64,id:base64,...": keys of 32 bytes under short names, the active one first. To rotate, put a new key
// in front and keep the old ones until their rows have been sealed again. The last key also makes the blind indexes,
// which must not change, so it stays last for good. A malformed, repeated or all-zero key is an error that does not
// contain it.
func New(config string) (*Sealer, error) {
	s := &Sealer{aeads: make(map[string]cipher.AEAD)}
	for i, part := range strings.Split(config, ",") {
		id, text, _ := strings.Cut(strings.TrimSpace(part), ":")
		key, err := decodeKey(text)
		if err != nil {
			return nil, fmt.Errorf("seal: key %d: %w", i+1, err)
		}
		if id == "" || len(id) > 64 {
			return nil, fmt.Errorf("seal: key %d: its id must have 1 to 64 characters", i+1)
		}
		if _, repeated := s.aeads[id]; repeated {
			return nil, fmt.Errorf("seal: key %d: its id is used twice", i+1)
		}
		if s.aeads[id], err = newAEAD(key); err != nil {
			return nil, fmt.Errorf("seal: key %d: %w", i+1, err)
		}
		if s.blind, err = derive(key, "blind index"); err != nil {
			return nil, fmt.Errorf("seal: key %d: %w", i+1, err)
		}
		if i == 0 {
			s.active = id
		}
	}
	return s, nil
}

func decodeKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		key, err = base64.RawURLEncoding.DecodeString(text)
	}
	if err != nil || len(key) != KeySize {
		return nil, fmt.Errorf("it must be the base64 of %d bytes", KeySize)
	}
	if hmac.Equal(key, make([]byte, KeySize)) {
		return nil, errors.New("it consists of zeros")
	}
	return key, nil
}

// derive makes a key for one purpose, so that no key serves two algorithms.
func derive(key []byte, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, key, nil, "partnergraph seal: "+purpose, KeySize)
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	derived, err := derive(key, "aes-256-gcm")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal encrypts plain for context, which says where the value belongs ("customers.email:cus_01..."): moved to another
// row or column it does not open. Equal values seal differently each time.
func (s *Sealer) Seal(plain []byte, context string) []byte {
	header := append([]byte{version, byte(len(s.active))}, s.active...)
	return s.aeads[s.active].Seal(header, nil, plain, additional(header, context)) //nolint:gosec // this AEAD draws its own nonce
}

// Open decrypts what Seal made for the same context, else ErrOpen.
func (s *Sealer) Open(sealed []byte, context string) ([]byte, error) {
	id, header, ok := parse(sealed)
	aead := s.aeads[id]
	if !ok || aead == nil {
		return nil, ErrOpen
	}
	plain, err := aead.Open(nil, nil, sealed[len(header):], additional(header, context))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// Stale reports whether sealed should be sealed again because its key is no longer the active one.
func (s *Sealer) Stale(sealed []byte) bool {
	id, _, ok := parse(sealed)
	return !ok || id != s.active
}

// Blind returns the same 64 hex digits for the same value and purpose, to find a sealed value by an index. Normalise the
// value first. Who lacks the key can neither reverse it nor try values out.
func (s *Sealer) Blind(value, purpose string) string {
	mac := hmac.New(sha256.New, s.blind)
	mac.Write(additional([]byte(purpose), value))
	return hex.EncodeToString(mac.Sum(nil))
}

func parse(sealed []byte) (id string, header []byte, ok bool) {
	if len(sealed) < 2 || sealed[0] != version || len(sealed) < 2+int(sealed[1]) {
		return "", nil, false
	}
	header = sealed[:2+int(sealed[1])]
	return string(header[2:]), header, true
}

// additional joins two parts so that no other two parts give the same bytes: each header says its own length, and a
// purpose of the program's own contains no zero byte.
func additional(head []byte, tail string) []byte {
	joined := make([]byte, 0, len(head)+1+len(tail))
	return append(append(append(joined, head...), 0), tail...)
}
