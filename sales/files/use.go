package files

import (
	"context"
	"io"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

// Find returns those of the caller's organisation's uploads that wait to be used, by id; those of others, for another purpose, used and
// expired ones are absent.
func (s *Service) Find(ctx context.Context, who models.Principal, purpose models.UploadPurpose, ids []models.ID) (map[models.ID]models.Upload, error) {
	found := make(map[models.ID]models.Upload, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := selectReady(ctx, s.DB, who.OrganisationID(), purpose, ids, s.now())
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, err
}

// Content returns the content of an upload of the caller's organisation that waits to be used, for this server's own use, or ErrUploadUnknown.
func (s *Service) Content(ctx context.Context, who models.Principal, purpose models.UploadPurpose, id models.ID) ([]byte, error) {
	found, err := s.Find(ctx, who, purpose, []models.ID{id})
	if err != nil {
		return nil, err
	}
	upload, ok := found[id]
	if !ok {
		return nil, ErrUploadUnknown
	}
	body, err := s.Open(ctx, upload)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	file, err := s.spool(body, purpose.MaxBytes())
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// Open reads the file of an upload, or is ErrNoObject. It asks nobody's permission.
func (s *Service) Open(ctx context.Context, upload models.Upload) (io.ReadCloser, error) {
	if s.Objects == nil {
		return nil, ErrUploadsOff
	}
	return s.Objects.Open(ctx, upload.Key())
}

// Spool reads a file of at most the purpose's size into a temporary one, so that all of it is known before any of it is passed on.
func (s *Service) Spool(body io.Reader, purpose models.UploadPurpose) (*Spooled, error) {
	return s.spool(body, purpose.MaxBytes())
}

// KeepIn says in the caller's transaction that something refers to an upload from now on, which nothing else can; ErrUploadUnknown when it is
// not the organisation's, or does not wait to be used any more.
func (s *Service) KeepIn(ctx context.Context, tx bun.IDB, who models.Principal, purpose models.UploadPurpose, id models.ID) error {
	return s.useIn(ctx, tx, who, purpose, id, models.UploadKept)
}

// TakeIn is KeepIn for an upload whose content was copied: the file itself goes with the next sweep.
func (s *Service) TakeIn(ctx context.Context, tx bun.IDB, who models.Principal, purpose models.UploadPurpose, id models.ID) error {
	return s.useIn(ctx, tx, who, purpose, id, models.UploadTaken)
}

func (s *Service) useIn(ctx context.Context, tx bun.IDB, who models.Principal, purpose models.UploadPurpose, id models.ID, state models.UploadState) error {
	used, err := updateUsed(ctx, tx, who.OrganisationID(), purpose, id, state, s.now())
	if err == nil && !used {
		err = ErrUploadUnknown
	}
	return err
}
