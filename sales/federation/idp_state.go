package federation

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Waiting is a sign-in or a logout of a platform as identity provider that goes on in another request. Body is the door's own word of
// it; it is sealed.
type Waiting struct {
	ID          string // what names it in addresses; only its digest is kept
	PlatformID  string
	BrowserHash []byte // of a sign-in: of the token that its browser holds
	Body        json.RawMessage
	ExpiresAt   time.Time
}

func (w Waiting) check() error {
	if len(w.ID) < 22 || w.PlatformID == "" || w.ExpiresAt.IsZero() {
		return models.Invalid("id", "What waits needs an id that cannot be guessed, a platform and an end.")
	}
	return nil
}

// ParkIDPRequest keeps a checked request until its person has signed in.
func (s *Service) ParkIDPRequest(ctx context.Context, w Waiting) error {
	if err := w.check(); err != nil {
		return err
	}
	if len(w.BrowserHash) == 0 {
		return models.Invalid("browserHash", "A parked request belongs to a browser.")
	}
	hash := digestOf(w.ID)
	return insertRow(ctx, s.DB, &models.IDPRequest{
		IDHash: hash, PlatformID: w.PlatformID, BodySealed: s.Seal.Seal(w.Body, requestContext(hash)), BrowserHash: w.BrowserHash,
		ExpiresAt: moment(w.ExpiresAt),
	})
}

// FindIDPRequest returns a parked request and leaves it; ErrUnknownRequest when this platform has none by that id that has not expired.
func (s *Service) FindIDPRequest(ctx context.Context, platformID, id string) (Waiting, error) {
	row, found, err := selectIDPRequest(ctx, s.DB, platformID, digestOf(id))
	return s.openIDPRequest(row, id, found, err)
}

// TakeIDPRequest returns a parked request and deletes it in the same statement, so that of two callers one gets it.
func (s *Service) TakeIDPRequest(ctx context.Context, platformID, id string) (Waiting, error) {
	row, found, err := deleteIDPRequest(ctx, s.DB, platformID, digestOf(id))
	return s.openIDPRequest(row, id, found, err)
}

func (s *Service) openIDPRequest(row models.IDPRequest, id string, found bool, err error) (Waiting, error) {
	switch {
	case err != nil:
		return Waiting{}, err
	case !found || !s.now().Before(row.ExpiresAt):
		return Waiting{}, ErrUnknownRequest
	}
	body, err := s.Seal.Open(row.BodySealed, requestContext(row.IDHash))
	if err != nil {
		return Waiting{}, fmt.Errorf("federation: a parked request of %s does not open: %w", row.PlatformID, err)
	}
	return Waiting{ID: id, PlatformID: row.PlatformID, BrowserHash: row.BrowserHash, Body: body, ExpiresAt: row.ExpiresAt}, nil
}

// SaveIDPLogout writes a logout on its way, new or changed.
func (s *Service) SaveIDPLogout(ctx context.Context, w Waiting) error {
	if err := w.check(); err != nil {
		return err
	}
	hash := digestOf(w.ID)
	return upsertIDPLogout(ctx, s.DB, &models.IDPLogout{
		IDHash: hash, PlatformID: w.PlatformID, BodySealed: s.Seal.Seal(w.Body, logoutContext(hash)), ExpiresAt: moment(w.ExpiresAt),
	})
}

// TakeIDPLogout returns a logout and deletes it in the same statement; ErrUnknownRequest when this platform has none by that id that
// has not expired.
func (s *Service) TakeIDPLogout(ctx context.Context, platformID, id string) (Waiting, error) {
	row, found, err := deleteIDPLogout(ctx, s.DB, platformID, digestOf(id))
	switch {
	case err != nil:
		return Waiting{}, err
	case !found || !s.now().Before(row.ExpiresAt):
		return Waiting{}, ErrUnknownRequest
	}
	body, err := s.Seal.Open(row.BodySealed, logoutContext(row.IDHash))
	if err != nil {
		return Waiting{}, fmt.Errorf("federation: a logout of %s does not open: %w", row.PlatformID, err)
	}
	return Waiting{ID: id, PlatformID: row.PlatformID, Body: body, ExpiresAt: row.ExpiresAt}, nil
}

// Participant is a service provider that a session signed in to, as it was told. Name is the whole name identifier, format and
// qualifiers included, in one text that is the same every time.
type Participant struct {
	SessionID         models.ID
	PlatformID        string
	ServiceProviderID models.ID
	Name              string
	SessionIndex      string
	ExpiresAt         time.Time
}

// Join remembers a participant; joining again replaces what it was told under this index.
func (s *Service) Join(ctx context.Context, p Participant) error {
	if p.SessionID == "" || p.ServiceProviderID == "" || p.PlatformID == "" {
		return models.Invalid("sessionId", "A participant needs a session, a platform and a service provider.")
	}
	row := models.IDPParticipant{
		SessionID: p.SessionID, ServiceProviderID: p.ServiceProviderID, SessionIndex: p.SessionIndex, PlatformID: p.PlatformID,
		NameBlind: s.blindName(p.PlatformID, p.ServiceProviderID, p.Name), ExpiresAt: moment(p.ExpiresAt),
	}
	row.NameSealed = s.Seal.Seal([]byte(p.Name), participantContext(row))
	return upsertParticipant(ctx, s.DB, &row)
}

// ParticipantsOf returns who was told of a session, in the order of their ids.
func (s *Service) ParticipantsOf(ctx context.Context, sessionID models.ID) ([]Participant, error) {
	rows, err := selectParticipants(ctx, s.DB, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("ip.session_id = ?", sessionID) })
	return s.openParticipants(rows, err)
}

// ParticipantsNamed returns the participants of one service provider that were told this name, and one of these indexes when there
// are any.
func (s *Service) ParticipantsNamed(ctx context.Context, platformID string, provider models.ID, name string, indexes []string) ([]Participant, error) {
	blind := s.blindName(platformID, provider, name)
	rows, err := selectParticipants(ctx, s.DB, func(q *bun.SelectQuery) *bun.SelectQuery {
		q = q.Where("ip.platform_id = ? AND ip.service_provider_id = ? AND ip.name_blind = ?", platformID, provider, blind)
		if len(indexes) > 0 {
			q = q.Where("ip.session_index IN (?)", bun.List(indexes))
		}
		return q
	})
	return s.openParticipants(rows, err)
}

// LogoutAddresses returns where the service providers that a session signed in to want to hear of its end.
func (s *Service) LogoutAddresses(ctx context.Context, sessionID models.ID) ([]string, error) {
	if sessionID == "" {
		return nil, nil
	}
	providers, err := selectProvidersOfSession(ctx, s.DB, sessionID)
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, provider := range providers {
		if provider.Facts.SLOURL != "" {
			addresses = append(addresses, provider.Facts.SLOURL)
		}
	}
	return addresses, nil
}

// LeaveParticipant forgets a participant; one that is gone already is no error.
func (s *Service) LeaveParticipant(ctx context.Context, p Participant) error {
	return deleteParticipant(ctx, s.DB, p.SessionID, p.ServiceProviderID, p.SessionIndex)
}

func (s *Service) openParticipants(rows []models.IDPParticipant, err error) ([]Participant, error) {
	if err != nil {
		return nil, err
	}
	now := s.now()
	rows = slices.DeleteFunc(rows, func(row models.IDPParticipant) bool { return !now.Before(row.ExpiresAt) })
	found := make([]Participant, len(rows))
	for i, row := range rows {
		name, err := s.Seal.Open(row.NameSealed, participantContext(row))
		if err != nil {
			return nil, fmt.Errorf("federation: a participant of session %s does not open: %w", row.SessionID, err)
		}
		found[i] = Participant{
			SessionID: row.SessionID, PlatformID: row.PlatformID, ServiceProviderID: row.ServiceProviderID, Name: string(name),
			SessionIndex: row.SessionIndex, ExpiresAt: row.ExpiresAt,
		}
	}
	return found, nil
}

// PairwiseID returns a person's persistent name for one service provider: the same every time, opaque, and another for every other
// service provider (Core 8.3.7).
func (s *Service) PairwiseID(platformID, entityID, subjectID string) string {
	return s.Seal.Blind(strings.Join([]string{platformID, entityID, subjectID}, "\x00"), "idp.pairwise_id")
}

// SubjectID returns the person's name on one platform for whichever service provider, 64 lower-case hexadecimal digits: the same every time,
// another one on every other platform, and nobody's who does not hold the key.
func (s *Service) SubjectID(platformID, subjectID string) string {
	return s.Seal.Blind(platformID+"\x00"+subjectID, "idp.subject_id")
}

func (s *Service) blindName(platformID string, provider models.ID, name string) string {
	return s.Seal.Blind(strings.Join([]string{platformID, string(provider), name}, "\x00"), "idp_participants.name")
}

func requestContext(hash []byte) string { return "idp_requests.body:" + hex.EncodeToString(hash) }
func logoutContext(hash []byte) string  { return "idp_logouts.body:" + hex.EncodeToString(hash) }

func participantContext(row models.IDPParticipant) string {
	return "idp_participants.name:" + string(row.SessionID) + ":" + string(row.ServiceProviderID) + ":" + row.SessionIndex
}

// moment is a time as the databases keep it.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
