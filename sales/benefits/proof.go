package benefits

import (
	"context"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/files"
)

// maxProofs is how many files prove one use.
const maxProofs = 10

// SubmitProof shows that money of the fund was used as it was to be.
type SubmitProof struct {
	ApplicationID models.ID
	UploadIDs     []models.ID // 1 to 10 of the caller's own for BENEFIT_PROOF; they replace those of a proof that was refused
}

// SubmitProof hands the proof of an approved use in (N09). The partner itself may, and operators. It needs INCENTIVES_WRITE. Errors: INVALID;
// NOT_FOUND, also for an upload that is not the caller's to use; the reasons of models.BenefitApplication.Move.
func (s *Service) SubmitProof(ctx context.Context, who models.Principal, cmd SubmitProof) (Changed, error) {
	if err := access.Require(who, models.WriteIncentives); err != nil {
		return Changed{}, err
	}
	if len(cmd.UploadIDs) == 0 || len(cmd.UploadIDs) > maxProofs {
		return Changed{}, models.Invalid("uploadIds", "A proof has 1 to 10 files.")
	}
	for _, id := range cmd.UploadIDs {
		if err := id.Require(models.PrefixUpload, "uploadIds"); err != nil {
			return Changed{}, err
		}
	}
	uploads, err := s.Files.Find(ctx, who, models.UploadProof, cmd.UploadIDs)
	if err != nil {
		return Changed{}, err
	}
	proofs := make([]models.BenefitProof, len(cmd.UploadIDs))
	for i, id := range cmd.UploadIDs {
		upload, found := uploads[id]
		if !found {
			return Changed{}, files.ErrUploadUnknown
		}
		proofs[i] = models.BenefitProof{UploadID: id, ContentType: upload.ContentType, Extension: upload.Extension, Size: upload.Size, Digest: upload.Digest}
	}
	return s.move(ctx, who, cmd.ApplicationID, models.MoveProve, func(ctx context.Context, tx bun.IDB, row *models.BenefitApplication, _ *changes, data map[string]any) error {
		for _, id := range cmd.UploadIDs { // an upload that is named twice is used up by then
			if err := s.Files.KeepIn(ctx, tx, who, models.UploadProof, id); err != nil {
				return err
			}
		}
		use := *row.Details.MDF
		use.Proofs = proofs
		row.Details.MDF, row.Opinion = &use, ""
		data["uploads"] = cmd.UploadIDs
		return nil
	})
}

// ReviewProof decides about a proof.
type ReviewProof struct {
	ApplicationID models.ID
	Accept        bool
	Opinion       *string // why not, 1 to 256 characters, for the partner; required unless it is accepted
}

// ReviewProof accepts the proof of a use, which then waits for its payment, or refuses it: the use is approved still, and another proof may come.
// Operators with BENEFITS_REVIEW only. Errors: INVALID, NOT_FOUND; the reasons of models.BenefitApplication.Move.
func (s *Service) ReviewProof(ctx context.Context, who models.Principal, cmd ReviewProof) (Changed, error) {
	if err := mayReview(who); err != nil {
		return Changed{}, err
	}
	if err := checkOpinion(cmd.Accept, cmd.Opinion); err != nil {
		return Changed{}, err
	}
	move := models.MoveRefuseProof
	if cmd.Accept {
		move = models.MoveAcceptProof
	}
	return s.move(ctx, who, cmd.ApplicationID, move, func(_ context.Context, _ bun.IDB, row *models.BenefitApplication, _ *changes, _ map[string]any) error {
		row.Opinion = text(cmd.Opinion)
		return nil
	})
}

// The refusals of downloads.
var (
	ErrProofGone = models.Precondition("PROOF_GONE", "The file is not there any more.")
)

// DownloadProof says which file of a proof to read.
type DownloadProof struct {
	ApplicationID models.ID
	Position      int // counted from 0
}

// DownloadProof prepares one download of a file and returns its address, good for five minutes and for the caller's organisation only, which shows
// its credential again. Operators with BENEFITS_REVIEW only.
func (s *Service) DownloadProof(ctx context.Context, who models.Principal, cmd DownloadProof) (ready files.DownloadReady, err error) {
	if err := mayReview(who); err != nil {
		return ready, err
	}
	row, err := s.application(ctx, who, cmd.ApplicationID)
	if err != nil {
		return ready, err
	}
	if row.Details.MDF == nil || cmd.Position < 0 || cmd.Position >= len(row.Details.MDF.Proofs) {
		return ready, models.Invalid("position", "This application has no such proof.")
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if ready, err = s.Files.GrantIn(ctx, tx, who, models.DownloadOfProof, row.ID, cmd.Position); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventBenefitProofRead, SubjectID: string(row.ID), Data: map[string]any{"partnerId": row.PartnerID, "position": cmd.Position},
		})
	})
	return ready, err
}

func (s *Service) application(ctx context.Context, who models.Principal, id models.ID) (models.BenefitApplication, error) {
	if err := id.Require(models.PrefixBenefitApplication, "applicationId"); err != nil {
		return models.BenefitApplication{}, err
	}
	rows, err := selectApplications(ctx, s.DB, who, []models.ID{id})
	if err == nil && len(rows) == 0 {
		err = ErrApplicationUnknown
	}
	if err != nil {
		return models.BenefitApplication{}, err
	}
	return rows[0], nil
}

// OpenProof takes the token, which works once: it is files.ErrDownloadUnknown when it was used, has expired or is another organisation's. Whether the
// caller may review is asked again, now. A file that is gone, or not the one that was judged, is ErrProofGone.
func (s *Service) OpenProof(ctx context.Context, who models.Principal, token string) (files.Opened, error) {
	if err := mayReview(who); err != nil {
		return files.Opened{}, err
	}
	right, err := s.Files.Redeem(ctx, who, models.DownloadOfProof, token)
	if err != nil {
		return files.Opened{}, err
	}
	row, err := s.application(ctx, who, right.SubjectID)
	if err != nil {
		return files.Opened{}, err
	}
	if row.Details.MDF == nil || right.Position >= len(row.Details.MDF.Proofs) {
		return files.Opened{}, files.ErrDownloadUnknown
	}
	proof := row.Details.MDF.Proofs[right.Position]
	file, err := s.Files.OpenJudged(ctx, models.Upload{ID: proof.UploadID, Extension: proof.Extension}, models.UploadProof, proof.Digest)
	if errors.Is(err, files.ErrGone) || errors.Is(err, files.ErrChanged) {
		err = ErrProofGone
	}
	if err != nil {
		return files.Opened{}, err
	}
	name := fmt.Sprintf("%s-%d.%s", row.ID, right.Position, proof.Extension)
	return files.Opened{Name: name, ContentType: proof.ContentType, Size: file.Size, Body: file}, nil
}
