package payouts

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/files"
)

// DownloadBankLetter names the certification whose letter is to be read.
type DownloadBankLetter struct {
	CertificationID models.ID
}

// DownloadLetter prepares one download of a bank letter and returns its address, below files.DownloadPath, good for five minutes and
// for the caller's organisation only, which shows its credential again. Operators with PAYOUTS_WRITE only.
func (s *Service) DownloadLetter(ctx context.Context, who models.Principal, cmd DownloadBankLetter) (ready files.DownloadReady, err error) {
	if err := mayPay(who); err != nil {
		return ready, err
	}
	if err := cmd.CertificationID.Require(models.PrefixCertification, "certificationId"); err != nil {
		return ready, err
	}
	found, err := s.CertificationsByIDs(ctx, who, []models.ID{cmd.CertificationID})
	if err != nil {
		return ready, err
	}
	c, ok := found[cmd.CertificationID]
	if !ok {
		return ready, ErrCertificationUnknown
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if ready, err = s.Files.GrantIn(ctx, tx, who, models.DownloadOfBankLetter, c.ID, 0); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventBankLetterOpened, SubjectID: string(c.ID), Data: map[string]any{"partnerId": c.PartnerID},
		})
	})
	return ready, err
}

// OpenDownload takes the token, which works once: it is files.ErrDownloadUnknown when it is none of a letter, was used, has expired or
// is another organisation's. Whether the caller may read letters is asked again, now. A file that is gone or not the one that was submitted is
// files.ErrGone or files.ErrChanged.
func (s *Service) OpenDownload(ctx context.Context, who models.Principal, token string) (files.Opened, error) {
	none := files.Opened{}
	if err := mayPay(who); err != nil {
		return none, err
	}
	right, err := s.Files.Redeem(ctx, who, models.DownloadOfBankLetter, token)
	if err != nil {
		return none, err
	}
	rows, err := s.CertificationsByIDs(ctx, who, []models.ID{right.SubjectID})
	if err != nil {
		return none, err
	}
	c, ok := rows[right.SubjectID]
	if !ok {
		return none, files.ErrDownloadUnknown
	}
	file, err := s.Files.OpenJudged(ctx, models.Upload{ID: c.LetterID, Extension: c.LetterExtension}, models.UploadBankLetter, c.LetterDigest)
	if err != nil {
		return none, err
	}
	return files.Opened{Name: string(c.ID) + "." + c.LetterExtension, ContentType: c.LetterType, Size: file.Size, Body: file}, nil
}
