package files

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// The refusals of downloads.
var (
	ErrDownloadUnknown = &models.Error{Code: models.CodeNotFound, Message: "There is no such download: it was used, has expired, or is another organisation's."}
	ErrChanged         = models.Precondition("ATTACHMENT_CHANGED", "The file is not the one that was submitted.")
	ErrGone            = models.Precondition("ATTACHMENT_GONE", "The file is not there any more.")
)

// DownloadPath is what the addresses of downloads start with; the token follows.
const DownloadPath = "/downloads/"

// DownloadReady is where a file waits, for one download.
type DownloadReady struct {
	URL       string
	ExpiresAt time.Time
}

// Opened is a file that is being downloaded, whole. It is for one goroutine; close it.
type Opened struct {
	Name        string // made here; nothing of it comes from whoever submitted the file
	ContentType string // as it was judged
	Size        int64  // in bytes
	Body        io.ReadCloser
}

// GrantIn gives the caller's organisation the right to read one file of a subject once, and returns the address, good for five minutes and only with
// a credential of that organisation. Whether the caller may read it is the asking room's to know.
func (s *Service) GrantIn(ctx context.Context, tx bun.IDB, who models.Principal, kind models.DownloadKind, subject models.ID, position int) (DownloadReady, error) {
	token, err := s.token()
	if err != nil {
		return DownloadReady{}, err
	}
	now := s.now()
	right := models.Download{
		TokenHash: digestOf(token), OrganisationID: who.OrganisationID(), Kind: kind, SubjectID: subject, Position: position,
		CreatedAt: now, ExpiresAt: now.Add(models.DownloadLife),
	}
	if err := insertDownload(ctx, tx, &right); err != nil {
		return DownloadReady{}, err
	}
	return DownloadReady{URL: s.Origin + DownloadPath + token, ExpiresAt: right.ExpiresAt}, nil
}

// Granted says what the token is a right to, and leaves it. It is ErrDownloadUnknown when it was used, has expired or is another organisation's.
func (s *Service) Granted(ctx context.Context, who models.Principal, token string) (models.DownloadKind, error) {
	right, found, err := selectDownload(ctx, s.DB, digestOf(token), who.OrganisationID())
	if err == nil && (!found || !s.Now().Before(right.ExpiresAt)) {
		err = ErrDownloadUnknown
	}
	return right.Kind, err
}

// Redeem takes the token, which works once. It is ErrDownloadUnknown when it is of another kind, was used, has expired or is another organisation's.
func (s *Service) Redeem(ctx context.Context, who models.Principal, kind models.DownloadKind, token string) (models.Download, error) {
	right, found, err := deleteDownload(ctx, s.DB, digestOf(token), who.OrganisationID(), kind)
	if err == nil && (!found || !s.Now().Before(right.ExpiresAt)) {
		err = ErrDownloadUnknown
	}
	return right, err
}

// OpenJudged reads a kept file. Nothing of it is passed on before all of it is known to be what was judged: ErrGone, or ErrChanged.
func (s *Service) OpenJudged(ctx context.Context, upload models.Upload, purpose models.UploadPurpose, digest string) (*Spooled, error) {
	body, err := s.Open(ctx, upload)
	if errors.Is(err, ErrNoObject) {
		err = ErrGone
	}
	if err != nil {
		return nil, err
	}
	return s.SpoolJudged(body, purpose, digest)
}

// SpoolJudged is OpenJudged of a file that comes from elsewhere, and closes it.
func (s *Service) SpoolJudged(body io.ReadCloser, purpose models.UploadPurpose, digest string) (*Spooled, error) {
	defer func() { _ = body.Close() }()
	file, err := s.Spool(body, purpose)
	if err != nil {
		return nil, err
	}
	if file.Digest != digest {
		_ = file.Close()
		return nil, ErrChanged
	}
	return file, nil
}

// SweepDownloads forgets what was not downloaded in time and returns how many that were.
func (s *Service) SweepDownloads(ctx context.Context) (int64, error) {
	return deleteDownloadsBefore(ctx, s.DB, s.now())
}
