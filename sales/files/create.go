package files

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// The refusals of uploads that callers may want to tell apart.
var (
	ErrUploadsOff     = models.Precondition("UPLOADS_OFF", "This server keeps no files: its operator has not configured where.")
	ErrTooManyUploads = models.Precondition("TOO_MANY_UPLOADS", "Too many uploads are open: use them, or wait until they expire.")
	ErrUploadUnknown  = &models.Error{Code: models.CodeNotFound, Message: "There is no such upload: it was used, has expired, or is another organisation's."}
)

const (
	// bringLife is how long the URL of an upload is good for.
	bringLife = 15 * time.Minute
	// receiveLife is how long the file itself may take to arrive and be judged.
	receiveLife = 5 * time.Minute
	// useLife is how long a file waits to be used.
	useLife = 24 * time.Hour
	// maxOpen is how many uploads of an organisation may be neither used nor over.
	maxOpen = 200
)

// UploadPath is what the addresses of uploads start with; the token follows.
const UploadPath = "/uploads/"

// CreateUpload announces a file.
type CreateUpload struct {
	Purpose     models.UploadPurpose
	FileName    string // at most 255 bytes; only its extension is kept
	ContentType string // such as image/jpeg; it must fit the extension
	Size        int64  // in bytes, exactly; at most 10 MiB for attachments, 2 MiB for metadata
}

// CreatedUpload is where the file is to be PUT, once.
type CreatedUpload struct {
	UploadID  models.ID
	URL       string
	ExpiresAt time.Time
}

// Create announces a file and returns the address for it, which is good for 15 minutes, for one PUT, and for the caller's organisation
// only, which shows its credential again. Attachments need CUSTOMERS_WRITE and are for those who may verify, metadata needs
// EXPOSURE_WRITE. Errors: INVALID with the field, and PRECONDITION_FAILED with UPLOADS_OFF, TOO_MANY_UPLOADS or what
// the gate says.
func (s *Service) Create(ctx context.Context, who models.Principal, cmd CreateUpload) (CreatedUpload, error) {
	if !cmd.Purpose.Valid() {
		return CreatedUpload{}, models.Invalid("purpose", "There is no such purpose.")
	}
	if err := access.Require(who, cmd.Purpose.Permission()); err != nil {
		return CreatedUpload{}, err
	}
	if cmd.Purpose == models.UploadAttachment {
		if err := s.Gate.MayAttach(ctx, who); err != nil {
			return CreatedUpload{}, err
		}
	}
	if s.Objects == nil {
		return CreatedUpload{}, ErrUploadsOff
	}
	kind, err := cmd.check()
	if err != nil {
		return CreatedUpload{}, err
	}
	token, err := s.token()
	if err != nil {
		return CreatedUpload{}, err
	}
	now := s.now()
	upload := models.Upload{
		ID: s.IDs(models.PrefixUpload), TokenHash: digestOf(token), OrganisationID: who.OrganisationID(), Purpose: cmd.Purpose,
		ContentType: kind.ContentType, Extension: kind.Extensions[0], Size: cmd.Size, State: models.UploadWaiting,
		CreatedAt: now, ExpiresAt: now.Add(bringLife),
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		open, err := countOpen(ctx, tx, upload.OrganisationID)
		if err != nil {
			return err
		}
		if open >= maxOpen {
			return ErrTooManyUploads
		}
		if err := insertUpload(ctx, tx, &upload); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, happened(models.EventUploadCreated, who, upload))
	})
	if err != nil {
		return CreatedUpload{}, err
	}
	return CreatedUpload{UploadID: upload.ID, URL: s.Origin + UploadPath + token, ExpiresAt: upload.ExpiresAt}, nil
}

func (cmd CreateUpload) check() (models.FileKind, error) {
	kind, err := models.CheckUploadName(cmd.Purpose, cmd.FileName, "fileName")
	switch {
	case err != nil:
		return kind, err
	case !kind.Is(cmd.ContentType):
		return kind, models.Invalid("contentType", "A file of this name is "+kind.ContentType+".")
	case cmd.Size < 1 || cmd.Size > cmd.Purpose.MaxBytes():
		return kind, models.Invalid("size", fmt.Sprintf("A file of this purpose has 1 to %d bytes.", cmd.Purpose.MaxBytes()))
	}
	return kind, nil
}

// token returns 256 random bits as text.
func (s *Service) token() (string, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return "", fmt.Errorf("files: randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

func digestOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// happened is an event about an upload, for the organisation that made it.
func happened(what models.EventType, who models.Principal, upload models.Upload) models.Event {
	data := map[string]any{"purpose": upload.Purpose, "contentType": upload.ContentType, "size": upload.Size}
	if upload.Refusal != "" {
		data["refusal"] = upload.Refusal
	}
	return models.Event{Type: what, PartnerID: who.PartnerID, CustomerID: who.CustomerID, SubjectID: string(upload.ID), Data: data}
}
