package objects_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/objects"
	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/outbound"
	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/exposure"
	"github.com/partnergraph/partnergraph/sales/files"
)

const key = "download/upl_01h455vb4pex5vsknk084sn02q.png"

func open(t *testing.T, url string, dev bool) files.Objects {
	t.Helper()
	store, err := objects.Open(url, dev)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func read(t *testing.T, store files.Objects, key string) (string, error) {
	t.Helper()
	body, err := store.Open(t.Context(), key)
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(body)
	if err := errors.Join(err, body.Close()); err != nil {
		t.Fatal(err)
	}
	return string(content), nil
}

func put(t *testing.T, store files.Objects, key, content string) error {
	t.Helper()
	return store.Put(t.Context(), key, strings.NewReader(content), int64(len(content)), "image/png")
}

// TestStoresKeepReplaceAndForget is one contract for both.
func TestStoresKeepReplaceAndForget(t *testing.T) {
	t.Parallel()
	server := newBucketServer(t)
	for name, url := range map[string]string{"folder": "file://" + filepath.Join(t.TempDir(), "not", "there", "yet"), "s3": server.url("kept")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, url, true)
			if _, err := read(t, store, key); !errors.Is(err, files.ErrNoObject) {
				t.Errorf("reading nothing: %v", err)
			}
			if err := store.Remove(t.Context(), key); err != nil {
				t.Errorf("removing nothing: %v", err)
			}
			for _, content := range []string{"first", "the second, which is longer"} {
				if err := put(t, store, key, content); err != nil {
					t.Fatal(err)
				}
				if got, err := read(t, store, key); got != content || err != nil {
					t.Errorf("read %q, %v, want %q", got, err, content)
				}
			}
			if err := store.Remove(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			if _, err := read(t, store, key); !errors.Is(err, files.ErrNoObject) {
				t.Errorf("removed, and yet: %v", err)
			}
		})
	}
}

func TestAFolderIsNotLeft(t *testing.T) {
	t.Parallel()
	outside, dir := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret.png")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"out": outside, "file.png": secret, "inner.png": "plain.png"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "plain.png"), []byte("plain"), 0o600); err != nil {
		t.Fatal(err)
	}
	store := open(t, "file://"+dir, false)
	for _, bad := range []string{"", ".", "..", "../secret.png", "/etc/passwd", "a/../../secret.png", `a\b.png`, "a\x00b.png", "out/secret.png", "file.png", "inner.png"} {
		if got, err := read(t, store, bad); err == nil {
			t.Errorf("%q reads %q", bad, got)
		}
		if err := put(t, store, bad, "mine"); err == nil {
			t.Errorf("%q was written", bad)
		}
	}
	if got, err := os.ReadFile(secret); string(got) != "secret" || err != nil {
		t.Errorf("the file outside is %q, %v", got, err)
	}
	if entries, err := os.ReadDir(outside); len(entries) != 1 || err != nil {
		t.Errorf("outside there are %v, %v", entries, err)
	}
}

// TestAFileThatBreaksOffIsNotKept: neither the file nor a part of it stays, and what was there before does.
func TestAFileThatBreaksOffIsNotKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, "file://"+dir, false)
	if err := put(t, store, key, "before"); err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), key, strings.NewReader("short"), 100, "image/png"); err == nil {
		t.Error("a file of another length was kept")
	}
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, filepath.Base(path))
		}
		return err
	})
	if err != nil || len(found) != 1 || found[0] != filepath.Base(key) {
		t.Errorf("the folder has %v, %v", found, err)
	}
	if got, _ := read(t, store, key); got != "before" {
		t.Errorf("the file is %q", got)
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	t.Parallel()
	for url, dev := range map[string]bool{
		"": true, "folder": true, "file://host/folder": true, "file:relative": true, "ftp://host/b": true, "s3://host/bucket": true,
		"s3://ak@host/bucket": true, "s3://ak:hidden@/bucket": true, "s3://ak:hidden@host/": true, "s3://ak:hidden@host/a/b": true,
		"s3+http://ak:hidden@host/bucket": false, "s3://ak:hidden@host/bucket?style=odd": true, "s3://ak:hidden@ho st/b": true,
	} {
		store, err := objects.Open(url, dev)
		if err == nil {
			t.Errorf("%q opens %T", url, store)
		} else if strings.Contains(err.Error(), "hidden") || !strings.Contains(err.Error(), "objects-url") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestAProbeSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	server := newBucketServer(t)
	right := models.AttachmentBucket{Name: "kept", Endpoint: server.URL, Region: region, AccessKey: accessKey, SecretKey: secretKey}
	silent := silentServer(t)
	buckets := objects.Buckets{Guard: outbound.Guard{Dev: true}}
	for name, row := range map[string]struct {
		change func(*models.AttachmentBucket)
		want   error
	}{
		"all is well":           {func(*models.AttachmentBucket) {}, nil},
		"no such bucket":        {func(b *models.AttachmentBucket) { b.Name = "other" }, exposure.ErrBucketMissing},
		"an unknown access key": {func(b *models.AttachmentBucket) { b.AccessKey = "AKNOBODY" }, exposure.ErrBucketKeys},
		"a wrong secret key":    {func(b *models.AttachmentBucket) { b.SecretKey = "wrong" }, exposure.ErrBucketKeys},
		"another region":        {func(b *models.AttachmentBucket) { b.Region = "cn-south-1" }, exposure.ErrBucketRegion},
		"no right to write":     {func(b *models.AttachmentBucket) { b.Name = "locked" }, exposure.ErrBucketDenied},
		"no right to delete":    {func(b *models.AttachmentBucket) { b.Name = "undeletable" }, exposure.ErrBucketDenied},
		"a redirect":            {func(b *models.AttachmentBucket) { b.Name = "moved" }, exposure.ErrBucketRegion},
		"no object storage":     {func(b *models.AttachmentBucket) { b.Name = "website" }, exposure.ErrBucketUnusable},
		"what was put differs":  {func(b *models.AttachmentBucket) { b.Name = "forgetful" }, exposure.ErrBucketUnusable},
		"nobody there":          {func(b *models.AttachmentBucket) { b.Endpoint = silent }, exposure.ErrBucketUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket := right
			row.change(&bucket)
			err := buckets.Probe(t.Context(), bucket)
			if !errors.Is(err, row.want) || (err == nil) != (row.want == nil) {
				t.Errorf("%v, want %v", err, row.want)
			}
			if err != nil && (strings.Contains(err.Error(), secretKey) || strings.Contains(err.Error(), server.URL)) {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		if left := server.keys(t, "kept"); len(left) > 0 {
			t.Errorf("probes left %v", left)
		}
		if bad := server.complaints(); len(bad) > 0 {
			t.Errorf("requests were not as they should be: %v", bad)
		}
	})
}

// TestABucketIsNoWayIn: endpoints that only this machine can reach are not called.
func TestABucketIsNoWayIn(t *testing.T) {
	t.Parallel()
	server := newBucketServer(t)
	strict := objects.Buckets{}
	bucket := models.AttachmentBucket{Name: "kept", Region: region, AccessKey: accessKey, SecretKey: secretKey}
	for _, endpoint := range []string{
		server.URL, strings.Replace(server.URL, "http:", "https:", 1), "https://169.254.169.254", "https://10.0.0.8:9000", "https://[::1]:9000",
		"https://localhost", "https://minio.internal", "file:///etc", "https://user:pass@s3.example.com",
	} {
		bucket.Endpoint = endpoint
		if err := strict.Probe(t.Context(), bucket); models.CodeOf(err) != models.CodeInvalid {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
	if n := server.calls(); n != 0 {
		t.Errorf("%d calls arrived", n)
	}
	// A name that leads inside is found out when it is called.
	bucket.Endpoint = "https://bucket.localtest.example.com"
	inside := objects.Buckets{Guard: outbound.Guard{Resolver: resolverTo(t, "127.0.0.1")}}
	if err := inside.Probe(t.Context(), bucket); !errors.Is(err, exposure.ErrBucketUnreachable) {
		t.Errorf("a name that leads inside: %v", err)
	}
}

func TestAttachmentsAreReadFromABucket(t *testing.T) {
	t.Parallel()
	server := newBucketServer(t)
	buckets := objects.Buckets{Guard: outbound.Guard{Dev: true}}
	bucket := models.AttachmentBucket{Name: "kept", Endpoint: server.URL, Region: region, AccessKey: accessKey, SecretKey: secretKey}
	content := bytes.Repeat([]byte("x"), 100_000)
	server.put(t, "kept", "download/test/abc023.jpg", content)
	got, err := slurp(t.Context(), buckets, bucket, "download/test/abc023.jpg")
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := slurp(t.Context(), buckets, bucket, "download/test/ABC023.jpg"); !errors.Is(err, exposure.ErrAttachmentMissing) {
		t.Errorf("another case: %v", err)
	}
	// A stranger's endpoint decides how much it answers, not how much is read.
	server.put(t, "kept", "download/huge.jpg", make([]byte, models.MaxAttachmentBytes+5000))
	if got, _ := slurp(t.Context(), buckets, bucket, "download/huge.jpg"); len(got) != models.MaxAttachmentBytes+1 {
		t.Errorf("read %d bytes", len(got))
	}
}

func slurp(ctx context.Context, buckets objects.Buckets, bucket models.AttachmentBucket, key string) ([]byte, error) {
	body, err := buckets.Open(ctx, bucket, key)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(body)
	return content, errors.Join(err, body.Close())
}
