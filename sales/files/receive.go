package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// cleanUp is how long the end of an upload may take after whoever sent it has gone.
const cleanUp = 30 * time.Second

// errSizeDiffers refuses a file of another size than announced; errTruncated one whose sender stopped early.
var (
	errSizeDiffers = models.Precondition("SIZE_DIFFERS", "The file is not as large as was announced.")
	errTruncated   = models.Precondition("TRUNCATED", "The file did not arrive whole.")
)

// Receive takes the file for a token, which works once whatever comes of it: it is ErrUploadUnknown when it was used, has expired or is
// another organisation's. A file that is refused leaves nothing behind but the row that says why; to try again, announce another
// upload. length is what the request says of its body, -1 when it says nothing; contentType too, "" when nothing. Reasons of
// PRECONDITION_FAILED: SIZE_DIFFERS, TRUNCATED, TYPE_DIFFERS and those of Judge. It needs the permission of the purpose.
func (s *Service) Receive(ctx context.Context, who models.Principal, token string, length int64, contentType string, body io.Reader) (models.Upload, error) {
	if s.Objects == nil {
		return models.Upload{}, ErrUploadUnknown
	}
	now := s.now()
	upload, found, err := startReceiving(ctx, s.DB, digestOf(token), who.OrganisationID(), now, now.Add(receiveLife))
	switch {
	case err != nil:
		return models.Upload{}, err
	case !found, !who.May(upload.Purpose.Permission()):
		return models.Upload{}, ErrUploadUnknown
	}
	err = s.receive(ctx, &upload, length, contentType, body)
	// From here on the row has to tell the truth, also to a sender who has hung up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
	defer cancel()
	if err == nil {
		err = s.finish(ctx, who, upload, models.EventUploadReceived)
	}
	if err != nil {
		return models.Upload{}, s.refuse(ctx, who, upload, err)
	}
	return upload, nil
}

// receive judges the file and keeps it.
func (s *Service) receive(ctx context.Context, upload *models.Upload, length int64, contentType string, body io.Reader) error {
	kind, ok := upload.Purpose.KindOf("." + upload.Extension)
	switch {
	case !ok:
		return fmt.Errorf("files: %s has the extension %q", upload.ID, upload.Extension)
	case length >= 0 && length != upload.Size:
		return errSizeDiffers
	case contentType != "" && !kind.Is(contentType):
		return errTypeDiffers
	}
	file, err := s.spool(body, upload.Size)
	if err != nil {
		return err
	}
	defer file.Close()
	if file.Size != upload.Size {
		return errTruncated
	}
	if err := s.judge(file, upload.Purpose, kind); err != nil {
		return err
	}
	upload.State, upload.Digest, upload.ExpiresAt = models.UploadReady, file.Digest, s.now().Add(useLife)
	if err := s.Objects.Put(ctx, upload.Key(), file, file.Size, kind.ContentType); err != nil {
		return &models.Error{Code: models.CodeUnavailable, Message: "The file could not be kept; announce it again.", Cause: err}
	}
	return nil
}

// finish writes down what became of an upload that was being received; it fails when the sweep was faster.
func (s *Service) finish(ctx context.Context, who models.Principal, upload models.Upload, what models.EventType) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		changed, err := updateReceived(ctx, tx, &upload)
		if err == nil && !changed {
			err = ErrUploadUnknown
		}
		if err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, happened(what, who, upload))
	})
}

// refuse marks the row and removes what may have been kept. What cannot be done now the sweep does later.
func (s *Service) refuse(ctx context.Context, who models.Principal, upload models.Upload, cause error) error {
	reason := models.ReasonOf(cause)
	if reason == "" {
		reason = string(models.CodeOf(cause))
	}
	upload.State, upload.Refusal, upload.Digest, upload.ExpiresAt = models.UploadRefused, reason, "", s.now()
	if err := s.Objects.Remove(ctx, upload.Key()); err != nil {
		s.Logger.WarnContext(ctx, "refused upload not removed", slog.String("upload", string(upload.ID)), slog.Any("error", err))
	} else {
		now := s.now()
		upload.RemovedAt = &now
	}
	if err := s.finish(ctx, who, upload, models.EventUploadRefused); err != nil && !errors.Is(err, ErrUploadUnknown) {
		s.Logger.WarnContext(ctx, "refused upload not marked", slog.String("upload", string(upload.ID)), slog.Any("error", err))
	}
	return cause
}
