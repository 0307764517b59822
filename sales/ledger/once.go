package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
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
	if err := CheckKey(key); err != nil {
		return err
	}
	if who.IsAnonymous() {
		return models.Unauthenticated("An idempotency key needs a caller to belong to.")
	}
	hash, err := requestHash(operation, input)
	if err != nil {
		return err
	}
	row := models.IdempotencyKey{
		Scope: who.OrganisationID(), Key: key, Operation: operation, RequestHash: hash, Answer: []byte{}, CreatedAt: s.now(),
	}
	// Taking the key waits for whoever holds it in a transaction that has not ended.
	won, err := insertKey(ctx, tx, &row)
	if err != nil {
		return err
	}
	if !won {
		return replay(ctx, tx, row, into)
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

func replay(ctx context.Context, tx bun.IDB, asked models.IdempotencyKey, into any) error {
	stored, err := selectKey(ctx, tx, asked.Scope, asked.Key)
	if err != nil {
		return err
	}
	if stored.Operation != asked.Operation || !bytes.Equal(stored.RequestHash, asked.RequestHash) {
		return ErrKeyReused
	}
	return decodeAnswer(stored.Answer, into)
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
