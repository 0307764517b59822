package apitest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/partnergraph/partnergraph/models"
)

// verification gives the buyer a verification that was rejected, as a row: to bring three files for every buyer of every world would take
// longer than all the rest.
func (w *World) verification(ctx context.Context, t *testing.T, b *Buyer) {
	t.Helper()
	now := w.Now()
	row := models.Verification{
		ID: w.Rooms.IDs(models.PrefixVerification), CustomerID: b.Customer.ID, PartnerID: b.Owner.Partner.ID, Kind: models.VerifyEnterprise,
		CertificateType: models.CertificateLicence, Status: models.VerifyRejected, IsReview: true, Opinion: b.Tag + " opinion",
		CreatedAt: now, DecidedAt: &now,
		Details: models.VerificationDetails{Name: b.Tag + " proven", Number: "91310000", Attachments: []models.VerificationAttachment{
			{Role: models.RoleUnitDocument, ContentType: "image/png", Size: 70, Digest: "none"},
		}},
	}
	plain, err := json.Marshal(row.Details)
	must(t, err)
	row.DetailsSealed = w.Verify.Seal.Seal(plain, "verifications.details:"+string(row.ID))
	_, err = w.DB.NewInsert().Model(&row).Exec(ctx)
	must(t, err)
	w.text(row.Opinion, row.ID)
}

func (w *World) indexVerifications(ctx context.Context, t *testing.T, buyers map[models.ID]*Buyer) {
	t.Helper()
	var rows []models.Verification
	must(t, w.DB.NewSelect().Model(&rows).Scan(ctx))
	for _, row := range rows {
		w.owners[row.ID] = holder{buyer: buyers[row.CustomerID]}
	}
}
