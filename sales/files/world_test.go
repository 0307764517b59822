package files_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/bmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/events"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/files/filestest"
	"github.com/partnergraph/partnergraph/store"
)

type world struct {
	*files.Service
	t       *testing.T
	at      time.Time
	kept    *filestest.Memory
	refused error // what the gate says
	owner   models.Principal
	other   models.Principal
}

// MayAttach stands for sales/verification, which lives above this room.
func (w *world) MayAttach(context.Context, models.Principal) error { return w.refused }

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), kept: &filestest.Memory{}}
	now, ids := func() time.Time { return w.at }, models.RandomIDs()
	w.Service = &files.Service{
		DB: db, Now: now, IDs: ids, Events: &events.Recorder{IDs: ids, Now: now}, Objects: w.kept, Gate: w, Random: rand.Reader,
		Origin: "https://sales.example.com", TempDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
	}
	as := func() models.Principal {
		return models.Principal{
			Kind: models.PartnerKey, PartnerID: ids(models.PrefixPartner), PartnerKind: models.SolutionProvider,
			Permissions: models.DefaultPermissions(models.PartnerKey, models.SolutionProvider),
		}
	}
	w.owner, w.other = as(), as()
	return w
}

// announce announces a file and returns its token.
func (w *world) announce(name, contentType string, size int) (models.ID, string) {
	w.t.Helper()
	created, err := w.Create(w.t.Context(), w.owner, files.CreateUpload{
		Purpose: models.UploadAttachment, FileName: name, ContentType: contentType, Size: int64(size),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	token, ok := strings.CutPrefix(created.URL, "https://sales.example.com/uploads/")
	if !ok {
		w.t.Fatalf("the address is %s", created.URL)
	}
	return created.UploadID, token
}

func (w *world) bring(token string, content []byte) error {
	w.t.Helper()
	_, err := w.Receive(w.t.Context(), w.owner, token, int64(len(content)), "", bytes.NewReader(content))
	return err
}

func (w *world) row(id models.ID) models.Upload {
	w.t.Helper()
	var row models.Upload
	if err := w.DB.NewSelect().Model(&row).Where("id = ?", id).Scan(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return row
}

// wantNothingLeft lists the store and the folder of temporary files.
func (w *world) wantNothingLeft() {
	w.t.Helper()
	if keys := w.kept.Keys(); len(keys) > 0 {
		w.t.Errorf("the store has %v", keys)
	}
	entries, err := os.ReadDir(w.TempDir)
	if err != nil || len(entries) > 0 {
		w.t.Errorf("temporary files: %v, %v", entries, err)
	}
}

func picture(encode func(io.Writer, image.Image) error, width, height int) []byte {
	canvas := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.White, color.Black})
	var b bytes.Buffer
	if err := encode(&b, canvas); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func asJPEG(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }
func asGIF(w io.Writer, m image.Image) error  { return gif.Encode(w, m, nil) }

func goodPDF() []byte {
	return []byte("%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\nxref\n0 1\n0000000000 65535 f \ntrailer<</Size 1/Root 1 0 R>>\nstartxref\n9\n%%EOF\n")
}

// good is a file of each kind that is taken, by its name.
func good() map[string][]byte {
	return map[string][]byte{
		"front.jpg": picture(asJPEG, 40, 30), "front.JPEG": picture(asJPEG, 41, 30), "front.png": picture(png.Encode, 40, 30),
		"front.gif": picture(asGIF, 40, 30), "front.bmp": picture(bmp.Encode, 40, 30), "licence.pdf": goodPDF(),
	}
}

func typeOf(name string) string {
	kind, _ := models.UploadAttachment.KindOf(name)
	return kind.ContentType
}

// breaking breaks off before its end.
type breaking struct{ io.Reader }

func (b breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
