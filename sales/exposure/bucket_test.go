package exposure_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/files/filestest"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// storage stands for the machines that partners name.
type storage struct {
	probed []models.AttachmentBucket
	says   error
	opened string
}

func (s *storage) CheckEndpoint(endpoint string) error {
	if strings.Contains(endpoint, "169.254.") {
		return models.Invalid("attachmentBucket.endpoint", "not a public one")
	}
	return nil
}

func (s *storage) Probe(_ context.Context, bucket models.AttachmentBucket) error {
	s.probed = append(s.probed, bucket)
	return s.says
}

func (s *storage) Open(_ context.Context, bucket models.AttachmentBucket, key string) (io.ReadCloser, error) {
	s.opened = bucket.Name + " " + bucket.SecretKey + " " + key
	return io.NopCloser(strings.NewReader("content")), nil
}

func bucket() models.AttachmentBucket {
	return models.AttachmentBucket{
		Name: "acme-papers", Endpoint: "https://obs.cn-north-4.example.com", Region: "cn-north-4", AccessKey: "AKEXAMPLE", SecretKey: "SKEXAMPLE",
	}
}

// withStorage is a world whose buckets are a fake.
func withStorage(t *testing.T, db *store.DB) (*world, *storage) {
	t.Helper()
	w, s := newWorld(t, db), &storage{}
	w.Buckets = s
	w.first(t)
	return w, s
}

func TestABucketIsTriedBeforeItIsSaved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, s := withStorage(t, db)
		save := func(cmd exposure.UpdateAccessConfiguration) (models.AccessConfiguration, error) {
			cmd.PartnerID = w.distributor.ID
			saved, err := w.Update(t.Context(), w.owner, cmd)
			return saved.AccessConfiguration, err
		}
		for _, says := range []error{
			exposure.ErrBucketMissing, exposure.ErrBucketKeys, exposure.ErrBucketDenied, exposure.ErrBucketRegion, exposure.ErrBucketUnreachable, exposure.ErrBucketUnusable,
		} {
			s.says = says
			if _, err := save(exposure.UpdateAccessConfiguration{AttachmentUpload: ptr(true), AttachmentBucket: ptr(bucket())}); !errors.Is(err, says) {
				t.Errorf("%v, want %v", err, says)
			}
		}
		s.says = nil
		if config := w.config(t); config.AttachmentUpload || config.AttachmentBucket() != nil || len(config.BucketSealed) > 0 {
			t.Errorf("a bucket that does not work was saved: %+v", config)
		}
		if _, err := save(exposure.UpdateAccessConfiguration{AttachmentBucket: ptr(bucket())}); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("a bucket while the switch is off: %v", err)
		}
		config, err := save(exposure.UpdateAccessConfiguration{AttachmentUpload: ptr(true), AttachmentBucket: ptr(bucket())})
		if err != nil {
			t.Fatal(err)
		}
		want := &models.AttachmentBucket{Name: "acme-papers", Endpoint: "https://obs.cn-north-4.example.com", CheckedAt: w.now}
		if diff := cmp.Diff(want, config.AttachmentBucket()); diff != "" {
			t.Error(diff)
		}
		if bytes.Contains(w.config(t).BucketSealed, []byte("EXAMPLE")) {
			t.Error("the keys are in the row")
		}
		body, err := w.OpenAttachment(t.Context(), w.reseller.ID, "test/abc023.jpg")
		if err != nil {
			t.Fatal(err)
		}
		_ = body.Close()
		if s.opened != "acme-papers SKEXAMPLE download/test/abc023.jpg" {
			t.Errorf("opened %q", s.opened)
		}
		if _, err := w.OpenAttachment(t.Context(), w.reseller.ID, "../secret.jpg"); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("a way out: %v", err)
		}
		if _, err := w.OpenAttachment(t.Context(), w.solution.ID, "a.jpg"); !errors.Is(err, exposure.ErrNoBucket) {
			t.Errorf("a partner without: %v", err)
		}

		// Off keeps nothing secret, and the history says so without the keys.
		if config, err = save(exposure.UpdateAccessConfiguration{AttachmentUpload: ptr(false)}); err != nil || config.AttachmentBucket() != nil {
			t.Errorf("%+v, %v", config.AttachmentBucket(), err)
		}
		if row := w.config(t); len(row.BucketSealed) > 0 || row.BucketName != "" || row.BucketCheckedAt != nil {
			t.Errorf("kept: %+v", row)
		}
		if _, err := w.OpenAttachment(t.Context(), w.distributor.ID, "a.jpg"); !errors.Is(err, exposure.ErrNoBucket) {
			t.Errorf("switched off: %v", err)
		}
		var told []models.Event
		if err := db.NewSelect().Model(&told).Where("type = ?", models.EventExposureUpdated).Order("id").Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		var history []string
		for _, event := range told {
			for _, change := range event.Changes {
				if change.Field == "attachmentBucket" || change.Field == "attachmentUpload" {
					history = append(history, change.Field+": "+deref(change.Before)+" -> "+deref(change.After))
				}
			}
		}
		const shown = "acme-papers https://obs.cn-north-4.example.com"
		wantHistory := []string{
			"attachmentUpload:  -> false", "attachmentBucket:  -> " + shown, "attachmentUpload: false -> true",
			"attachmentBucket: " + shown + " -> ", "attachmentUpload: true -> false",
		}
		if diff := cmp.Diff(wantHistory[1:], history); diff != "" {
			t.Error(diff)
		}
	})
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// config is the distributor's row as it is.
func (w *world) config(t *testing.T) models.AccessConfiguration {
	t.Helper()
	config, err := w.ByPlatform(t.Context(), "acme_IDP")
	must(t, err)
	return config
}

func TestWhatIsNoBucketCallsNobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, s := withStorage(t, db)
		weak := w.owner
		weak.Permissions = []models.Permission{models.ReadExposure}
		for name, row := range map[string]struct {
			who     models.Principal
			partner models.ID
			change  func(*models.AttachmentBucket)
			want    models.Code
			field   string
		}{
			"a bad name":         {w.owner, w.distributor.ID, func(b *models.AttachmentBucket) { b.Name = "../other" }, models.CodeInvalid, "attachmentBucket.name"},
			"no endpoint":        {w.owner, w.distributor.ID, func(b *models.AttachmentBucket) { b.Endpoint = "" }, models.CodeInvalid, "attachmentBucket.endpoint"},
			"a path":             {w.owner, w.distributor.ID, func(b *models.AttachmentBucket) { b.Endpoint += "/admin" }, models.CodeInvalid, "attachmentBucket.endpoint"},
			"a query":            {w.owner, w.distributor.ID, func(b *models.AttachmentBucket) { b.Endpoint += "?acl" }, models.CodeInvalid, "attachmentBucket.endpoint"},
			"an inner address":   {w.owner, w.distributor.ID, func(b *models.AttachmentBucket) { b.Endpoint = "https://169.254.169.254" }, models.CodeInvalid, "attachmentBucket.endpoint"},
			"no region":          {w.owner, w.distributor.ID, func(b *models.AttachmentBucket) { b.Region = "" }, models.CodeInvalid, "attachmentBucket.region"},
			"no access key":      {w.owner, w.distributor.ID, func(b *models.AttachmentBucket) { b.AccessKey = "" }, models.CodeInvalid, "attachmentBucket.accessKey"},
			"a header":           {w.owner, w.distributor.ID, func(b *models.AttachmentBucket) { b.SecretKey = "a\r\nb" }, models.CodeInvalid, "attachmentBucket.secretKey"},
			"without permission": {weak, w.distributor.ID, nil, models.CodeForbidden, ""},
			"another's":          {w.foreigner, w.distributor.ID, nil, models.CodeNotFound, ""},
			"a reseller's":       {w.owner, w.reseller.ID, nil, models.CodePreconditionFailed, ""},
			"nobody":             {models.Principal{}, w.distributor.ID, nil, models.CodeUnauthenticated, ""},
		} {
			given := bucket()
			if row.change != nil {
				row.change(&given)
			}
			_, saved := w.Update(t.Context(), row.who, exposure.UpdateAccessConfiguration{PartnerID: row.partner, AttachmentUpload: ptr(true), AttachmentBucket: &given})
			_, checked := w.CheckBucket(t.Context(), row.who, exposure.CheckAttachmentBucket{PartnerID: row.partner, Bucket: &given})
			for _, err := range []error{saved, checked} {
				var ours *models.Error
				if !errors.As(err, &ours) || ours.Code != row.want || ours.Field != row.field {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if len(s.probed) > 0 {
			t.Errorf("called: %+v", s.probed)
		}
	})
}

func TestABucketIsCheckedAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, s := withStorage(t, db)
		ask := exposure.CheckAttachmentBucket{PartnerID: w.distributor.ID}
		if _, err := w.CheckBucket(t.Context(), w.owner, ask); !errors.Is(err, exposure.ErrNoBucket) {
			t.Errorf("without one: %v", err)
		}
		_, err := w.Update(t.Context(), w.owner, exposure.UpdateAccessConfiguration{PartnerID: w.distributor.ID, AttachmentUpload: ptr(true), AttachmentBucket: ptr(bucket())})
		must(t, err)
		steps := func() bool {
			lists, err := w.ChecklistsFor(t.Context(), w.owner, []models.ID{w.config(t).ID})
			must(t, err)
			for _, step := range lists[w.config(t).ID] {
				if step.Code == models.GoLiveBucket {
					return step.Done
				}
			}
			t.Error("the checklist does not know the bucket")
			return false
		}
		if !steps() {
			t.Error("the checklist says that there is no bucket")
		}
		w.now = w.now.Add(time.Hour)
		checked, err := w.CheckBucket(t.Context(), w.owner, ask)
		if err != nil || checked.Name != "acme-papers" || !w.config(t).BucketCheckedAt.Equal(w.now) || s.probed[1] != s.probed[0] {
			t.Errorf("%+v, %v", checked, err)
		}
		s.says = exposure.ErrBucketDenied
		if _, err := w.CheckBucket(t.Context(), w.owner, ask); !errors.Is(err, exposure.ErrBucketDenied) {
			t.Errorf("%v", err)
		}
		s.says = nil
		w.Limits = few{}
		if _, err := w.CheckBucket(t.Context(), w.owner, ask); models.CodeOf(err) != models.CodeRateLimited {
			t.Errorf("too often: %v", err)
		}
		_, err = w.Update(t.Context(), w.owner, exposure.UpdateAccessConfiguration{PartnerID: w.distributor.ID, AttachmentBucket: &models.AttachmentBucket{}})
		must(t, err)
		if config := w.config(t); !config.AttachmentUpload || config.AttachmentBucket() != nil || steps() {
			t.Errorf("cleared: %+v", config.AttachmentBucket())
		}
	})
}

type few struct{}

func (few) Allow(context.Context, string, int64, time.Duration) (bool, time.Duration) {
	return false, time.Minute
}

// TestMetadataComesAsAFile: what is larger than a request may be, and only the owner's.
func TestMetadataComesAsAFile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, _ := withStorage(t, db)
		kept := &filestest.Memory{}
		room := &files.Service{
			DB: db, Now: w.Now, IDs: w.IDs, Events: w.Events, Objects: kept, Random: rand.Reader, Origin: "https://sales.example.com",
			TempDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
		}
		w.Uploads = room
		bring := func(content string) models.ID {
			created, err := room.Create(t.Context(), w.owner, files.CreateUpload{
				Purpose: models.UploadIDPMetadata, FileName: "idp.xml", ContentType: "application/xml", Size: int64(len(content)),
			})
			must(t, err)
			_, token, _ := strings.Cut(created.URL, files.UploadPath)
			_, err = room.Receive(t.Context(), w.owner, token, -1, "", strings.NewReader(content))
			must(t, err)
			return created.UploadID
		}
		save := func(who models.Principal, partner, id models.ID, more *string) error {
			_, err := w.Update(t.Context(), who, exposure.UpdateAccessConfiguration{PartnerID: partner, IDPMetadataUploadID: &id, IDPMetadata: more})
			return err
		}
		large := "<x>" + strings.Repeat("m", models.MaxMetadataBytes-7) + "</x>"
		id := bring(large)
		for name, row := range map[string]struct {
			err  error
			want models.Code
		}{
			"another's upload":  {func() error { w.createFirst(t); return save(w.foreigner, w.solution.ID, id, nil) }(), models.CodeNotFound},
			"nobody's":          {save(w.owner, w.distributor.ID, w.IDs(models.PrefixUpload), nil), models.CodeNotFound},
			"what is no upload": {save(w.owner, w.distributor.ID, w.distributor.ID, nil), models.CodeInvalid},
			"both":              {save(w.owner, w.distributor.ID, id, ptr("<x/>")), models.CodeInvalid},
		} {
			if models.CodeOf(row.err) != row.want {
				t.Errorf("%s: %v", name, row.err)
			}
		}
		must(t, save(w.owner, w.distributor.ID, id, nil))
		if config := w.config(t); config.IDPMetadata != large || config.IDPEntityID != "urn:idp:"+large {
			t.Errorf("saved %d bytes", len(config.IDPMetadata))
		}
		if err := save(w.owner, w.distributor.ID, id, nil); models.CodeOf(err) != models.CodeNotFound {
			t.Errorf("used again: %v", err)
		}
		_, err := room.Sweep(t.Context())
		must(t, err)
		if keys := kept.Keys(); len(keys) > 0 {
			t.Errorf("the file of metadata that was read stays: %v", keys)
		}
	})
}

// createFirst saves the solution provider's platform.
func (w *world) createFirst(t *testing.T) {
	t.Helper()
	_, err := w.Update(t.Context(), w.foreigner, exposure.UpdateAccessConfiguration{PartnerID: w.solution.ID, PlatformID: ptr("other_IDP")})
	must(t, err)
}
