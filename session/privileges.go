package session

import (
	"crypto/sha256"
	"encoding/json"
	"slices"

	"github.com/partnergraph/partnergraph/models"
)

// privilegesOf is a digest of what decides on what a person may do. It says only whether that changed.
func privilegesOf(user models.User) []byte {
	permissions := slices.Sorted(slices.Values(user.Permissions))
	raw, err := json.Marshal([]any{user.Kind, user.PartnerID, user.CustomerID, permissions})
	if err != nil {
		return nil // strings always encode
	}
	sum := sha256.Sum256(raw)
	return sum[:]
}
