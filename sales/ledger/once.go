package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/store"
)

const maxKeyLength = 128

// Once runs a request that moves value at most once per key and organisation, in the caller's transaction, and decodes
// its answer into the pointer into. A later call with the same key, operation and input does not run again and gets the
// first answer; with another operation or input it is ErrKeyReused. Of equal calls at the same time one runs and the
// others wait for it. When run fails, so must the transaction, and the key is free again: a refusal is not remembered.
//
// Keys are 1 to 128 printable ASCII characters, else INVALID. Input and answer must survive JSON; the answer is kept for
// good, so it carries ids and amounts, no personal data. Call Once before locking anything.
func (s *Service) Once(ctx context.Context, tx bun.IDB, who models.Principal, key, operation string, input any, run func() (answer any, err error), into any) error {
	row, err := s.NewKey(who, key, operation, input)
	if err != nil {
		return err
	}
	// Taking the key waits for whoever holds it in a transaction that has not ended.
	won, err := insertKey(ctx, tx, &row)
	if err != nil {
		return err
	}
	if !won {
		stored, err := selectKey(ctx, tx, row.Scope, row.Key)
		if err != nil {
			return err
		}
		return Replay(row, stored, into)
	}
	answer, err := run()
	if err != nil {
		return err
	}
	if row.Answer, err = json.Marshal(answer); err != nil {
		return fmt.Errorf("answer of %s: %w", operation, err)
	}
	if err := updateKeyAnswer(ctx, tx, &row); err != nil {
		return err
	}
	// The first caller gets what the later ones will get, not a richer value.
	return decodeAnswer(row.Answer, into)
}

// Carry is Once in a transaction of its own: what most operations that move value are. When run fails nothing is left behind.
func Carry[T any](ctx context.Context, db *store.DB, s *Service, who models.Principal, key, operation string, input any, run func(ctx context.Context, tx bun.IDB) (T, error)) (T, error) {
	var done, none T
	err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		done = none // of an attempt that collided
		return s.Once(ctx, tx, who, key, operation, input, func() (any, error) { return run(ctx, tx) }, &done)
	})
	if err != nil {
		return none, err
	}
	return done, nil
}

// NewKey returns the row of a key that has no answer yet, for a group that takes its keys together. The rules are those of
// Once.
func (s *Service) NewKey(who models.Principal, key, operation string, input any) (models.IdempotencyKey, error) {
	if err := CheckKey(key); err != nil {
		return models.IdempotencyKey{}, err
	}
	if who.IsAnonymous() {
		return models.IdempotencyKey{}, models.Unauthenticated("An idempotency key needs a caller to belong to.")
	}
	hash, err := requestHash(operation, input)
	if err != nil {
		return models.IdempotencyKey{}, err
	}
	return models.IdempotencyKey{
		Scope: who.OrganisationID(), Key: key, Operation: operation, RequestHash: hash, Answer: []byte{}, CreatedAt: s.now(),
	}, nil
}

// Answered returns those of the keys that have taken effect, by scope and key.
func (s *Service) Answered(ctx context.Context, tx bun.IDB, asked []models.IdempotencyKey) (map[[2]string]models.IdempotencyKey, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	rows, err := selectKeys(ctx, tx, asked)
	if err != nil {
		return nil, err
	}
	found := make(map[[2]string]models.IdempotencyKey, len(rows))
	for _, row := range rows {
		found[[2]string{row.Scope, row.Key}] = row
	}
	return found, nil
}

// Replay decodes the answer of a key that took effect before into the pointer into; ErrKeyReused when it was asked for with another
// operation or input.
func Replay(asked, stored models.IdempotencyKey, into any) error {
	if stored.Operation != asked.Operation || !bytes.Equal(stored.RequestHash, asked.RequestHash) {
		return ErrKeyReused
	}
	return decodeAnswer(stored.Answer, into)
}

// AddKeys appends the keys of a group, with their answers, to its script. A key that somebody else has taken meanwhile
// fails the script with store.ErrConflict; looking again with Answered then finds it.
func AddKeys(script *store.Script, keys []models.IdempotencyKey) {
	if len(keys) > 0 {
		script.Insert(&keys)
	}
}

// CheckKey applies the rule for idempotency keys: 1 to 128 printable ASCII characters.
func CheckKey(key string) error {
	if key == "" || len(key) > maxKeyLength {
		return models.Invalid("idempotencyKey", "An idempotency key has 1 to 128 characters.")
	}
	for _, c := range []byte(key) {
		if c < ' ' || c > '~' {
			return models.Invalid("idempotencyKey", "An idempotency key has printable ASCII characters only.")
		}
	}
	return nil
}

func decodeAnswer(answer []byte, into any) error {
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("stored answer: %w", err)
	}
	return nil
}

// requestHash is over JSON, whose encoder writes struct fields in order and map keys sorted: equal inputs, equal bytes.
func requestHash(operation string, input any) ([]byte, error) {
	body, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("input of %s: %w", operation, err)
	}
	sum := sha256.Sum256(append([]byte(operation+"\n"), body...))
	return sum[:], nil
}
