package objects

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/partnergraph/partnergraph/sales/files"
)

// Folder keeps files in a folder of its owner alone, for the demo, or for one replica. Keys are paths below it; neither they nor links
// in the folder lead out of it. It is safe for concurrent use.
type Folder struct{ dir string }

var _ files.Objects = (*Folder)(nil)

// errKey refuses a key that is no plain path.
var errKey = errors.New("objects: this is no key")

// Put writes the file beside its place and then moves it there, so that nobody reads a part of it.
func (f *Folder) Put(_ context.Context, key string, body io.ReadSeeker, size int64, _ string) error {
	root, err := f.open(key, true)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if err := root.MkdirAll(path.Dir(key), 0o700); err != nil {
		return fmt.Errorf("objects: folder: %w", err)
	}
	if err := noLinks(root, key); err != nil {
		return err
	}
	part := key + ".part-" + rand.Text()
	if err := write(root, part, body, size); err != nil {
		return errors.Join(err, absent(root.Remove(part)))
	}
	if err := root.Rename(part, key); err != nil {
		return errors.Join(fmt.Errorf("objects: folder: %w", err), absent(root.Remove(part)))
	}
	return nil
}

func write(root *os.Root, name string, body io.Reader, size int64) error {
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("objects: folder: %w", err)
	}
	n, err := io.Copy(file, body)
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("objects: folder: %w", err)
	}
	return nil
}

// Open reads a file that is a plain one.
func (f *Folder) Open(_ context.Context, key string) (io.ReadCloser, error) {
	root, err := f.open(key, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, files.ErrNoObject
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	if err := noLinks(root, key); err != nil {
		return nil, err
	}
	file, err := root.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, files.ErrNoObject
	}
	if err != nil {
		return nil, fmt.Errorf("objects: folder: %w", err)
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(errKey, err, file.Close())
	}
	return file, nil
}

// Remove removes a file; there may be none.
func (f *Folder) Remove(_ context.Context, key string) error {
	root, err := f.open(key, false)
	if err != nil {
		return absent(err)
	}
	defer func() { _ = root.Close() }()
	return absent(root.Remove(key))
}

func (f *Folder) open(key string, create bool) (*os.Root, error) {
	if key == "" || !fs.ValidPath(key) || strings.ContainsAny(key, "\\\x00") {
		return nil, errKey
	}
	if create {
		if err := os.MkdirAll(f.dir, 0o700); err != nil {
			return nil, fmt.Errorf("objects: folder: %w", err)
		}
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, fmt.Errorf("objects: folder: %w", err)
	}
	return root, nil
}

// noLinks refuses a key whose path goes through a link: nothing here makes any.
func noLinks(root *os.Root, key string) error {
	for at := key; at != "."; at = path.Dir(at) {
		info, err := root.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("objects: folder: %w", err)
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return errKey
		}
	}
	return nil
}

// absent takes it for done that there is no such file.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
