package federation

import (
	"context"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// Park keeps a request until its answer comes or it expires. CreatedAt is set when it is zero.
func (s *Service) Park(ctx context.Context, request models.ParkedRequest) error {
	if err := s.checkParked(&request); err != nil {
		return err
	}
	return insertParked(ctx, s.DB, &request)
}

func (s *Service) checkParked(request *models.ParkedRequest) error {
	if request.CreatedAt.IsZero() {
		request.CreatedAt = s.now()
	}
	if request.RelayID == "" || len(request.BrowserHash) == 0 || !request.ExpiresAt.After(request.CreatedAt) {
		return models.Invalid("request", "A parked request needs a relay id, a browser's hash and a life.")
	}
	return nil
}

// Take returns a parked request and deletes it in the same statement, so that of two answers one wins. ErrUnknownRequest
// when this platform has none by that id, or it was taken; ErrExpired when it is too old.
func (s *Service) Take(ctx context.Context, platformID, relayID string) (models.ParkedRequest, error) {
	request, found, err := deleteParked(ctx, s.DB, platformID, relayID)
	if err != nil {
		return models.ParkedRequest{}, err
	}
	return s.taken(request, found)
}

// taken judges a request that was deleted.
func (s *Service) taken(request models.ParkedRequest, found bool) (models.ParkedRequest, error) {
	switch {
	case !found:
		return models.ParkedRequest{}, ErrUnknownRequest
	case !s.now().Before(request.ExpiresAt):
		return models.ParkedRequest{}, ErrExpired
	}
	return request, nil
}

// ParkLogout keeps a logout request until its answer comes or it expires. CreatedAt is set when it is zero.
func (s *Service) ParkLogout(ctx context.Context, logout models.ParkedLogout) error {
	if logout.CreatedAt.IsZero() {
		logout.CreatedAt = s.now()
	}
	if logout.RelayID == "" || !logout.ExpiresAt.After(logout.CreatedAt) {
		return models.Invalid("logout", "A parked logout needs a relay id and a life.")
	}
	return insertRow(ctx, s.DB, &logout)
}

// TakeLogout returns a parked logout and deletes it in the same statement, with the errors of Take.
func (s *Service) TakeLogout(ctx context.Context, platformID, relayID string) (models.ParkedLogout, error) {
	logout, found, err := deleteLogout(ctx, s.DB, platformID, relayID)
	switch {
	case err != nil:
		return models.ParkedLogout{}, err
	case !found:
		return models.ParkedLogout{}, ErrUnknownRequest
	case !s.now().Before(logout.ExpiresAt):
		return models.ParkedLogout{}, ErrExpired
	}
	return logout, nil
}

// Once reports whether the platform's assertion is seen for the first time, and remembers it at least until then. Of any
// number of concurrent calls exactly one is told true.
func (s *Service) Once(ctx context.Context, platformID, assertionID string, until time.Time) (bool, error) {
	return insertReplay(ctx, s.DB, &models.ReplayRow{
		PlatformID: platformID, AssertionID: assertionID, Until: until.UTC().Truncate(time.Microsecond),
	})
}

// Swept counts what Sweep deleted.
type Swept struct {
	Requests, Logouts, Replays, FirstLogins, TestLogins int64
	IDPRequests, Participants, IDPLogouts, Tickets      int64
}

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
		before time.Time
		count  *int64
	}{
		{(*models.ParkedRequest)(nil), "expires_at", before, &swept.Requests},
		{(*models.ParkedLogout)(nil), "expires_at", before, &swept.Logouts},
		{(*models.ReplayRow)(nil), "until", before, &swept.Replays},
		{(*models.FirstLogin)(nil), "expires_at", before, &swept.FirstLogins},
		{(*models.TestLogin)(nil), "created_at", before.Add(-testReportLife), &swept.TestLogins},
		{(*models.IDPRequest)(nil), "expires_at", before, &swept.IDPRequests},
		{(*models.IDPParticipant)(nil), "expires_at", before, &swept.Participants},
		{(*models.IDPLogout)(nil), "expires_at", before, &swept.IDPLogouts},
		{(*models.SignInTicket)(nil), "expires_at", before, &swept.Tickets},
	} {
		if *table.count, err = deleteBefore(ctx, s.DB, table.model, table.column, table.before); err != nil {
			return swept, err
		}
	}
	return swept, nil
}
