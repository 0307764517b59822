package demo

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/sales/payouts"
)

// payouts has a partner certified, and two of its statements under way to its bank account: they wait for its invoices.
func (f filler) payouts(ctx context.Context, partner models.Partner) error {
	if f.Files.Objects == nil { // a server without files certifies nobody
		return nil
	}
	self := itself(partner)
	letter, err := f.letter(ctx, self)
	if err != nil {
		return fmt.Errorf("a bank letter: %w", err)
	}
	submitted, err := f.Payouts.SubmitCertification(ctx, self, payouts.SubmitCertification{
		TaxRate: decimal.New(6, -2), Currency: models.CNY, BankLetterID: letter,
		BankCard: funds.BankCard{Holder: partner.Name, Number: "6222000000000000", Bank: "Demo Bank"},
	})
	if err != nil {
		return fmt.Errorf("a certification: %w", err)
	}
	id, sent := submitted.CommercialCertification.ID, decimal.New(37, -2)
	if _, err := f.Payouts.ReviewCertification(ctx, f.who, payouts.ReviewCertification{CertificationID: id, Approve: true, TestAmount: &sent}); err != nil {
		return fmt.Errorf("a certification: %w", err)
	}
	if _, err := f.Payouts.ConfirmTestAmount(ctx, self, payouts.ConfirmTestAmount{CertificationID: id, Amount: sent}); err != nil {
		return fmt.Errorf("a certification: %w", err)
	}
	method := models.PayoutBank
	if _, err := f.Payouts.SetPreference(ctx, self, payouts.SetPreference{Method: &method}); err != nil {
		return fmt.Errorf("a payout: %w", err)
	}
	requested, err := f.Payouts.RequestPayout(ctx, self, payouts.RequestPayout{Method: method, IdempotencyKey: "demo-payout"})
	if err != nil {
		return fmt.Errorf("a payout: %w", err)
	}
	if _, err := f.Payouts.ReviewPayout(ctx, f.who, payouts.ReviewPayout{PayoutID: requested.PayoutRequest.ID, Approve: true}); err != nil {
		return fmt.Errorf("a payout: %w", err)
	}
	return nil
}

// itself is a program of the partner's, for what nobody does in its name.
func itself(partner models.Partner) models.Principal {
	return models.Principal{
		Kind: models.PartnerKey, PartnerID: partner.ID, PartnerKind: partner.Kind, Permissions: models.DefaultPermissions(models.PartnerKey, partner.Kind), RequestID: "job:demo",
	}
}

// letter brings a white page.
func (f filler) letter(ctx context.Context, self models.Principal) (models.ID, error) {
	var page bytes.Buffer
	if err := png.Encode(&page, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		return "", err
	}
	made, err := f.Files.Create(ctx, self, files.CreateUpload{
		Purpose: models.UploadBankLetter, FileName: "letter.png", ContentType: "image/png", Size: int64(page.Len()),
	})
	if err != nil {
		return "", err
	}
	_, token, _ := strings.Cut(made.URL, files.UploadPath)
	_, err = f.Files.Receive(ctx, self, token, int64(page.Len()), "image/png", &page)
	return made.UploadID, err
}
