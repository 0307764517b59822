package files

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// Spooled is a file that has arrived and is nowhere but in a temporary file without a name. It is for one goroutine; close it.
type Spooled struct {
	Size   int64
	Digest string // SHA-256 in hex

	file *os.File
}

var _ io.ReadSeekCloser = (*Spooled)(nil)

// Read reads the file.
func (f *Spooled) Read(p []byte) (int, error) { return f.file.Read(p) }

// Seek moves to where the next Read begins.
func (f *Spooled) Seek(offset int64, whence int) (int64, error) { return f.file.Seek(offset, whence) }

// Close forgets the file.
func (f *Spooled) Close() error {
	_ = os.Remove(f.file.Name()) // where an open file keeps its name
	return f.file.Close()
}

// spool reads at most the given number of bytes; a body that has more is errSizeDiffers, one that breaks off errTruncated.
func (s *Service) spool(body io.Reader, most int64) (*Spooled, error) {
	file, err := os.CreateTemp(s.TempDir, "partnergraph-upload-*")
	if err != nil {
		return nil, fmt.Errorf("files: temporary file: %w", err)
	}
	_ = os.Remove(file.Name()) // so that nothing stays behind if this process ends here
	spooled := &Spooled{file: file}
	hash := sha256.New()
	written := &writing{to: io.MultiWriter(file, hash)}
	spooled.Size, err = io.Copy(written, io.LimitReader(body, most+1))
	switch {
	case written.err != nil:
		err = fmt.Errorf("files: temporary file: %w", written.err)
	case err != nil:
		err = errTruncated
	case spooled.Size > most:
		err = errSizeDiffers
	default:
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = spooled.Close()
		return nil, err
	}
	spooled.Digest = hex.EncodeToString(hash.Sum(nil))
	return spooled, nil
}

// writing remembers an error of its own side, to tell it from one of the sender's.
type writing struct {
	to  io.Writer
	err error
}

// Write writes on.
func (w *writing) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.err = err
	return n, err
}
