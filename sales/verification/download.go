package verification

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/files"
)

// The refusals of downloads.
var (
	ErrDownloadUnknown = &models.Error{Code: models.CodeNotFound, Message: "There is no such download: it was used, has expired, or is another organisation's."}
	ErrChanged         = models.Precondition("ATTACHMENT_CHANGED", "The file in the partner's bucket is not the one that was submitted.")
	ErrGone            = models.Precondition("ATTACHMENT_GONE", "The file is not there any more.")
)

// downloadLife is how long a download waits.
const downloadLife = 5 * time.Minute

// DownloadPath is what the addresses of downloads start with; the token follows.
const DownloadPath = "/downloads/"

// DownloadAttachment says which attachment of a verification to read.
type DownloadAttachment struct {
	VerificationID models.ID
	Position       int // counted from 0
}

// DownloadReady is where the file waits, for one download.
type DownloadReady struct {
	URL       string
	ExpiresAt time.Time
}

// Download prepares one download of an attachment and returns its address, good for five minutes and for the caller's organisation
// only, which shows its credential again. Operators with VERIFICATIONS_REVIEW only.
func (s *Service) Download(ctx context.Context, who models.Principal, cmd DownloadAttachment) (DownloadReady, error) {
	if err := mayReview(who); err != nil {
		return DownloadReady{}, err
	}
	if err := cmd.VerificationID.Require(models.PrefixVerification, "verificationId"); err != nil {
		return DownloadReady{}, err
	}
	found, err := s.ByIDs(ctx, who, []models.ID{cmd.VerificationID})
	if err != nil {
		return DownloadReady{}, err
	}
	row, ok := found[cmd.VerificationID]
	switch {
	case !ok:
		return DownloadReady{}, ErrUnknown
	case cmd.Position < 0 || cmd.Position >= len(row.Details.Attachments):
		return DownloadReady{}, models.Invalid("position", fmt.Sprintf("This verification has the attachments 0 to %d.", len(row.Details.Attachments)-1))
	}
	raw := make([]byte, 32)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return DownloadReady{}, fmt.Errorf("verification: randomness: %w", err)
	}
	token, now := base64.RawURLEncoding.EncodeToString(raw), s.now()
	right := models.VerificationDownload{
		ID: s.IDs(models.PrefixVerificationFile), TokenHash: digestOf(token), OrganisationID: who.OrganisationID(),
		VerificationID: row.ID, Position: cmd.Position, CreatedAt: now, ExpiresAt: now.Add(downloadLife),
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insertRow(ctx, tx, &right); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventVerificationRead, SubjectID: string(row.ID), Data: map[string]any{"customerId": row.CustomerID, "position": cmd.Position},
		})
	})
	return DownloadReady{URL: s.Origin + DownloadPath + token, ExpiresAt: right.ExpiresAt}, err
}

// Opened is an attachment that is being downloaded, whole and unchanged. It is for one goroutine; close it.
type Opened struct {
	Name        string // made here; nothing of it comes from whoever submitted the file
	ContentType string // of an image or a PDF
	Size        int64  // in bytes
	Body        io.ReadCloser
}

// OpenDownload takes the token, which works once: it is ErrDownloadUnknown when it was used, has expired or is another organisation's.
// Whether the caller may review is asked again, now. A file that is gone or not the one that was submitted is ErrGone or ErrChanged.
func (s *Service) OpenDownload(ctx context.Context, who models.Principal, token string) (Opened, error) {
	if err := mayReview(who); err != nil {
		return Opened{}, err
	}
	right, found, err := deleteDownload(ctx, s.DB, digestOf(token), who.OrganisationID())
	switch {
	case err != nil:
		return Opened{}, err
	case !found || !s.Now().Before(right.ExpiresAt):
		return Opened{}, ErrDownloadUnknown
	}
	rows, err := s.ByIDs(ctx, who, []models.ID{right.VerificationID})
	if err != nil {
		return Opened{}, err
	}
	row, ok := rows[right.VerificationID]
	if !ok || right.Position >= len(row.Details.Attachments) {
		return Opened{}, ErrDownloadUnknown
	}
	return s.openFile(ctx, row, right.Position)
}

func (s *Service) openFile(ctx context.Context, row models.Verification, position int) (Opened, error) {
	attachment := row.Details.Attachments[position]
	name, err := fileName(row.ID, position, attachment)
	if err != nil {
		return Opened{}, err
	}
	body, err := s.openSource(ctx, row, attachment)
	if err != nil {
		return Opened{}, err
	}
	defer func() { _ = body.Close() }()
	// Nothing is passed on before all of it is known to be what was judged.
	file, err := s.Files.Spool(body, models.UploadAttachment)
	if err != nil {
		return Opened{}, err
	}
	if file.Digest != attachment.Digest {
		_ = file.Close()
		return Opened{}, ErrChanged
	}
	return Opened{Name: name, ContentType: attachment.ContentType, Size: file.Size, Body: file}, nil
}

func (s *Service) openSource(ctx context.Context, row models.Verification, attachment models.VerificationAttachment) (io.ReadCloser, error) {
	var body io.ReadCloser
	var err error
	if attachment.Path != "" {
		body, err = s.Platforms.OpenAttachment(ctx, row.PartnerID, attachment.Path)
	} else {
		kind, _ := kindOf(attachment)
		body, err = s.Files.Open(ctx, models.Upload{ID: attachment.UploadID, Extension: kind.Extensions[0]})
	}
	if errors.Is(err, files.ErrNoObject) || errors.Is(err, exposure.ErrAttachmentMissing) || errors.Is(err, exposure.ErrNoBucket) {
		err = ErrGone
	}
	return body, err
}

func fileName(id models.ID, position int, attachment models.VerificationAttachment) (string, error) {
	kind, ok := kindOf(attachment)
	if !ok {
		return "", fmt.Errorf("verification: attachment %d of %s is %q", position, id, attachment.ContentType)
	}
	return fmt.Sprintf("%s-%d.%s", id, position, kind.Extensions[0]), nil
}

func kindOf(attachment models.VerificationAttachment) (models.FileKind, bool) {
	for _, extension := range []string{".jpg", ".png", ".gif", ".bmp", ".pdf"} {
		if kind, ok := models.UploadAttachment.KindOf(extension); ok && kind.ContentType == attachment.ContentType {
			return kind, true
		}
	}
	return models.FileKind{}, false
}

// SweepDownloads forgets what was not downloaded in time and returns how many that were.
func (s *Service) SweepDownloads(ctx context.Context) (int64, error) {
	return deleteDownloadsBefore(ctx, s.DB, s.Now().UTC())
}

func digestOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
