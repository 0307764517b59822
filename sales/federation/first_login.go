package federation

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Arrival is somebody unbound whose assertion was verified.
type Arrival struct {
	ID         models.ID
	PlatformID string
	PartnerID  models.ID
	Data       json.RawMessage // what ParkFirstLogin was given
}

// ParkFirstLogin seals what the assertion said, as JSON, and returns the token with which the create-or-bind page finds
// it again. Only the token's digest is kept.
func (s *Service) ParkFirstLogin(ctx context.Context, platformID string, partnerID models.ID, arrival any) (string, error) {
	data, err := json.Marshal(arrival)
	if err != nil {
		return "", fmt.Errorf("federation: arrival: %w", err)
	}
	token, err := s.token()
	if err != nil {
		return "", err
	}
	life := s.FirstLoginLife
	if life == 0 {
		life = DefaultFirstLoginLife
	}
	now, id := s.now(), s.IDs(models.PrefixFirstLogin)
	return token, insertFirstLogin(ctx, s.DB, &models.FirstLogin{
		ID: id, TokenHash: digestOf(token), PlatformID: platformID, PartnerID: partnerID,
		ArrivalSealed: s.Seal.Seal(data, arrivalContext(id)), CreatedAt: now, ExpiresAt: now.Add(life),
	})
}

// FirstLogin returns the arrival for showing the page again and again; ErrExpired when there is none or it is too old.
func (s *Service) FirstLogin(ctx context.Context, token string) (Arrival, error) {
	row, found, err := selectFirstLogin(ctx, s.DB, digestOf(token))
	return s.open(row, found, err)
}

// TakeFirstLoginIn returns the arrival and deletes it in the caller's transaction, so that it binds once. ErrExpired as
// FirstLogin.
func (s *Service) TakeFirstLoginIn(ctx context.Context, tx bun.IDB, token string) (Arrival, error) {
	row, found, err := deleteFirstLogin(ctx, tx, digestOf(token))
	return s.open(row, found, err)
}

func (s *Service) open(row models.FirstLogin, found bool, err error) (Arrival, error) {
	if err != nil {
		return Arrival{}, err
	}
	if !found || !s.now().Before(row.ExpiresAt) {
		return Arrival{}, ErrExpired
	}
	data, err := s.Seal.Open(row.ArrivalSealed, arrivalContext(row.ID))
	if err != nil {
		return Arrival{}, fmt.Errorf("federation: arrival %s does not open: %w", row.ID, err)
	}
	return Arrival{ID: row.ID, PlatformID: row.PlatformID, PartnerID: row.PartnerID, Data: data}, nil
}

func arrivalContext(id models.ID) string { return "first_logins.arrival:" + string(id) }
