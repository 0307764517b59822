package federation

import (
	"context"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// Park keeps a request until its answer comes or it expires. CreatedAt is set when it is zero.
func (s *Service) Park(ctx context.Context, request models.ParkedRequest) error {
	if request.CreatedAt.IsZero() {
		request.CreatedAt = s.now()
	}
	if request.RelayID == "" || len(request.BrowserHash) == 0 || !request.ExpiresAt.After(request.CreatedAt) {
		return models.Invalid("request", "A parked request needs a relay id, a browser's hash and a life.")
	}
	return insertParked(ctx, s.DB, &request)
}

// Take returns a parked request and deletes it in the same statement, so that of two answers one wins. ErrUnknownRequest
// when this platform has none by that id, or it was taken; ErrExpired when it is too old.
func (s *Service) Take(ctx context.Context, platformID, relayID string) (models.ParkedRequest, error) {
	request, found, err := deleteParked(ctx, s.DB, platformID, relayID)
	switch {
	case err != nil:
		return models.ParkedRequest{}, err
	case !found:
		return models.ParkedRequest{}, ErrUnknownRequest
	case !s.now().Before(request.ExpiresAt):
		return models.ParkedRequest{}, ErrExpired
	}
	return request, nil
}

// Once reports whether the platform's assertion is seen for the first time, and remembers it at least until then. Of any
// number of concurrent calls exactly one is told true.
func (s *Service) Once(ctx context.Context, platformID, assertionID string, until time.Time) (bool, error) {
	return insertReplay(ctx, s.DB, &models.ReplayRow{
		PlatformID: platformID, AssertionID: assertionID, Until: until.UTC().Truncate(time.Microsecond),
	})
}

// Swept counts what Sweep deleted.
type Swept struct{ Requests, Replays, FirstLogins, IDPRequests, Participants, Logouts, Tickets int64 }

// sweepAfter is how long expired rows stay, so that clocks of replicas that differ by less never delete each other's.
const sweepAfter = 10 * time.Minute

// Sweep deletes what expired more than ten minutes ago. It is one of the program's background jobs; several at a time do
// no harm.
func (s *Service) Sweep(ctx context.Context) (Swept, error) {
	before := s.now().Add(-sweepAfter)
	var swept Swept
	var err error
	for _, table := range []struct {
		model  any
		column string
		count  *int64
	}{
		{(*models.ParkedRequest)(nil), "expires_at", &swept.Requests},
		{(*models.ReplayRow)(nil), "until", &swept.Replays},
		{(*models.FirstLogin)(nil), "expires_at", &swept.FirstLogins},
		{(*models.IDPRequest)(nil), "expires_at", &swept.IDPRequests},
		{(*models.IDPParticipant)(nil), "expires_at", &swept.Participants},
		{(*models.IDPLogout)(nil), "expires_at", &swept.Logouts},
		{(*models.SignInTicket)(nil), "expires_at", &swept.Tickets},
	} {
		if *table.count, err = deleteBefore(ctx, s.DB, table.model, table.column, before); err != nil {
			return swept, err
		}
	}
	return swept, nil
}
