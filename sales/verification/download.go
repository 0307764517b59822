package verification

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/files"
)

// DownloadAttachment says which attachment of a verification to read.
type DownloadAttachment struct {
	VerificationID models.ID
	Position       int // counted from 0
}

// Download prepares one download of an attachment and returns its address, good for five minutes and for the caller's organisation
// only, which shows its credential again. Operators with VERIFICATIONS_REVIEW only.
func (s *Service) Download(ctx context.Context, who models.Principal, cmd DownloadAttachment) (ready files.DownloadReady, err error) {
	if err := mayReview(who); err != nil {
		return ready, err
	}
	if err := cmd.VerificationID.Require(models.PrefixVerification, "verificationId"); err != nil {
		return ready, err
	}
	found, err := s.ByIDs(ctx, who, []models.ID{cmd.VerificationID})
	if err != nil {
		return ready, err
	}
	row, ok := found[cmd.VerificationID]
	switch {
	case !ok:
		return ready, ErrUnknown
	case cmd.Position < 0 || cmd.Position >= len(row.Details.Attachments):
		return ready, models.Invalid("position", fmt.Sprintf("This verification has the attachments 0 to %d.", len(row.Details.Attachments)-1))
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if ready, err = s.Files.GrantIn(ctx, tx, who, models.DownloadOfAttachment, row.ID, cmd.Position); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventVerificationRead, SubjectID: string(row.ID), Data: map[string]any{"customerId": row.CustomerID, "position": cmd.Position},
		})
	})
	return ready, err
}

// OpenDownload takes the token, which works once: it is files.ErrDownloadUnknown when it was used, has expired or is another organisation's.
// Whether the caller may review is asked again, now. A file that is gone or not the one that was submitted is files.ErrGone or files.ErrChanged.
func (s *Service) OpenDownload(ctx context.Context, who models.Principal, token string) (files.Opened, error) {
	if err := mayReview(who); err != nil {
		return files.Opened{}, err
	}
	right, err := s.Files.Redeem(ctx, who, models.DownloadOfAttachment, token)
	if err != nil {
		return files.Opened{}, err
	}
	rows, err := s.ByIDs(ctx, who, []models.ID{right.SubjectID})
	if err != nil {
		return files.Opened{}, err
	}
	row, ok := rows[right.SubjectID]
	if !ok || right.Position >= len(row.Details.Attachments) {
		return files.Opened{}, files.ErrDownloadUnknown
	}
	return s.openFile(ctx, row, right.Position)
}

func (s *Service) openFile(ctx context.Context, row models.Verification, position int) (files.Opened, error) {
	attachment := row.Details.Attachments[position]
	name, err := fileName(row.ID, position, attachment)
	if err != nil {
		return files.Opened{}, err
	}
	body, err := s.openSource(ctx, row, attachment)
	if err != nil {
		return files.Opened{}, err
	}
	file, err := s.Files.SpoolJudged(body, models.UploadAttachment, attachment.Digest)
	if err != nil {
		return files.Opened{}, err
	}
	return files.Opened{Name: name, ContentType: attachment.ContentType, Size: file.Size, Body: file}, nil
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
		err = files.ErrGone
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
