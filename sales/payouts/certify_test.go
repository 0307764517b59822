package payouts_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/payouts"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// moved are the states that the record has of certifications, in order.
func (w *world) moved() (said []string) {
	w.t.Helper()
	var all []models.Event
	w.must(w.DB.NewSelect().Model(&all).Where("ev.type LIKE 'commercial_certification.%'").Order("ev.id").Scan(w.t.Context()))
	for _, event := range all {
		text := func(s *string) string {
			if s == nil {
				return ""
			}
			return *s
		}
		one := strings.TrimPrefix(string(event.Type), "commercial_certification.")
		for _, change := range event.Changes {
			one += fmt.Sprintf(" %s>%s", text(change.Before), text(change.After))
		}
		said = append(said, one)
	}
	return said
}

// TestAPartnerIsCertified goes the whole way of M13 and looks at what is kept and told of it.
func TestAPartnerIsCertified(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		first := w.approved(w.provider, "0.37")
		if first.State != models.CertificationConfirming || first.CardLastFour != "9876" || first.ApprovedAt == nil {
			t.Fatalf("%+v", first)
		}
		_, err := w.ConfirmTestAmount(ctx, as(w.provider), payouts.ConfirmTestAmount{CertificationID: first.ID, Amount: amount("0.36")})
		w.want(err, "AMOUNT_WRONG")
		done, err := w.ConfirmTestAmount(ctx, as(w.provider), payouts.ConfirmTestAmount{CertificationID: first.ID, Amount: amount("0.370")})
		w.must(err)
		if c := done.CommercialCertification; c.State != models.CertificationCertified || c.CertifiedAt == nil || c.WrongConfirmations != 0 {
			t.Errorf("%+v", c)
		}

		// The account opens for operators who pay, and for nobody else; neither it nor the amount is anywhere else.
		kept, err := w.CertificationsByIDs(ctx, as(w.provider), []models.ID{first.ID})
		w.must(err)
		card, err := w.BankCardOf(operator(), kept[first.ID])
		w.must(err)
		if card == nil || card.Number != "6222021100019876" || card.Holder != "Secret Holdings" {
			t.Errorf("%+v", card)
		}
		for _, who := range []models.Principal{as(w.provider), as(w.stranger), without(operator(), models.WritePayouts)} {
			if card, err := w.BankCardOf(who, kept[first.ID]); card != nil || err != nil {
				t.Errorf("%s reads %v, %v", who.Kind, card, err)
			}
		}
		for _, table := range []string{"commercial_certifications", "events", "outbox"} {
			var rows []map[string]any
			w.must(db.NewSelect().Table(table).Scan(ctx, &rows))
			for _, secret := range []string{"Secret", "6222021100019876", "0.37"} {
				if strings.Contains(fmt.Sprintf("%s", rows), secret) {
					t.Errorf("%s has %q in the clear", table, secret)
				}
			}
		}

		// What is changed is certified anew, and money does not go to the former account meanwhile.
		second := w.submitted(w.provider)
		if second.State != models.CertificationReviewing || second.ID == first.ID {
			t.Errorf("%+v", second)
		}
		want := []string{"submitted >REVIEWING", "approved REVIEWING>CONFIRMING", "amount_wrong CONFIRMING>CONFIRMING", "certified CONFIRMING>CERTIFIED", "replaced CERTIFIED>REPLACED", "submitted >REVIEWING"}
		if got := w.moved(); strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("told %v, want %v", got, want)
		}
		found, err := w.FindCertifications(ctx, as(w.provider), payouts.CertificationFilter{}, models.PageArgs{})
		w.must(err)
		if nodes := found.Nodes(); len(nodes) != 2 || nodes[0].ID != second.ID || nodes[1].State != models.CertificationReplaced || nodes[1].EndedAt == nil {
			t.Errorf("%+v", nodes)
		}
	})
}

func TestThreeWrongAmountsLock(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		id := w.approved(w.provider, "0.37").ID
		confirm := func(said string) error {
			_, err := w.ConfirmTestAmount(ctx, as(w.provider), payouts.ConfirmTestAmount{CertificationID: id, Amount: amount(said)})
			return err
		}
		// Guessed all at once, three guesses count and the others find it locked.
		counts := map[string]int{}
		for _, err := range atOnce(8, func(i int) error { return confirm(fmt.Sprintf("0.%02d", 40+i)) }) {
			counts[refusal(err)]++
		}
		if counts["AMOUNT_WRONG"] != 2 || counts["CERTIFICATION_LOCKED"] != 6 {
			t.Errorf("%v", counts)
		}
		w.want(confirm("0.37"), "CERTIFICATION_LOCKED")
		_, err := w.SubmitCertification(ctx, as(w.provider), w.submission(w.provider))
		w.want(err, "CERTIFICATION_LOCKED")
		_, err = w.UnlockCertification(ctx, as(w.provider), payouts.UnlockCertification{CertificationID: id})
		w.want(err, "FORBIDDEN")
		_, err = w.UnlockCertification(ctx, operator(), payouts.UnlockCertification{CertificationID: id})
		w.must(err)
		_, err = w.UnlockCertification(ctx, operator(), payouts.UnlockCertification{CertificationID: id})
		w.want(err, "CERTIFICATION_STATE")
		w.want(confirm("0.38"), "AMOUNT_WRONG")
		w.want(confirm("0.37"), "")
		w.want(confirm("0.37"), "CERTIFICATION_STATE")
	})
}

func TestCertificationsAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		good := w.submission(w.provider)
		foreign := w.letter(w.stranger)
		for name, row := range map[string]struct {
			who     models.Principal
			change  func(*payouts.SubmitCertification)
			refused string
		}{
			"a rate of one":        {as(w.provider), func(c *payouts.SubmitCertification) { c.TaxRate = amount("1") }, "INVALID taxRate"},
			"a rate below zero":    {as(w.provider), func(c *payouts.SubmitCertification) { c.TaxRate = amount("-0.01") }, "INVALID taxRate"},
			"a rate of five":       {as(w.provider), func(c *payouts.SubmitCertification) { c.TaxRate = amount("0.00001") }, "INVALID taxRate"},
			"a power of ten":       {as(w.provider), func(c *payouts.SubmitCertification) { c.TaxRate = amount("0e9") }, "INVALID taxRate"},
			"a strange currency":   {as(w.provider), func(c *payouts.SubmitCertification) { c.Currency = "EUR" }, "INVALID currency"},
			"no holder":            {as(w.provider), func(c *payouts.SubmitCertification) { c.BankCard.Holder = " " }, "INVALID bankCard.holder"},
			"no number":            {as(w.provider), func(c *payouts.SubmitCertification) { c.BankCard.Number = "12" }, "INVALID bankCard.number"},
			"no upload":            {as(w.provider), func(c *payouts.SubmitCertification) { c.BankLetterID = "par_x" }, "INVALID bankLetterId"},
			"another's upload":     {as(w.provider), func(c *payouts.SubmitCertification) { c.BankLetterID = foreign }, "NOT_FOUND"},
			"a reseller":           {as(w.reseller), func(*payouts.SubmitCertification) {}, "FORBIDDEN"},
			"an operator":          {operator(), func(*payouts.SubmitCertification) {}, "FORBIDDEN"},
			"nobody":               {models.Principal{}, func(*payouts.SubmitCertification) {}, "UNAUTHENTICATED"},
			"without a permission": {without(as(w.provider), models.WriteIncentives), func(*payouts.SubmitCertification) {}, "FORBIDDEN"},
		} {
			cmd := good
			row.change(&cmd)
			if _, err := w.SubmitCertification(ctx, row.who, cmd); refusal(err) != row.refused {
				t.Errorf("%s: %q (%v), want %q", name, refusal(err), err, row.refused)
			}
		}
		if n, err := db.NewSelect().Model((*models.CommercialCertification)(nil)).Count(ctx); n != 0 || err != nil {
			t.Fatalf("%d rows, %v", n, err)
		}

		// Of submissions at the same time one is there, and a letter serves once.
		counts := map[string]int{}
		letters := []payouts.SubmitCertification{good, w.submission(w.provider), w.submission(w.provider), w.submission(w.provider)}
		for _, err := range atOnce(4, func(i int) error { _, err := w.SubmitCertification(ctx, as(w.provider), letters[i]); return err }) {
			counts[refusal(err)]++
		}
		if counts[""] != 1 || counts["CERTIFICATION_PENDING"] != 3 {
			t.Errorf("%v", counts)
		}
		var c models.CommercialCertification
		w.must(db.NewSelect().Model(&c).Scan(ctx))
		code, text, sent := models.CertificationLetter, "The letter cannot be read.", amount("0.10")
		approve := payouts.ReviewCertification{CertificationID: c.ID, Approve: true, TestAmount: &sent}
		reject := payouts.ReviewCertification{CertificationID: c.ID, RejectionCode: &code, ReasonText: &text}
		for name, row := range map[string]struct {
			who     models.Principal
			cmd     payouts.ReviewCertification
			refused string
		}{
			"by the partner":          {as(w.provider), approve, "FORBIDDEN"},
			"without the permission":  {without(operator(), models.WritePayouts), approve, "FORBIDDEN"},
			"approved without amount": {operator(), payouts.ReviewCertification{CertificationID: c.ID, Approve: true}, "INVALID testAmount"},
			"approved with nothing":   {operator(), payouts.ReviewCertification{CertificationID: c.ID, Approve: true, TestAmount: ptr(amount("0"))}, "INVALID testAmount"},
			"approved with too much":  {operator(), payouts.ReviewCertification{CertificationID: c.ID, Approve: true, TestAmount: ptr(amount("10"))}, "INVALID testAmount"},
			"approved with a reason":  {operator(), payouts.ReviewCertification{CertificationID: c.ID, Approve: true, TestAmount: &sent, ReasonText: &text}, "INVALID rejectionCode"},
			"rejected without code":   {operator(), payouts.ReviewCertification{CertificationID: c.ID, ReasonText: &text}, "INVALID rejectionCode"},
			"rejected without words":  {operator(), payouts.ReviewCertification{CertificationID: c.ID, RejectionCode: &code}, "INVALID reasonText"},
			"rejected in two lines":   {operator(), payouts.ReviewCertification{CertificationID: c.ID, RejectionCode: &code, ReasonText: ptr("a\nb")}, "INVALID reasonText"},
			"rejected with an amount": {operator(), payouts.ReviewCertification{CertificationID: c.ID, RejectionCode: &code, ReasonText: &text, TestAmount: &sent}, "INVALID testAmount"},
			"an unknown one":          {operator(), payouts.ReviewCertification{CertificationID: "ccf_01h455vb4pex5vsknk084sn02q", Approve: true, TestAmount: &sent}, "NOT_FOUND"},
			"another kind":            {operator(), payouts.ReviewCertification{CertificationID: w.provider.ID, Approve: true, TestAmount: &sent}, "INVALID certificationId"},
		} {
			if _, err := w.ReviewCertification(ctx, row.who, row.cmd); refusal(err) != row.refused {
				t.Errorf("%s: %q (%v), want %q", name, refusal(err), err, row.refused)
			}
		}
		_, err := w.ConfirmTestAmount(ctx, as(w.provider), payouts.ConfirmTestAmount{CertificationID: c.ID, Amount: sent})
		w.want(err, "CERTIFICATION_STATE")
		_, err = w.ConfirmTestAmount(ctx, as(w.stranger), payouts.ConfirmTestAmount{CertificationID: c.ID, Amount: sent})
		w.want(err, "NOT_FOUND")

		// Rejected with a reason, it is submitted again.
		done, err := w.ReviewCertification(ctx, operator(), reject)
		w.must(err)
		if got := done.CommercialCertification; *got.RejectionCodeOrNil() != code || *got.ReasonTextOrNil() != text || got.EndedAt == nil {
			t.Errorf("%+v", got)
		}
		for _, cmd := range []payouts.ReviewCertification{approve, reject} {
			_, err = w.ReviewCertification(ctx, operator(), cmd)
			w.want(err, "CERTIFICATION_STATE")
		}
		if got := w.submitted(w.provider); got.State != models.CertificationReviewing {
			t.Errorf("%+v", got)
		}
		seen, err := w.FindCertifications(ctx, as(w.stranger), payouts.CertificationFilter{}, models.PageArgs{})
		if err != nil || len(seen.Edges) != 0 {
			t.Errorf("a stranger sees %d, %v", len(seen.Edges), err)
		}
	})
}

func TestABankLetterIsReadOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		c := w.submitted(w.provider)
		ask := func(who models.Principal) (string, error) {
			ready, err := w.DownloadLetter(ctx, who, payouts.DownloadBankLetter{CertificationID: c.ID})
			_, token, _ := strings.Cut(ready.URL, files.DownloadPath)
			return token, err
		}
		_, err := ask(as(w.provider))
		w.want(err, "FORBIDDEN")
		token, err := ask(operator())
		w.must(err)
		_, err = w.OpenDownload(ctx, as(w.provider), token)
		w.want(err, "FORBIDDEN")
		_, err = w.OpenDownload(ctx, operator(), token+"x")
		w.want(err, "NOT_FOUND")
		opened, err := w.OpenDownload(ctx, operator(), token)
		w.must(err)
		key := models.Upload{ID: c.LetterID, Extension: c.LetterExtension}.Key()
		if got := read(t, opened.Body); !bytes.Equal(got, w.kept.Content(key)) || opened.ContentType != "image/png" || opened.Name != string(c.ID)+".png" {
			t.Errorf("%d bytes of %s as %s", len(got), opened.ContentType, opened.Name)
		}
		_, err = w.OpenDownload(ctx, operator(), token)
		w.want(err, "NOT_FOUND")

		token, err = ask(operator())
		w.must(err)
		w.kept.Set(key, []byte("something else"))
		_, err = w.OpenDownload(ctx, operator(), token)
		w.want(err, "ATTACHMENT_CHANGED")
		token, err = ask(operator())
		w.must(err)
		w.must(w.kept.Remove(ctx, key))
		_, err = w.OpenDownload(ctx, operator(), token)
		w.want(err, "ATTACHMENT_GONE")
		token, err = ask(operator())
		w.must(err)
		w.moveTo(w.clock().Add(5 * time.Minute))
		if n, err := w.Files.SweepDownloads(ctx); n != 1 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
		_, err = w.OpenDownload(ctx, operator(), token)
		w.want(err, "NOT_FOUND")
	})
}
