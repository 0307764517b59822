package payouts

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
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/verification"
)

// letterLife is how long a download waits.
const letterLife = 5 * time.Minute

// DownloadBankLetter names the certification whose letter is to be read.
type DownloadBankLetter struct {
	CertificationID models.ID
}

// DownloadLetter prepares one download of a bank letter and returns its address, below verification.DownloadPath, good for five minutes and
// for the caller's organisation only, which shows its credential again. Operators with PAYOUTS_WRITE only.
func (s *Service) DownloadLetter(ctx context.Context, who models.Principal, cmd DownloadBankLetter) (verification.DownloadReady, error) {
	none := verification.DownloadReady{}
	if err := mayPay(who); err != nil {
		return none, err
	}
	if err := cmd.CertificationID.Require(models.PrefixCertification, "certificationId"); err != nil {
		return none, err
	}
	found, err := s.CertificationsByIDs(ctx, who, []models.ID{cmd.CertificationID})
	if err != nil {
		return none, err
	}
	c, ok := found[cmd.CertificationID]
	if !ok {
		return none, ErrCertificationUnknown
	}
	raw := make([]byte, 32)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return none, fmt.Errorf("payouts: randomness: %w", err)
	}
	token, now := base64.RawURLEncoding.EncodeToString(raw), s.now()
	right := models.BankLetterDownload{
		TokenHash: digestOf(token), OrganisationID: who.OrganisationID(), CertificationID: c.ID, CreatedAt: now, ExpiresAt: now.Add(letterLife),
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insertDownload(ctx, tx, &right); err != nil {
			return err
		}
		return s.Events.Record(ctx, tx, who, models.Event{
			Type: models.EventBankLetterOpened, SubjectID: string(c.ID), Data: map[string]any{"partnerId": c.PartnerID},
		})
	})
	return verification.DownloadReady{URL: s.Origin + verification.DownloadPath + token, ExpiresAt: right.ExpiresAt}, err
}

// OpenDownload takes the token, which works once: it is verification.ErrDownloadUnknown when it is none of a letter, was used, has expired or
// is another organisation's. Whether the caller may read letters is asked again, now. A file that is gone or not the one that was submitted is
// verification.ErrGone or ErrChanged.
func (s *Service) OpenDownload(ctx context.Context, who models.Principal, token string) (verification.Opened, error) {
	none := verification.Opened{}
	if err := mayPay(who); err != nil {
		return none, err
	}
	right, found, err := deleteDownload(ctx, s.DB, digestOf(token), who.OrganisationID())
	switch {
	case err != nil:
		return none, err
	case !found || !s.Now().Before(right.ExpiresAt):
		return none, verification.ErrDownloadUnknown
	}
	rows, err := s.CertificationsByIDs(ctx, who, []models.ID{right.CertificationID})
	if err != nil {
		return none, err
	}
	c, ok := rows[right.CertificationID]
	if !ok {
		return none, verification.ErrDownloadUnknown
	}
	body, err := s.Files.Open(ctx, models.Upload{ID: c.LetterID, Extension: c.LetterExtension})
	if errors.Is(err, files.ErrNoObject) {
		err = verification.ErrGone
	}
	if err != nil {
		return none, err
	}
	defer func() { _ = body.Close() }()
	// Nothing is passed on before all of it is known to be what was judged.
	file, err := s.Files.Spool(body, models.UploadBankLetter)
	if err != nil {
		return none, err
	}
	if file.Digest != c.LetterDigest {
		_ = file.Close()
		return none, verification.ErrChanged
	}
	return verification.Opened{Name: string(c.ID) + "." + c.LetterExtension, ContentType: c.LetterType, Size: file.Size, Body: file}, nil
}

// SweepDownloads forgets what was not downloaded in time and returns how many that were.
func (s *Service) SweepDownloads(ctx context.Context) (int64, error) {
	return deleteDownloadsBefore(ctx, s.DB, s.now())
}

func digestOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
