package files_test

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/store"
	"github.com/partnergraph/partnergraph/store/storetest"
)

func TestFilesOfEveryKindAreKeptAsTheyCame(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for name, content := range good() {
			id, token := w.announce(name, typeOf(name), len(content))
			if err := w.bring(token, content); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			row := w.row(id)
			if row.State != models.UploadReady || !strings.HasPrefix(row.Key(), "download/upl_") || !bytes.Equal(w.kept.Content(row.Key()), content) {
				t.Errorf("%s: %+v, kept %d bytes", name, row, len(w.kept.Content(row.Key())))
			}
			if bytes.Contains(row.TokenHash, []byte(token)) {
				t.Error("the token itself is in the row")
			}
		}
	})
}

// hugePNG claims to be a picture of these sides in a few bytes.
func hugePNG(width, height uint32) []byte {
	content := picture(png.Encode, 8, 8)
	binary.BigEndian.PutUint32(content[16:], width)
	binary.BigEndian.PutUint32(content[20:], height)
	binary.BigEndian.PutUint32(content[29:], crc32.ChecksumIEEE(content[12:29]))
	return content
}

// zipped is an archive with one page.
func zipped(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	file, err := archive.Create("index.html")
	if err == nil {
		_, err = file.Write([]byte("hello"))
	}
	if err := errors.Join(err, archive.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// overfullPNG says that it has 8 by 8 pixels, and unpacks to 64 megabytes.
func overfullPNG(t *testing.T) []byte {
	t.Helper()
	var data bytes.Buffer
	packer := zlib.NewWriter(&data)
	_, err := packer.Write(make([]byte, 64<<20))
	if err := errors.Join(err, packer.Close()); err != nil {
		t.Fatal(err)
	}
	whole := picture(png.Encode, 8, 8)
	chunk := func(kind string, content []byte) []byte {
		made := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
		made = append(append(made, kind...), content...)
		return binary.BigEndian.AppendUint32(made, crc32.ChecksumIEEE(made[4:]))
	}
	at := bytes.Index(whole, []byte("IDAT")) - 4
	return append(append(slices.Clone(whole[:at]), chunk("IDAT", data.Bytes())...), chunk("IEND", nil)...)
}

// TestWhatIsRefusedLeavesNothingBehind has a row for everything that a file must not be.
func TestWhatIsRefusedLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	jpg, small := picture(asJPEG, 64, 64), picture(png.Encode, 64, 64)
	with := func(content []byte, more string) []byte { return append(slices.Clone(content), more...) }
	pdf := func(inside string) []byte {
		return bytes.Replace(goodPDF(), []byte("/Type"), []byte(inside+"/Type"), 1)
	}
	rows := map[string]struct {
		name    string
		content []byte
		reason  string
	}{
		"a page called a picture":          {"a.jpg", []byte("<!DOCTYPE html><html><script>alert(1)</script></html>"), "TYPE_DIFFERS"},
		"a vector picture":                 {"a.png", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), "TYPE_DIFFERS"},
		"a program":                        {"a.gif", []byte("MZ\x90\x00\x03"), "TYPE_DIFFERS"},
		"a picture of another type":        {"a.png", jpg, "TYPE_DIFFERS"},
		"a picture called a document":      {"a.pdf", jpg, "TYPE_DIFFERS"},
		"a document after a page":          {"a.pdf", append([]byte("<html>"), goodPDF()...), "TYPE_DIFFERS"},
		"half a picture":                   {"a.jpg", jpg[:len(jpg)/2], "NOT_DECODABLE"},
		"a header alone":                   {"a.png", small[:33], "NOT_DECODABLE"},
		"half a document":                  {"a.pdf", goodPDF()[:60], "NOT_DECODABLE"},
		"a bomb of many pixels":            {"a.png", hugePNG(16_000, 16_000), "TOO_MANY_PIXELS"},
		"a bomb of one side":               {"a.png", hugePNG(2_000_000, 1), "TOO_MANY_PIXELS"},
		"a bomb beyond all figures":        {"a.png", hugePNG(1<<31-1, 1<<31-1), "NOT_DECODABLE"},
		"a picture and a page":             {"a.jpg", with(jpg, "<html><body>"), "ACTIVE_CONTENT"},
		"a picture and a script":           {"a.png", with(small, "<ScRiPt>alert(1)</script>"), "ACTIVE_CONTENT"},
		"a picture that is a script":       {"a.gif", with(picture(asGIF, 8, 8), "<svg/onload=alert(1)>"), "ACTIVE_CONTENT"},
		"a picture that is an archive":     {"a.jpg", with(jpg, zipped(t)), "ACTIVE_CONTENT"},
		"an archive called a picture":      {"a.jpg", []byte(zipped(t)), "TYPE_DIFFERS"},
		"a picture and a RAR archive":      {"a.png", with(small, "Rar!\x1a\x07\x01\x00"), "ACTIVE_CONTENT"},
		"a document that is an archive":    {"a.pdf", pdf("(" + zipped(t) + ")"), "ACTIVE_CONTENT"},
		"a bomb of more rows than said":    {"a.png", overfullPNG(t), "NOT_DECODABLE"},
		"a document that runs":             {"a.pdf", pdf("/OpenAction<</S/JavaScript/JS(app.alert(1))>>"), "ACTIVE_CONTENT"},
		"a document that starts a program": {"a.pdf", pdf("/AA<</S/Launch>>"), "ACTIVE_CONTENT"},
		"a document with a file inside":    {"a.pdf", pdf("/EmbeddedFile 4 0 R"), "ACTIVE_CONTENT"},
		"a document with a page inside":    {"a.pdf", pdf("(<html >)"), "ACTIVE_CONTENT"},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for name, row := range rows {
			id, token := w.announce(row.name, typeOf(row.name), len(row.content))
			if got := models.ReasonOf(w.bring(token, row.content)); got != row.reason {
				t.Errorf("%s: %q, want %q", name, got, row.reason)
			}
			kept := w.row(id)
			if kept.State != models.UploadRefused || kept.Refusal != row.reason || kept.RemovedAt == nil {
				t.Errorf("%s: the row says %s %q", name, kept.State, kept.Refusal)
			}
			if err := w.bring(token, jpg); !errors.Is(err, files.ErrUploadUnknown) {
				t.Errorf("%s: a second try: %v", name, err)
			}
		}
		w.wantNothingLeft()
	})
}

func TestFilesThatAreNotWhatWasAnnounced(t *testing.T) {
	t.Parallel()
	content := picture(asJPEG, 64, 64)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		for name, row := range map[string]struct {
			receive func(token string) error
			reason  string
		}{
			"more than announced, said": {func(token string) error { return w.bring(token, append(slices.Clone(content), 0)) }, "SIZE_DIFFERS"},
			"more than announced, unsaid": {func(token string) error {
				_, err := w.Receive(ctx, w.owner, token, -1, "", bytes.NewReader(append(slices.Clone(content), 0)))
				return err
			}, "SIZE_DIFFERS"},
			"less than announced, said": {func(token string) error { return w.bring(token, content[:100]) }, "SIZE_DIFFERS"},
			"less than announced, unsaid": {func(token string) error {
				_, err := w.Receive(ctx, w.owner, token, -1, "", bytes.NewReader(content[:100]))
				return err
			}, "TRUNCATED"},
			"broken off": {func(token string) error {
				_, err := w.Receive(ctx, w.owner, token, int64(len(content)), "", breaking{bytes.NewReader(content[:100])})
				return err
			}, "TRUNCATED"},
			"another type than announced": {func(token string) error {
				_, err := w.Receive(ctx, w.owner, token, int64(len(content)), "text/html", bytes.NewReader(content))
				return err
			}, "TYPE_DIFFERS"},
			"a sender who has gone": {func(token string) error {
				gone, cancel := context.WithCancel(ctx)
				_, err := w.Receive(gone, w.owner, token, int64(len(content)), "", readerFunc(func([]byte) (int, error) {
					cancel()
					return 0, context.Canceled
				}))
				return err
			}, "TRUNCATED"},
		} {
			id, token := w.announce("a.jpg", "image/jpeg", len(content))
			if got := models.ReasonOf(row.receive(token)); got != row.reason {
				t.Errorf("%s: %q, want %q", name, got, row.reason)
			}
			if kept := w.row(id); kept.State != models.UploadRefused || kept.Refusal != row.reason {
				t.Errorf("%s: the row says %s %q", name, kept.State, kept.Refusal)
			}
		}
		w.wantNothingLeft()

		// A store that keeps the file and cannot say so.
		id, token := w.announce("a.jpg", "image/jpeg", len(content))
		w.kept.Failing = errors.New("disk full")
		if err := w.bring(token, content); models.CodeOf(err) != models.CodeUnavailable {
			t.Errorf("a store that fails: %v", err)
		}
		if kept := w.row(id); kept.State != models.UploadRefused || kept.Refusal != "UNAVAILABLE" {
			t.Errorf("a store that fails: the row says %s %q", kept.State, kept.Refusal)
		}
		w.wantNothingLeft()
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAnAddressIsGoodOnceForItsOwner(t *testing.T) {
	t.Parallel()
	content := picture(asJPEG, 64, 64)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		id, token := w.announce("a.jpg", "image/jpeg", len(content))
		receive := func(who models.Principal, token string) error {
			_, err := w.Receive(ctx, who, token, int64(len(content)), "image/jpeg", bytes.NewReader(content))
			return err
		}
		weak := w.owner
		weak.Permissions = []models.Permission{models.ReadCustomers}
		for name, err := range map[string]error{
			"another organisation": receive(w.other, token), "nobody": receive(models.Principal{}, token), "a guess": receive(w.owner, token+"A"), "no token": receive(w.owner, ""),
		} {
			if !errors.Is(err, files.ErrUploadUnknown) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := w.row(id).State; got != models.UploadWaiting {
			t.Fatalf("foreign tries made it %s", got)
		}
		if err := receive(w.owner, token); err != nil {
			t.Fatal(err)
		}
		if err := receive(w.owner, token); !errors.Is(err, files.ErrUploadUnknown) {
			t.Errorf("a second time: %v", err)
		}
		if got := w.row(id).State; got != models.UploadReady {
			t.Errorf("the second time made it %s", got)
		}
		_, late := w.announce("a.jpg", "image/jpeg", len(content))
		_, narrow := w.announce("a.jpg", "image/jpeg", len(content))
		if err := receive(weak, narrow); !errors.Is(err, files.ErrUploadUnknown) {
			t.Errorf("a key without the permission: %v", err)
		}
		w.at = w.at.Add(15 * time.Minute)
		if err := receive(w.owner, late); !errors.Is(err, files.ErrUploadUnknown) {
			t.Errorf("too late: %v", err)
		}

		// Whose file it is decides who may use it, and it is used once.
		use := func(who models.Principal, purpose models.UploadPurpose) error {
			return db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return w.KeepIn(ctx, tx, who, purpose, id) })
		}
		if err := use(w.other, models.UploadAttachment); !errors.Is(err, files.ErrUploadUnknown) {
			t.Errorf("another's upload: %v", err)
		}
		if err := use(w.owner, models.UploadIDPMetadata); !errors.Is(err, files.ErrUploadUnknown) {
			t.Errorf("another purpose: %v", err)
		}
		for who, want := range map[*models.Principal]int{&w.owner: 1, &w.other: 0} {
			if found, err := w.Find(ctx, *who, models.UploadAttachment, []models.ID{id}); len(found) != want || err != nil {
				t.Errorf("found %d, %v, want %d", len(found), err, want)
			}
		}
		if err := use(w.owner, models.UploadAttachment); err != nil {
			t.Fatal(err)
		}
		if err := use(w.owner, models.UploadAttachment); !errors.Is(err, files.ErrUploadUnknown) {
			t.Errorf("used again: %v", err)
		}
	})
}

func TestWhatMayBeAnnounced(t *testing.T) {
	t.Parallel()
	good := files.CreateUpload{Purpose: models.UploadAttachment, FileName: "front.jpg", ContentType: "image/jpeg", Size: 10}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for name, row := range map[string]struct {
			change func(*files.CreateUpload)
			field  string
		}{
			"no purpose":      {func(c *files.CreateUpload) { c.Purpose = "ELSE" }, "purpose"},
			"no name":         {func(c *files.CreateUpload) { c.FileName = "" }, "fileName"},
			"a way out":       {func(c *files.CreateUpload) { c.FileName = "../../front.jpg" }, "fileName"},
			"a windows path":  {func(c *files.CreateUpload) { c.FileName = `..\front.jpg` }, "fileName"},
			"a stream":        {func(c *files.CreateUpload) { c.FileName = "front.html:x.jpg" }, "fileName"},
			"a control":       {func(c *files.CreateUpload) { c.FileName = "front\r\n.jpg" }, "fileName"},
			"a page":          {func(c *files.CreateUpload) { c.FileName = "front.html" }, "fileName"},
			"a vector":        {func(c *files.CreateUpload) { c.FileName = "front.svg" }, "fileName"},
			"a page at heart": {func(c *files.CreateUpload) { c.FileName = "front.jpg.html" }, "fileName"},
			"no extension":    {func(c *files.CreateUpload) { c.FileName = "front" }, "fileName"},
			"too long a name": {func(c *files.CreateUpload) { c.FileName = strings.Repeat("x", 252) + ".jpg" }, "fileName"},
			"a type of else":  {func(c *files.CreateUpload) { c.ContentType = "text/html" }, "contentType"},
			"another type":    {func(c *files.CreateUpload) { c.ContentType = "image/png" }, "contentType"},
			"nothing":         {func(c *files.CreateUpload) { c.Size = 0 }, "size"},
			"less":            {func(c *files.CreateUpload) { c.Size = -1 }, "size"},
			"too much":        {func(c *files.CreateUpload) { c.Size = models.MaxAttachmentBytes + 1 }, "size"},
			"too much metadata": {func(c *files.CreateUpload) {
				*c = files.CreateUpload{Purpose: models.UploadIDPMetadata, FileName: "idp.xml", ContentType: "text/xml", Size: models.MaxMetadataBytes + 1}
			}, "size"},
		} {
			cmd := good
			row.change(&cmd)
			_, err := w.Create(t.Context(), w.owner, cmd)
			var ours *models.Error
			if !errors.As(err, &ours) || ours.Code != models.CodeInvalid || ours.Field != row.field {
				t.Errorf("%s: %v", name, err)
			}
		}
		weak := w.owner
		weak.Permissions = []models.Permission{models.WriteExposure}
		if _, err := w.Create(t.Context(), weak, good); models.CodeOf(err) != models.CodeForbidden {
			t.Errorf("without CUSTOMERS_WRITE: %v", err)
		}
		if _, err := w.Create(t.Context(), models.Principal{}, good); models.CodeOf(err) != models.CodeUnauthenticated {
			t.Errorf("nobody: %v", err)
		}
		w.refused = models.Precondition("ATTACHMENTS_OFF", "off")
		if _, err := w.Create(t.Context(), w.owner, good); models.ReasonOf(err) != "ATTACHMENTS_OFF" {
			t.Errorf("the gate: %v", err)
		}
		w.refused = nil
		w.Objects = nil
		if _, err := w.Create(t.Context(), w.owner, good); !errors.Is(err, files.ErrUploadsOff) {
			t.Errorf("no store: %v", err)
		}
		if n, err := db.NewSelect().Model((*models.Upload)(nil)).Count(t.Context()); n != 0 || err != nil {
			t.Errorf("%d rows, %v", n, err)
		}
		w.Objects = w.kept
		for range 200 {
			w.announce("front.jpg", "image/jpeg", 10)
		}
		if _, err := w.Create(t.Context(), w.owner, good); !errors.Is(err, files.ErrTooManyUploads) {
			t.Errorf("one too many: %v", err)
		}
		if _, err := w.Create(t.Context(), w.other, good); err != nil {
			t.Errorf("somebody else's first: %v", err)
		}
	})
}

// TestSweepsRemoveWhatNobodyUses: files that are referred to stay, all others go in time.
func TestSweepsRemoveWhatNobodyUses(t *testing.T) {
	t.Parallel()
	content := picture(asJPEG, 64, 64)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		bring := func() models.ID {
			id, token := w.announce("a.jpg", "image/jpeg", len(content))
			if err := w.bring(token, content); err != nil {
				t.Fatal(err)
			}
			return id
		}
		kept, taken, unused := bring(), bring(), bring()
		waiting, _ := w.announce("a.jpg", "image/jpeg", len(content))
		// One whose receiver died between the store and the row.
		stuck, token := w.announce("a.jpg", "image/jpeg", len(content))
		stuckRow := w.row(stuck)
		if _, err := db.NewUpdate().Table("uploads").Set("state = 'RECEIVING'").Where("id = ?", stuck).Exec(ctx); err != nil {
			t.Fatal(err)
		}
		w.kept.Set(stuckRow.Key(), content)
		err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			return errors.Join(w.KeepIn(ctx, tx, w.owner, models.UploadAttachment, kept), w.TakeIn(ctx, tx, w.owner, models.UploadAttachment, taken))
		})
		if err != nil {
			t.Fatal(err)
		}
		sweep := func(after time.Duration, want ...models.ID) {
			t.Helper()
			w.at = w.at.Add(after)
			if _, err := w.Sweep(ctx); err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, id := range want {
				keys = append(keys, w.row(id).Key())
			}
			slices.Sort(keys)
			if diff := cmp.Diff(keys, w.kept.Keys()); diff != "" {
				t.Errorf("after %s: %s", after, diff)
			}
		}
		sweep(0, kept, unused, stuck)
		sweep(15*time.Minute, kept, unused)
		if err := w.bring(token, content); !errors.Is(err, files.ErrUploadUnknown) {
			t.Errorf("brought after the sweep: %v", err)
		}
		sweep(24*time.Hour, kept)
		for id, want := range map[models.ID]models.UploadState{
			kept: models.UploadKept, taken: models.UploadTaken, unused: models.UploadExpired, waiting: models.UploadExpired, stuck: models.UploadExpired,
		} {
			if got := w.row(id); got.State != want || (got.RemovedAt == nil) != (id == kept) {
				t.Errorf("%s: %s, want %s; removed at %v", id, got.State, want, got.RemovedAt)
			}
		}
	})
}

func TestMetadataIsReadBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		bring := func(content string) (models.ID, error) {
			created, err := w.Create(ctx, w.owner, files.CreateUpload{
				Purpose: models.UploadIDPMetadata, FileName: "idp.XML", ContentType: "text/xml", Size: int64(len(content)),
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Receive(ctx, w.owner, strings.TrimPrefix(created.URL, "https://sales.example.com/uploads/"), -1, "", strings.NewReader(content))
			return created.UploadID, err
		}
		large := "<EntityDescriptor>" + strings.Repeat("x", 2<<20-37) + "</EntityDescriptor>"
		id, err := bring(large)
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.Content(ctx, w.owner, models.UploadIDPMetadata, id)
		if string(got) != large || err != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if _, err := w.Content(ctx, w.other, models.UploadIDPMetadata, id); !errors.Is(err, files.ErrUploadUnknown) {
			t.Errorf("another's: %v", err)
		}
		for content, want := range map[string]string{
			"not xml": "TYPE_DIFFERS", "\x00<x/>": "TYPE_DIFFERS", `<!DOCTYPE x [<!ENTITY a "b">]><x/>`: "ACTIVE_CONTENT", "<html></html>": "ACTIVE_CONTENT",
		} {
			if _, err := bring(content); models.ReasonOf(err) != want {
				t.Errorf("%q: %v, want %s", content, err, want)
			}
		}
		if keys := w.kept.Keys(); len(keys) != 1 {
			t.Errorf("the store has %v", keys)
		}
	})
}
