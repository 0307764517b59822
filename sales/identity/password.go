package identity

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/partnergraph/partnergraph/models"
)

// Cost says how dear one password hash is. Hashes carry their cost, so changing it leaves old ones valid.
type Cost struct {
	MemoryKiB uint32 // at least 8 per thread
	Passes    uint32
	Threads   uint8
}

// DefaultCost returns 19 MiB, two passes, one thread: what OWASP recommends for argon2id.
func DefaultCost() Cost { return Cost{MemoryKiB: 19 * 1024, Passes: 2, Threads: 1} }

// Sizes of what a hash consists of, in bytes.
const (
	saltSize = 16
	hashSize = 32
)

// Hasher hashes and checks passwords with argon2id, a bounded number at a time, because each takes the cost's memory.
// It is safe for concurrent use.
type Hasher struct {
	cost   Cost
	random io.Reader
	slots  chan struct{}
	decoy  string // the hash of nobody's password, to spend the same time on unknown names
}

// NewHasher returns a hasher that works on at most parallel passwords at once; random must be of cryptographic quality.
func NewHasher(cost Cost, random io.Reader, parallel int) (*Hasher, error) {
	h := &Hasher{cost: cost, random: random, slots: make(chan struct{}, max(1, parallel))}
	nobody := make([]byte, hashSize)
	if _, err := io.ReadFull(random, nobody); err != nil {
		return nil, fmt.Errorf("identity: randomness: %w", err)
	}
	decoy, err := h.Hash(context.Background(), string(nobody))
	h.decoy = decoy
	return h, err
}

// Hash returns the PHC string of the password ($argon2id$v=19$m=..,t=..,p=..$salt$hash) with a fresh salt.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(h.random, salt); err != nil {
		return "", fmt.Errorf("identity: randomness: %w", err)
	}
	sum, err := h.sum(ctx, password, salt, h.cost, hashSize)
	if err != nil {
		return "", err
	}
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, h.cost.MemoryKiB, h.cost.Passes, h.cost.Threads, encode(salt), encode(sum)), nil
}

// Matches reports whether the password is the one that was hashed. A malformed hash is an error; no password matches the
// empty hash, and saying so takes as long as a real comparison.
func (h *Hasher) Matches(ctx context.Context, password, hash string) (bool, error) {
	known := hash != ""
	if !known {
		hash = h.decoy
	}
	cost, salt, want, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	got, err := h.sum(ctx, password, salt, cost, uint32(len(want)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func (h *Hasher) sum(ctx context.Context, password string, salt []byte, cost Cost, size uint32) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(password), salt, cost.Passes, cost.MemoryKiB, cost.Threads, size), nil
}

var errPHC = errors.New("identity: a stored password hash is malformed")

// parsePHC reads a hash of ours and refuses costs that would let a row in the table take the server down.
func parsePHC(hash string) (cost Cost, salt, sum []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return Cost{}, nil, nil, errPHC
	}
	n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &cost.MemoryKiB, &cost.Passes, &cost.Threads)
	if err != nil || n != 3 || cost.Threads == 0 || cost.Passes == 0 || cost.Passes > 16 || cost.MemoryKiB > 1<<20 {
		return Cost{}, nil, nil, errPHC
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	sum, sumErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || sumErr != nil || len(salt) < 8 || len(sum) < 16 || len(sum) > 64 {
		return Cost{}, nil, nil, errPHC
	}
	return cost, salt, sum, nil
}

// checkPassword applies the rule for new passwords: 10 to 128 characters, no control characters, not the login name.
// Length is what counts, so no kinds of character are asked for.
func checkPassword(password, loginName, field string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return models.Invalid(field, "A password has no control characters.")
	case n < 10 || n > 128:
		return models.Invalid(field, "A password has 10 to 128 characters.")
	case strings.EqualFold(password, loginName):
		return models.Invalid(field, "A password is not the login name.")
	}
	return nil
}
