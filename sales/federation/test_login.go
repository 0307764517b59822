package federation

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

const (
	// testLinkLife is how long the link of a test login can be used, and then how long its answer may take.
	testLinkLife = 15 * time.Minute
	// testReportLife is how long a test login is kept: what it shows is about a person.
	testReportLife = 24 * time.Hour
)

// CreateTestLogin says whose platform to test.
type CreateTestLogin struct{ PartnerID models.ID }

// CreatedTestLogin is a test login and the link that starts it, once.
type CreatedTestLogin struct {
	TestLogin models.TestLogin
	URL       string
	ExpiresAt time.Time // of the link
}

// CreateTest makes a test login of a platform in any state. Errors: UNAUTHENTICATED, FORBIDDEN without EXPOSURE_WRITE, INVALID,
// NOT_FOUND for a partner that has no access configuration or is not the caller's.
func (s *Service) CreateTest(ctx context.Context, who models.Principal, cmd CreateTestLogin) (CreatedTestLogin, error) {
	if err := access.Require(who, models.WriteExposure); err != nil {
		return CreatedTestLogin{}, err
	}
	if err := cmd.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
		return CreatedTestLogin{}, err
	}
	platform, found, err := selectPlatformOf(ctx, s.DB, who, cmd.PartnerID)
	if err != nil || !found {
		return CreatedTestLogin{}, orNotFound(err, "access configuration")
	}
	token, err := s.token()
	if err != nil {
		return CreatedTestLogin{}, err
	}
	now := s.now()
	test := models.TestLogin{
		ID: s.IDs(models.PrefixTestLogin), PartnerID: cmd.PartnerID, PlatformID: platform.PlatformID, TokenHash: digestOf(token),
		CreatedAt: now, ExpiresAt: now.Add(testLinkLife), State: models.TestWaiting,
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insertRow(ctx, tx, &test); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventTestLoginCreated, SubjectID: string(test.ID), PartnerID: cmd.PartnerID, Data: map[string]any{"platformId": platform.PlatformID},
		})
	})
	link := s.Origin + "/saml/login?" + url.Values{"xAccountType": {platform.PlatformID}, "testLogin": {token}}.Encode()
	return CreatedTestLogin{TestLogin: test, URL: link, ExpiresAt: test.ExpiresAt}, err
}

// BeginTest uses the link's token up and returns the test login that it starts. ErrUnknownRequest when there is none for this
// platform, or it was used; ErrExpired when it is too old.
func (s *Service) BeginTest(ctx context.Context, platformID, token string) (models.ID, error) {
	now := s.now()
	test, found, err := takeTestToken(ctx, s.DB, platformID, digestOf(token))
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", ErrUnknownRequest
	case !now.Before(test.ExpiresAt):
		return "", ErrExpired
	}
	return test.ID, updateTestExpiry(ctx, s.DB, test.ID, now.Add(testLinkLife))
}

// FinishTest keeps what became of a test login; the first report counts.
func (s *Service) FinishTest(ctx context.Context, id models.ID, report models.TestReport) error {
	data, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("federation: report: %w", err)
	}
	return finishTest(ctx, s.DB, id, s.Seal.Seal(data, testContext(id)), s.now())
}

// TestLoginsByIDs returns the test logins with these ids that the caller may see, with what they found; the others are absent.
// FORBIDDEN without EXPOSURE_WRITE: a report holds what a person's assertion says, which reading the settings does not show.
func (s *Service) TestLoginsByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.TestLogin, error) {
	if err := access.Require(who, models.WriteExposure); err != nil {
		return nil, err
	}
	rows, err := selectTests(ctx, s.DB, who, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[models.ID]models.TestLogin, len(rows))
	for _, row := range rows {
		if found[row.ID], err = s.openTest(row); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (s *Service) openTest(row models.TestLogin) (models.TestLogin, error) {
	now := s.now()
	row.State = models.TestWaiting
	switch {
	case !now.Before(row.CreatedAt.Add(testReportLife)), row.FinishedAt == nil && !now.Before(row.ExpiresAt):
		row.State = models.TestExpired
		return row, nil
	case row.FinishedAt == nil:
		return row, nil
	}
	data, err := s.Seal.Open(row.ReportSealed, testContext(row.ID))
	if err != nil {
		return row, fmt.Errorf("federation: report %s does not open: %w", row.ID, err)
	}
	row.State, row.Report = models.TestDone, &models.TestReport{}
	return row, json.Unmarshal(data, row.Report)
}

func testContext(id models.ID) string { return "test_logins.report:" + string(id) }
