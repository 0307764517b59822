package apitest_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/objects"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/files"
)

// attack is a file that must not be kept, by a name that may be announced.
type attack struct {
	purpose, name, contentType string
	content                    string
	status                     int
	want                       string
}

func attacks(t *testing.T) map[string]attack {
	t.Helper()
	var small, photo, archive bytes.Buffer
	packed := zip.NewWriter(&archive)
	inside, err := packed.Create("bomb")
	if err == nil {
		_, err = inside.Write(make([]byte, 8<<20))
	}
	err = errors.Join(err, packed.Close(), png.Encode(&small, image.NewGray(image.Rect(0, 0, 8, 8))), jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 8, 8)), nil))
	if err != nil {
		t.Fatal(err)
	}
	huge := bytes.Clone(small.Bytes())
	binary.BigEndian.PutUint32(huge[16:], 16_000)
	binary.BigEndian.PutUint32(huge[20:], 16_000)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	const attachment, metadata = "VERIFICATION_ATTACHMENT", "IDP_METADATA"
	laughs := `<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><EntityDescriptor>&b;</EntityDescriptor>`
	pdf := "%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\nstartxref\n9\n%%EOF\n"
	return map[string]attack{
		"a page called a picture":     {attachment, "a.png", "image/png", "<html><script>alert(1)</script>", 422, "TYPE_DIFFERS"},
		"a program called a picture":  {attachment, "a.gif", "image/gif", "MZ\x90\x00\x03", 422, "TYPE_DIFFERS"},
		"an archive called a picture": {attachment, "a.jpg", "image/jpeg", archive.String(), 422, "TYPE_DIFFERS"},
		"a picture of many pixels":    {attachment, "a.png", "image/png", string(huge), 422, "TOO_MANY_PIXELS"},
		"half a picture":              {attachment, "a.png", "image/png", small.String()[:40], 422, "NOT_DECODABLE"},
		"a picture and a page":        {attachment, "a.jpg", "image/jpeg", photo.String() + "<html><body>", 422, "ACTIVE_CONTENT"},
		"a picture and an archive":    {attachment, "a.jpg", "image/jpeg", photo.String() + archive.String(), 422, "ACTIVE_CONTENT"},
		"a document that runs":        {attachment, "a.pdf", "application/pdf", pdf, 422, "ACTIVE_CONTENT"},
		"entities that grow":          {metadata, "idp.xml", "text/xml", laughs, 422, "ACTIVE_CONTENT"},
		"metadata that is a page":     {metadata, "idp.xml", "text/xml", "<html></html>", 422, "ACTIVE_CONTENT"},
		"metadata that is a picture":  {metadata, "idp.xml", "text/xml", small.String(), 422, "TYPE_DIFFERS"},
	}
}

// listed is a store with what lists it.
type listed struct {
	files.Objects
	list func() []string
}

// keptIn are the stores that a server has, each with what lists it from outside.
func keptIn(t *testing.T) map[string]func() (url string, list func() []string) {
	t.Helper()
	return map[string]func() (string, func() []string){
		"folder": func() (string, func() []string) {
			dir := t.TempDir()
			return "file://" + dir, func() (found []string) {
				err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
					if err == nil && !entry.IsDir() {
						found = append(found, path)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
				return found
			}
		},
		"s3": func() (string, func() []string) {
			backend := s3mem.New()
			if err := backend.CreateBucket("kept"); err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(gofakes3.New(backend).Server())
			t.Cleanup(server.Close)
			return "s3+http://AK:SK@" + strings.TrimPrefix(server.URL, "http://") + "/kept", func() (found []string) {
				listed, err := backend.ListBucket("kept", nil, gofakes3.ListBucketPage{})
				if err != nil {
					t.Fatal(err)
				}
				for _, object := range listed.Contents {
					found = append(found, object.Key)
				}
				return found
			}
		},
	}
}

// TestRefusedFilesLeaveNothingBehind over HTTP: wrong types, bombs, tricks with paths and files that are two things at once are
// refused with the status that says why; afterwards the folder or the bucket is empty, and no row says that there is a file. A good
// file shows that the listing sees files.
func TestRefusedFilesLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	bad := attacks(t)
	for name, store := range keptIn(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
				kept, _ := s.App.Rooms.Files.Objects.(listed)
				list := kept.list
				key := w.Providers[0].Key
				announce := func(a attack, fileName string) apitest.Answer {
					return s.Ask(t, key, `mutation($input: CreateUploadInput!){createUpload(input: $input){uploadId url}}`, fields{"input": fields{
						"purpose": a.purpose, "fileName": fileName, "contentType": a.contentType, "size": len(a.content),
					}})
				}
				before := filesOnRecord(t, s)
				for name, a := range bad {
					address, _ := announce(a, a.name).At("createUpload", "url").(string)
					answer := send(t, s, http.MethodPut, key, address, strings.NewReader(a.content))
					if got := refusalIn(t, answer); got != "PRECONDITION_FAILED "+a.want || answer.StatusCode != a.status {
						t.Errorf("%s: %d %s, want %d %s", name, answer.StatusCode, got, a.status, a.want)
					}
					if got := refusalIn(t, send(t, s, http.MethodPut, key, address, strings.NewReader(a.content))); got != "NOT_FOUND" {
						t.Errorf("%s, a second time: %s", name, got)
					}
				}
				one := bad["half a picture"]
				for _, name := range []string{"../../a.png", `..\a.png`, "/etc/a.png", "a.png/../../b.png", "a\x00.png", "a.png:b.png", "a.php", "a.png.svg", ".."} {
					if answer := announce(one, name); !cmp.Equal(answer.Codes(), []string{"INVALID"}) {
						t.Errorf("the name %q: %s", name, answer.Body)
					}
				}
				for _, address := range []string{"../graphql", "..%2f..%2fa.png", "%2e%2e/a.png", "upl_01h455vb4pex5vsknk084sn02q", "", "x/y"} {
					answer := send(t, s, http.MethodPut, key, "https://sales.example.com"+files.UploadPath+address, strings.NewReader(one.content))
					if answer.StatusCode < 300 || answer.StatusCode >= 500 {
						t.Errorf("the address %q: %d", address, answer.StatusCode)
					}
				}
				if found := list(); len(found) > 0 {
					t.Errorf("the store has %v", found)
				}
				if after := filesOnRecord(t, s); after != before {
					t.Errorf("rows of files: %s, before %s", after, before)
				}

				// What is good is seen by the same listing.
				w.Pictures(t, w.Providers[0], 1)
				if found := list(); len(found) != 1 {
					t.Errorf("a good file is listed as %v", found)
				}
			}, func(_ *app.Config, opts *app.Options) {
				url, list := store()
				kept, err := objects.Open(url, true)
				if err != nil {
					t.Error(err)
				}
				opts.Objects = listed{kept, list}
			})
		})
	}
}

// filesOnRecord says how many rows speak of a file that is there, and of verifications.
func filesOnRecord(t *testing.T, s *apitest.Server) string {
	t.Helper()
	db := s.App.Rooms.DB
	there, err := db.NewSelect().Model((*models.Upload)(nil)).Where("state IN ('READY', 'KEPT', 'RECEIVING')").Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	verifications, err := db.NewSelect().Model((*models.Verification)(nil)).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(there, " files, ", verifications, " verifications")
}
