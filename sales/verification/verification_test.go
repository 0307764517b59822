package verification_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/verification"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestAPersonIsVerified(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, who := t.Context(), as(w.provider)
		customer := w.customer(w.provider.ID, models.NotVerified, models.CustomerKindNone)
		submitted, err := w.SubmitIndividual(ctx, who, w.individual(who, customer.ID))
		if err != nil {
			t.Fatal(err)
		}
		if v := submitted.Verification; v.Status != models.VerifyReviewing || !v.IsReview || v.IsChange || v.Person() != nil || len(v.Attachments()) != 3 ||
			v.Attachments()[2].Role != models.RoleDocumentHeld || submitted.Customer.VerifiedStatus != models.VerifyReviewing {
			t.Errorf("%+v", submitted)
		}
		reviewed, err := w.Review(ctx, operator(), verification.Review{VerificationID: submitted.Verification.ID, Passed: true})
		if err != nil {
			t.Fatal(err)
		}
		if person := reviewed.Verification.Person(); person == nil || person.Name != "Li Lei" || person.Number != "E12345678" {
			t.Errorf("the reviewer sees %+v", person)
		}
		now := w.now(customer.ID)
		if now.VerifiedStatus != models.Verified || now.Kind != models.Individual || now.RealName == nil || *now.RealName != "Li Lei" {
			t.Errorf("%+v", now)
		}
		if _, err := w.Review(ctx, operator(), verification.Review{VerificationID: submitted.Verification.ID, Passed: true}); !errors.Is(err, verification.ErrNotUnderReview) {
			t.Errorf("a second decision: %v", err)
		}
	})
}

// TestRejectedIsSubmittedAgain: the opinion is for whoever has submitted, and the next verification is another one.
func TestRejectedIsSubmittedAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, who := t.Context(), as(w.provider)
		customer := w.customer(w.provider.ID, models.NotVerified, models.CustomerKindNone)
		first, err := w.SubmitEnterprise(ctx, who, w.enterprise(who, customer.ID))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Review(ctx, operator(), verification.Review{VerificationID: first.Verification.ID, Opinion: ptr("The licence is blurred.")}); err != nil {
			t.Fatal(err)
		}
		if now := w.now(customer.ID); now.VerifiedStatus != models.VerifyRejected || now.Kind != models.CustomerKindNone || now.RealName != nil {
			t.Errorf("%+v", now)
		}
		w.at = w.at.Add(time.Hour)
		second, err := w.SubmitEnterprise(ctx, who, w.enterprise(who, customer.ID))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Review(ctx, operator(), verification.Review{VerificationID: second.Verification.ID, Passed: true}); err != nil {
			t.Fatal(err)
		}
		if now := w.now(customer.ID); now.VerifiedStatus != models.Verified || now.Kind != models.Enterprise || *now.RealName != "Example Limited" {
			t.Errorf("%+v", now)
		}
		found, err := w.Find(ctx, who, verification.Filter{CustomerID: &customer.ID}, models.PageArgs{})
		if err != nil || len(found.Nodes()) != 2 || found.Nodes()[1].Opinion != "The licence is blurred." || found.Nodes()[0].ID != second.Verification.ID {
			t.Errorf("%+v, %v", found.Nodes(), err)
		}
		latest, err := w.LatestFor(ctx, who, []models.ID{customer.ID})
		if err != nil || latest[customer.ID].ID != second.Verification.ID {
			t.Errorf("%+v, %v", latest, err)
		}
	})
}

// TestAPersonBecomesAnEnterprise: a change that is rejected takes nothing away (R05).
func TestAPersonBecomesAnEnterprise(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, who := t.Context(), as(w.provider)
		customer := w.customer(w.provider.ID, models.Verified, models.Individual)
		for _, passed := range []bool{false, true} {
			change, err := w.ChangeToEnterprise(ctx, who, w.enterprise(who, customer.ID))
			if err != nil {
				t.Fatal(err)
			}
			if now := w.now(customer.ID); now.VerifiedStatus != models.VerifyReviewing || now.Kind != models.Individual || !change.Verification.IsChange {
				t.Errorf("under review: %+v", now)
			}
			review := verification.Review{VerificationID: change.Verification.ID, Passed: passed}
			if !passed {
				review.Opinion = ptr("no")
			}
			if _, err := w.Review(ctx, operator(), review); err != nil {
				t.Fatal(err)
			}
			want := map[bool]models.CustomerKind{false: models.Individual, true: models.Enterprise}[passed]
			if now := w.now(customer.ID); now.VerifiedStatus != models.Verified || now.Kind != want {
				t.Errorf("passed %v: %s %s", passed, now.VerifiedStatus, now.Kind)
			}
		}
		if _, err := w.ChangeToEnterprise(ctx, who, w.enterprise(who, customer.ID)); reasonOf(err) != "NOT_INDIVIDUAL" {
			t.Errorf("a second change: %v", err)
		}
	})
}

// TestWhoVerifiesWhom is a wall of allow and deny (R01).
func TestWhoVerifiesWhom(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		off := w.partner(models.SolutionProvider, "")
		w.off[off.ID] = true
		weak := as(w.provider)
		weak.Permissions = []models.Permission{models.ReadCustomers}
		fresh := func(p models.Partner) func() models.ID {
			return func() models.ID { return w.customer(p.ID, models.NotVerified, models.CustomerKindNone).ID }
		}
		in := func(status models.VerifiedStatus, kind models.CustomerKind) func() models.ID {
			return func() models.ID { return w.customer(w.provider.ID, status, kind).ID }
		}
		lone := func() models.ID { return w.customer("", models.NotVerified, models.CustomerKindNone).ID }
		for name, row := range map[string]struct {
			who      models.Principal
			customer func() models.ID
			want     string
		}{
			"a provider its own":                {as(w.provider), fresh(w.provider), ""},
			"a distributor its own":             {as(w.distributor), fresh(w.distributor), ""},
			"a distributor its reseller's":      {as(w.distributor), fresh(w.reseller), ""},
			"an operator anybody's":             {operator(), fresh(w.provider), ""},
			"an operator nobody's":              {operator(), lone, ""},
			"an operator where the switch is":   {operator(), fresh(off), ""},
			"a reseller its own":                {as(w.reseller), fresh(w.reseller), "NOT_FOR_RESELLERS"},
			"a provider a stranger's":           {as(w.provider), fresh(w.stranger), "NOT_FOUND"},
			"a provider nobody's":               {as(w.provider), lone, "NOT_FOUND"},
			"a provider what is no customer":    {as(w.provider), func() models.ID { return w.provider.ID }, "INVALID"},
			"a provider with the switch off":    {as(off), fresh(off), "ATTACHMENTS_OFF"},
			"a key without the permission":      {weak, fresh(w.provider), "FORBIDDEN"},
			"nobody":                            {models.Principal{}, fresh(w.provider), "UNAUTHENTICATED"},
			"a provider what is under review":   {as(w.provider), in(models.VerifyReviewing, models.CustomerKindNone), "UNDER_REVIEW"},
			"a provider what is verified":       {as(w.provider), in(models.Verified, models.Individual), "ALREADY_VERIFIED"},
			"a provider what was rejected":      {as(w.provider), in(models.VerifyRejected, models.CustomerKindNone), ""},
			"an operator what is under review":  {operator(), in(models.VerifyReviewing, models.CustomerKindNone), "UNDER_REVIEW"},
			"a provider an enterprise verified": {as(w.provider), in(models.Verified, models.Enterprise), "ALREADY_VERIFIED"},
		} {
			brings := row.who // whose uploads they are
			if mayNot := row.want != "" && row.want != "UNDER_REVIEW" && row.want != "ALREADY_VERIFIED" && row.want != "NOT_FOUND"; mayNot {
				brings = operator()
			}
			id := row.customer()
			cmd := w.individual(brings, id)
			_, err := w.SubmitIndividual(t.Context(), row.who, cmd)
			if got := reasonOf(err); got != row.want {
				t.Errorf("%s: %q, want %q (%v)", name, got, row.want, err)
			}
			_, err = w.SubmitEnterprise(t.Context(), row.who, w.enterprise(brings, row.customer()))
			if got := reasonOf(err); got != row.want {
				t.Errorf("%s, an enterprise: %q, want %q", name, got, row.want)
			}
		}
		for name, row := range map[string]struct {
			customer func() models.ID
			want     string
		}{
			"a person": {in(models.Verified, models.Individual), ""}, "an enterprise": {in(models.Verified, models.Enterprise), "NOT_INDIVIDUAL"},
			"nobody yet": {fresh(w.provider), "NOT_VERIFIED"}, "under review": {in(models.VerifyReviewing, models.Individual), "UNDER_REVIEW"},
		} {
			_, err := w.ChangeToEnterprise(t.Context(), as(w.provider), w.enterprise(as(w.provider), row.customer()))
			if got := reasonOf(err); got != row.want {
				t.Errorf("%s changes: %q, want %q", name, got, row.want)
			}
		}
		for name, row := range map[string]struct {
			who  models.Principal
			want string
		}{
			"a provider": {as(w.provider), ""}, "a distributor": {as(w.distributor), ""}, "an operator": {operator(), ""}, "a reseller": {as(w.reseller), "NOT_FOR_RESELLERS"},
			"one with the switch off": {as(off), "ATTACHMENTS_OFF"}, "nobody": {models.Principal{}, "UNAUTHENTICATED"},
		} {
			if got := reasonOf(w.MayAttach(t.Context(), row.who)); got != row.want {
				t.Errorf("%s attaches: %q, want %q", name, got, row.want)
			}
		}
	})
}

// TestWrongFilesChangeNothing: nothing is written, and the uploads may still be used.
func TestWrongFilesChangeNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, who := t.Context(), as(w.provider)
		customer := w.customer(w.provider.ID, models.NotVerified, models.CustomerKindNone)
		good := w.individual(who, customer.ID)
		foreign, own := w.upload(as(w.stranger)), good.Attachments[0]
		for name, row := range map[string]struct {
			files []verification.Attachment
			want  string
		}{
			"none":            {nil, "WRONG_IMAGES"},
			"one less":        {good.Attachments[:2], "WRONG_IMAGES"},
			"one more":        {append(slices.Clone(good.Attachments), own), "WRONG_IMAGES"},
			"one twice":       {[]verification.Attachment{own, own, good.Attachments[1]}, "WRONG_IMAGES"},
			"another's":       {[]verification.Attachment{{UploadID: &foreign}, own, good.Attachments[1]}, "NOT_FOUND"},
			"nobody's":        {[]verification.Attachment{{UploadID: ptr(w.IDs(models.PrefixUpload))}, own, good.Attachments[1]}, "NOT_FOUND"},
			"what is no file": {[]verification.Attachment{{UploadID: &customer.ID}, own, good.Attachments[1]}, "INVALID"},
			"neither":         {[]verification.Attachment{{}, own, good.Attachments[1]}, "INVALID"},
			"both":            {[]verification.Attachment{{UploadID: own.UploadID, Path: ptr("a.jpg")}, own, good.Attachments[1]}, "INVALID"},
			"without bucket":  {[]verification.Attachment{{Path: ptr("a.jpg")}, own, good.Attachments[1]}, "NO_BUCKET"},
		} {
			cmd := good
			cmd.Attachments = row.files
			if _, err := w.SubmitIndividual(ctx, who, cmd); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", name, err, row.want)
			}
		}
		if now := w.now(customer.ID); now.VerifiedStatus != models.NotVerified {
			t.Errorf("the customer is %s", now.VerifiedStatus)
		}
		if n, err := db.NewSelect().Model((*models.Verification)(nil)).Count(ctx); n != 0 || err != nil {
			t.Errorf("%d rows, %v", n, err)
		}
		if _, err := w.SubmitIndividual(ctx, who, good); err != nil {
			t.Fatal(err)
		}
		// Files that are part of a verification are not used again.
		again := w.individual(who, w.customer(w.provider.ID, models.NotVerified, models.CustomerKindNone).ID)
		again.Attachments[0] = good.Attachments[0]
		if _, err := w.SubmitIndividual(ctx, who, again); reasonOf(err) != "NOT_FOUND" {
			t.Errorf("a file of another verification: %v", err)
		}
	})
}

func TestMalformedApplications(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, who := t.Context(), as(w.provider)
		customer := w.customer(w.provider.ID, models.NotVerified, models.CustomerKindNone)
		person, company := w.individual(who, customer.ID), w.enterprise(who, customer.ID)
		for name, row := range map[string]struct {
			change func(*verification.SubmitIndividual)
			field  string
		}{
			"no way":             {func(c *verification.SubmitIndividual) { c.IdentifyType = "FACE" }, "identifyType"},
			"no document":        {func(c *verification.SubmitIndividual) { c.DocumentType = nil }, "documentType"},
			"another document":   {func(c *verification.SubmitIndividual) { c.DocumentType = ptr(models.DocumentType("LIBRARY_CARD")) }, "documentType"},
			"no name":            {func(c *verification.SubmitIndividual) { c.Name = "  " }, "name"},
			"too long a name":    {func(c *verification.SubmitIndividual) { c.Name = strings.Repeat("李", 201) }, "name"},
			"a control":          {func(c *verification.SubmitIndividual) { c.Name = "Li\x00Lei" }, "name"},
			"no number":          {func(c *verification.SubmitIndividual) { c.Number = "" }, "number"},
			"a number of else":   {func(c *verification.SubmitIndividual) { c.Number = "E123'; --" }, "number"},
			"a card for nothing": {func(c *verification.SubmitIndividual) { c.BankCard = ptr("6222021234567890") }, "bankCard"},
			"a code for nothing": {func(c *verification.SubmitIndividual) { c.Code = ptr("246810") }, "code"},
		} {
			cmd := person
			row.change(&cmd)
			_, err := w.SubmitIndividual(ctx, who, cmd)
			wantInvalid(t, name, err, row.field)
		}
		for name, row := range map[string]struct {
			change func(*verification.SubmitEnterprise)
			field  string
		}{
			"no certificate":     {func(c *verification.SubmitEnterprise) { c.CertificateType = "" }, "certificateType"},
			"no name":            {func(c *verification.SubmitEnterprise) { c.Name = "" }, "name"},
			"a number of else":   {func(c *verification.SubmitEnterprise) { c.Number = "<1>" }, "number"},
			"too long a person":  {func(c *verification.SubmitEnterprise) { c.LegalName = ptr(strings.Repeat("x", 201)) }, "legalName"},
			"a person's of else": {func(c *verification.SubmitEnterprise) { c.LegalNumber = ptr("a b") }, "legalNumber"},
		} {
			cmd := company
			row.change(&cmd)
			_, err := w.SubmitEnterprise(ctx, who, cmd)
			wantInvalid(t, name, err, row.field)
		}
		submitted, err := w.SubmitIndividual(ctx, who, person)
		if err != nil {
			t.Fatal(err)
		}
		for name, review := range map[string]verification.Review{
			"no opinion":       {},
			"a blank opinion":  {Opinion: ptr(" ")},
			"a praise":         {Passed: true, Opinion: ptr("well done")},
			"too long":         {Opinion: ptr(strings.Repeat("x", 257))},
			"a control":        {Opinion: ptr("a\nb")},
			"another's prefix": {Opinion: ptr("no"), VerificationID: customer.ID},
		} {
			field := "opinion"
			if review.VerificationID == "" {
				review.VerificationID = submitted.Verification.ID
			} else {
				field = "verificationId"
			}
			_, err := w.Review(ctx, operator(), review)
			wantInvalid(t, name, err, field)
		}
		for name, row := range map[string]struct {
			who  models.Principal
			id   models.ID
			want string
		}{
			"a partner": {who, submitted.Verification.ID, "FORBIDDEN"}, "nobody": {models.Principal{}, submitted.Verification.ID, "UNAUTHENTICATED"},
			"an unknown one": {operator(), w.IDs(models.PrefixVerification), "NOT_FOUND"},
		} {
			if _, err := w.Review(ctx, row.who, verification.Review{VerificationID: row.id, Passed: true}); reasonOf(err) != row.want {
				t.Errorf("%s reviews: %v", name, err)
			}
		}
	})
}

func wantInvalid(t *testing.T, name string, err error, field string) {
	t.Helper()
	var ours *models.Error
	if !errors.As(err, &ours) || ours.Code != models.CodeInvalid || ours.Field != field {
		t.Errorf("%s: %v, want INVALID %s", name, err, field)
	}
}

// TestAnAuthorityMayDecide at once, and one that fails leaves it to a person (R06).
func TestAnAuthorityMayDecide(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Registry = w
		who := as(w.provider)
		for name, row := range map[string]struct {
			answer   verification.Answer
			broken   error
			status   models.VerifiedStatus
			isReview bool
		}{
			"passed":    {verification.Answer{Decided: true, Passed: true}, nil, models.Verified, false},
			"rejected":  {verification.Answer{Decided: true, Opinion: "The number is not this person's."}, nil, models.VerifyRejected, false},
			"undecided": {verification.Answer{}, nil, models.VerifyReviewing, true},
			"broken":    {verification.Answer{Decided: true, Passed: true}, errors.New("away"), models.VerifyReviewing, true},
		} {
			w.answer, w.broken = row.answer, row.broken
			customer := w.customer(w.provider.ID, models.NotVerified, models.CustomerKindNone)
			done, err := w.SubmitIndividual(t.Context(), who, w.individual(who, customer.ID))
			if err != nil {
				t.Fatal(err)
			}
			if v := done.Verification; v.Status != row.status || v.IsReview != row.isReview || v.Opinion != row.answer.Opinion {
				t.Errorf("%s: %+v", name, v)
			}
			if now := w.now(customer.ID); now.VerifiedStatus != row.status {
				t.Errorf("%s: the customer is %s", name, now.VerifiedStatus)
			}
		}
	})
}

// TestFilesInTheBucketAreJudgedToo: by the same rules as those that are uploaded, and by their path (R02).
func TestFilesInTheBucketAreJudgedToo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, who := t.Context(), as(w.provider)
		w.bucket = map[string][]byte{
			"test/a.png": picture(301), "test/b.png": picture(302), "test/c.PNG": picture(303), "page.jpg": []byte("<html></html>"),
			"huge.png": append(picture(304), make([]byte, models.MaxAttachmentBytes)...), "twin.png": picture(301), "script.png": append(picture(305), "<script>"...),
		}
		customer := w.customer(w.provider.ID, models.NotVerified, models.CustomerKindNone)
		cmd := w.individual(who, customer.ID)
		submit := func(third string) (verification.Submitted, error) {
			cmd.Attachments = []verification.Attachment{{Path: ptr("test/a.png")}, {Path: ptr("test/b.png")}, {Path: &third}}
			return w.SubmitIndividual(ctx, who, cmd)
		}
		for path, want := range map[string]string{
			"none.png": "ATTACHMENT_NOT_FOUND", "test/C.PNG": "ATTACHMENT_NOT_FOUND", "page.jpg": "TYPE_DIFFERS", "huge.png": "SIZE_DIFFERS",
			"twin.png": "WRONG_IMAGES", "script.png": "ACTIVE_CONTENT",
			"": "INVALID", "../test/c.PNG": "INVALID", "test/../../c.png": "INVALID", "/test/c.PNG": "INVALID", `test\c.PNG`: "INVALID", "test//c.PNG": "INVALID",
			"./c.png": "INVALID", "test/c.PNG\x00.png": "INVALID", "test/c%2e.png": "INVALID", "test/c.html": "INVALID", "test/c": "INVALID",
			"a\u202egnp.png": "INVALID", "https://evil.example.com/c.png": "INVALID", strings.Repeat("a", 510) + ".png": "INVALID",
		} {
			_, err := submit(path)
			var ours *models.Error
			if !errors.As(err, &ours) || reasonOf(err) != want || ours.Field != "attachments.2" {
				t.Errorf("%q: %v, want %s", path, err, want)
			}
		}
		if len(w.kept.Keys()) != 3 { // those of individual, which nothing refers to
			t.Errorf("the store has %v", w.kept.Keys())
		}
		done, err := submit("test/c.PNG")
		if err != nil {
			t.Fatal(err)
		}
		// What was changed since is not shown to reviewers as what was submitted.
		open := func() (files.Opened, error) {
			ready, err := w.Download(ctx, operator(), verification.DownloadAttachment{VerificationID: done.Verification.ID, Position: 2})
			if err != nil {
				t.Fatal(err)
			}
			return w.OpenDownload(ctx, operator(), strings.TrimPrefix(ready.URL, "https://sales.example.com/downloads/"))
		}
		opened, err := open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(opened.Body)
		if err != nil || !bytes.Equal(content, w.bucket["test/c.PNG"]) || opened.ContentType != "image/png" || opened.Name != string(done.Verification.ID)+"-2.png" {
			t.Errorf("%+v, %d bytes, %v", opened, len(content), err)
		}
		if err := opened.Body.Close(); err != nil {
			t.Error(err)
		}
		w.bucket["test/c.PNG"] = picture(399)
		if _, err := open(); !errors.Is(err, files.ErrChanged) {
			t.Errorf("changed: %v", err)
		}
		delete(w.bucket, "test/c.PNG")
		if _, err := open(); !errors.Is(err, files.ErrGone) {
			t.Errorf("gone: %v", err)
		}
	})
}

func TestADownloadIsForOneReviewerOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, who := t.Context(), as(w.provider)
		customer := w.customer(w.provider.ID, models.NotVerified, models.CustomerKindNone)
		done, err := w.SubmitEnterprise(ctx, who, w.enterprise(who, customer.ID))
		if err != nil {
			t.Fatal(err)
		}
		id := done.Verification.ID
		prepare := func() string {
			ready, err := w.Download(ctx, operator(), verification.DownloadAttachment{VerificationID: id, Position: 0})
			if err != nil {
				t.Fatal(err)
			}
			return strings.TrimPrefix(ready.URL, "https://sales.example.com/downloads/")
		}
		for name, row := range map[string]struct {
			who      models.Principal
			id       models.ID
			position int
			want     string
		}{
			"a partner": {who, id, 0, "FORBIDDEN"}, "the customer": {asCustomer(customer), id, 0, "FORBIDDEN"}, "nobody": {models.Principal{}, id, 0, "UNAUTHENTICATED"},
			"below": {operator(), id, -1, "INVALID"}, "above": {operator(), id, 3, "INVALID"}, "unknown": {operator(), w.IDs(models.PrefixVerification), 0, "NOT_FOUND"},
			"a customer's id": {operator(), customer.ID, 0, "INVALID"},
		} {
			if _, err := w.Download(ctx, row.who, verification.DownloadAttachment{VerificationID: row.id, Position: row.position}); reasonOf(err) != row.want {
				t.Errorf("%s: %v, want %s", name, err, row.want)
			}
		}
		token := prepare()
		if _, err := w.OpenDownload(ctx, who, token); models.CodeOf(err) != models.CodeForbidden {
			t.Errorf("a partner opens it: %v", err)
		}
		opened, err := w.OpenDownload(ctx, operator(), token)
		if err != nil {
			t.Fatal(err)
		}
		_ = opened.Body.Close()
		late := prepare()
		for name, token := range map[string]string{"again": token, "a guess": token + "A", "nothing": ""} {
			if _, err := w.OpenDownload(ctx, operator(), token); !errors.Is(err, files.ErrDownloadUnknown) {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.at = w.at.Add(5 * time.Minute)
		if _, err := w.OpenDownload(ctx, operator(), late); !errors.Is(err, files.ErrDownloadUnknown) {
			t.Errorf("late: %v", err)
		}
		prepare()
		w.at = w.at.Add(5 * time.Minute)
		if n, err := w.Files.SweepDownloads(ctx); n != 1 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
	})
}

// TestPersonalDataIsSealedAndUntold: neither rows nor events have a name or a number, and only those whom it concerns find a verification.
func TestPersonalDataIsSealedAndUntold(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, who := t.Context(), as(w.distributor)
		customer := w.customer(w.reseller.ID, models.NotVerified, models.CustomerKindNone)
		done, err := w.SubmitIndividual(ctx, who, w.individual(who, customer.ID))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Review(ctx, operator(), verification.Review{VerificationID: done.Verification.ID, Opinion: ptr("Li Lei is blurred.")}); err != nil {
			t.Fatal(err)
		}
		var told []models.Event
		if err := db.NewSelect().Model(&told).Scan(ctx); err != nil {
			t.Fatal(err)
		}
		kinds := map[models.EventType]bool{}
		for _, event := range told {
			kinds[event.Type] = true
			text, err := json.Marshal(event)
			if err != nil || strings.Contains(string(text), "Li Lei") || strings.Contains(string(text), "E12345678") {
				t.Errorf("an event tells: %s, %v", text, err)
			}
		}
		for _, want := range []models.EventType{models.EventVerificationMade, models.EventVerificationRejected, models.EventCustomerUpdated, models.EventUploadReceived} {
			if !kinds[want] {
				t.Errorf("no event %s", want)
			}
		}
		var row models.Verification
		if err := db.NewSelect().Model(&row).Where("id = ?", done.Verification.ID).Scan(ctx); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(row.DetailsSealed, []byte("Li Lei")) || row.PartnerID != w.reseller.ID {
			t.Errorf("%+v", row)
		}
		see := map[string]bool{}
		for name, who := range map[string]models.Principal{
			"distributor": who, "reseller": as(w.reseller), "provider": as(w.provider), "operator": operator(), "customer": asCustomer(customer),
		} {
			found, err := w.ByIDs(ctx, who, []models.ID{row.ID})
			if err != nil {
				t.Fatal(err)
			}
			verification, ok := found[row.ID]
			see[name] = ok
			if ok && (verification.Person() != nil) != (name == "operator") {
				t.Errorf("%s sees the person: %v", name, verification.Person())
			}
		}
		want := map[string]bool{"distributor": true, "reseller": true, "provider": false, "operator": true, "customer": true}
		if diff := cmp.Diff(want, see); diff != "" {
			t.Error(diff)
		}
	})
}

// TestOfTwoSubmissionsOneCounts: the second finds the customer under review, and its files are still its own to use.
func TestOfTwoSubmissionsOneCounts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		who := as(w.provider)
		customer := w.customer(w.provider.ID, models.NotVerified, models.CustomerKindNone)
		cmds := []verification.SubmitIndividual{w.individual(who, customer.ID), w.individual(who, customer.ID)}
		results := make(chan error, len(cmds))
		for _, cmd := range cmds {
			go func(ctx context.Context) {
				_, err := w.SubmitIndividual(ctx, who, cmd)
				results <- err
			}(t.Context())
		}
		reasons := []string{reasonOf(<-results), reasonOf(<-results)}
		slices.Sort(reasons)
		if diff := cmp.Diff([]string{"", "UNDER_REVIEW"}, reasons); diff != "" {
			t.Error(diff)
		}
		var states []models.UploadState
		if err := db.NewSelect().Model((*models.Upload)(nil)).Column("state").Order("state").Scan(t.Context(), &states); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]models.UploadState{"KEPT", "KEPT", "KEPT", "READY", "READY", "READY"}, states); diff != "" {
			t.Error(diff)
		}
	})
}
