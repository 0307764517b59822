package verification

import (
	"context"
	"errors"
	"fmt"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/files"
)

// attach finds the files of an application, reads those in the partner's bucket, and says what each shows. It changes nothing.
func (s *Service) attach(ctx context.Context, who models.Principal, partnerID models.ID, app application) ([]models.VerificationAttachment, error) {
	roles := models.AttachmentRoles(app.row.Kind, app.row.IdentifyType)
	if len(app.files) != len(roles) {
		return nil, ErrWrongImages
	}
	uploads, err := s.uploads(ctx, who, app.files)
	if err != nil {
		return nil, err
	}
	attached := make([]models.VerificationAttachment, len(roles))
	seen := map[string]bool{}
	for i, role := range roles {
		field := fmt.Sprintf("attachments.%d", i)
		one := models.VerificationAttachment{Role: role}
		if id := app.files[i].UploadID; id != nil {
			upload, found := uploads[*id]
			if !found {
				return nil, at(files.ErrUploadUnknown, field)
			}
			one.UploadID, one.ContentType, one.Size, one.Digest = upload.ID, upload.ContentType, upload.Size, upload.Digest
		} else if one, err = s.fromBucket(ctx, partnerID, *app.files[i].Path, role); err != nil {
			return nil, at(err, field)
		}
		// Two sides of a document are two pictures, and a face is no document.
		if seen[one.Digest] || role == models.RoleFace && one.ContentType == "application/pdf" {
			return nil, at(ErrWrongImages, field)
		}
		seen[one.Digest] = true
		attached[i] = one
	}
	return attached, nil
}

// uploads finds the uploads that the files name, with one statement.
func (s *Service) uploads(ctx context.Context, who models.Principal, named []Attachment) (map[models.ID]models.Upload, error) {
	var ids []models.ID
	for i, file := range named {
		field := fmt.Sprintf("attachments.%d", i)
		if (file.UploadID == nil) == (file.Path == nil) {
			return nil, models.Invalid(field, "An attachment is an uploadId or a path.")
		}
		if file.UploadID == nil {
			continue
		}
		if err := file.UploadID.Require(models.PrefixUpload, field); err != nil {
			return nil, err
		}
		ids = append(ids, *file.UploadID)
	}
	return s.Files.Find(ctx, who, models.UploadAttachment, ids)
}

// fromBucket reads and judges a file in the partner's bucket; nothing of it is kept but its digest.
func (s *Service) fromBucket(ctx context.Context, partnerID models.ID, path string, role models.AttachmentRole) (models.VerificationAttachment, error) {
	none := models.VerificationAttachment{}
	if err := models.CheckAttachmentPath(path, "path"); err != nil {
		return none, err
	}
	kind, _ := models.UploadAttachment.KindOf(path)
	body, err := s.Platforms.OpenAttachment(ctx, partnerID, path)
	if err != nil {
		return none, err
	}
	defer func() { _ = body.Close() }()
	judged, err := s.Files.Judge(ctx, body, models.UploadAttachment, kind)
	if err != nil {
		return none, err
	}
	return models.VerificationAttachment{Role: role, Path: path, ContentType: kind.ContentType, Size: judged.Size, Digest: judged.Digest}, nil
}

// at says which of the files an error is about.
func at(err error, field string) error {
	var ours *models.Error
	if !errors.As(err, &ours) {
		return err
	}
	shown := *ours
	shown.Field = field
	return &shown
}
