package files

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"regexp"
	"unicode/utf8"

	"golang.org/x/image/bmp"

	"github.com/partnergraph/partnergraph/models"
)

// The refusals of content, with machine-readable reasons.
var (
	errTypeDiffers   = models.Precondition("TYPE_DIFFERS", "The content is not what the file's name says.")
	errBroken        = models.Precondition("NOT_DECODABLE", "The file is broken: it cannot be decoded.")
	errActiveContent = models.Precondition("ACTIVE_CONTENT", "The file holds markup, a program or an archive, which no picture or document of this kind needs.")
)

// errPixels refuses a picture that is larger than its purpose needs.
func errPixels(pixels, side int) error {
	return models.Precondition("TOO_MANY_PIXELS", fmt.Sprintf("The picture has more than %d pixels, or a side of more than %d.", pixels, side))
}

// Judged is what is known of a file whose content is what its name says.
type Judged struct {
	Size   int64
	Digest string // SHA-256 in hex
}

// Judge reads a file that is kept elsewhere and judges its content as that of an upload; nothing of it is kept. Reasons of
// PRECONDITION_FAILED: SIZE_DIFFERS when it is larger than the purpose allows, TRUNCATED, TYPE_DIFFERS when the content is of another type than its
// name says, NOT_DECODABLE, TOO_MANY_PIXELS, and ACTIVE_CONTENT for what a browser could take for a page or would run.
func (s *Service) Judge(_ context.Context, body io.Reader, purpose models.UploadPurpose, kind models.FileKind) (Judged, error) {
	file, err := s.spool(body, purpose.MaxBytes())
	if err != nil {
		return Judged{}, err
	}
	defer file.Close()
	if err := s.judge(file, purpose, kind); err != nil {
		return Judged{}, err
	}
	return Judged{Size: file.Size, Digest: file.Digest}, nil
}

// judge judges a file from its beginning and leaves it there.
func (s *Service) judge(file *Spooled, purpose models.UploadPurpose, kind models.FileKind) error {
	s.judging.Lock()
	defer s.judging.Unlock()
	content := make([]byte, file.Size)
	if _, err := io.ReadFull(file, content); err != nil {
		return errTruncated
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	switch purpose {
	case models.UploadIDPMetadata:
		return judgeXML(content)
	case models.UploadUsage:
		return judgeText(content)
	}
	return judgeContent(content, purpose, kind.ContentType)
}

// decoder reads one format. The standard library's registry is not used: it tries whatever any package has registered.
type decoder struct {
	magic  []string
	config func(io.Reader) (image.Config, error)
	whole  func(io.Reader) (image.Image, error)
}

func decoders() map[string]decoder {
	return map[string]decoder{
		"image/jpeg": {[]string{"\xff\xd8\xff"}, jpeg.DecodeConfig, jpeg.Decode},
		"image/png":  {[]string{"\x89PNG\r\n\x1a\n"}, png.DecodeConfig, png.Decode},
		"image/gif":  {[]string{"GIF87a", "GIF89a"}, gif.DecodeConfig, gif.Decode},
		"image/bmp":  {[]string{"BM"}, bmp.DecodeConfig, bmp.Decode},
	}
}

func judgeContent(content []byte, purpose models.UploadPurpose, contentType string) error {
	if contentType == "application/pdf" {
		return judgePDF(content)
	}
	d, ok := decoders()[contentType]
	if !ok || !hasAnyPrefix(content, d.magic) {
		return errTypeDiffers
	}
	// The figures in the header are believed only as far as to refuse: the decoder allocates by them.
	config, err := d.config(bytes.NewReader(content))
	pixels, side := purpose.MaxPicture()
	switch {
	case err != nil || config.Width < 1 || config.Height < 1:
		return errBroken
	case config.Width > side || config.Height > side || config.Width*config.Height > pixels:
		return errPixels(pixels, side)
	case markup.Match(content), holdsArchive(content):
		return errActiveContent
	}
	if _, err := d.whole(bytes.NewReader(content)); err != nil {
		return errBroken
	}
	return nil
}

func hasAnyPrefix(content []byte, all []string) bool {
	for _, magic := range all {
		if bytes.HasPrefix(content, []byte(magic)) {
			return true
		}
	}
	return false
}

var (
	// markup is what browsers have taken files of other types for. Compressed data has it by chance about once in
	// ten thousand of the largest files.
	markup = regexp.MustCompile(`(?i)<(?:script|html|svg|body|iframe|object|embed|\?php|!doctype)[\s>/]`)
	// programs are what viewers of PDF run, start or unpack.
	programs = regexp.MustCompile(`/(?:JavaScript|Launch|EmbeddedFile|RichMedia|XFA)\b`)
	pdfHead  = regexp.MustCompile(`^%PDF-[12]\.[0-9]`)
	pdfTail  = regexp.MustCompile(`startxref\s+[0-9]+\s+%%EOF\s*$`)
)

// judgePDF knows a PDF by how it begins and ends; nothing of it is decoded, nor shown by this server.
func judgePDF(content []byte) error {
	const tail = 1024
	switch {
	case !pdfHead.Match(content):
		return errTypeDiffers
	case !pdfTail.Match(content[max(0, len(content)-tail):]):
		return errBroken
	case markup.Match(content), programs.Match(content), holdsArchive(content):
		return errActiveContent
	}
	return nil
}

// holdsArchive reports whether a file is an archive as well: whoever unpacks archives looks for a ZIP's directory from the end of a file,
// and skips what stands before the others. What cameras put behind their pictures is none.
func holdsArchive(content []byte) bool {
	const directory = 22 + 1<<16 // with the longest remark behind it
	return bytes.Contains(content[max(0, len(content)-directory):], []byte("PK\x05\x06")) ||
		bytes.Contains(content, []byte("Rar!\x1a\x07")) || bytes.Contains(content, []byte("7z\xbc\xaf\x27\x1c"))
}

// judgeText looks no further than at what is no text: whoever uses it reads it line by line.
func judgeText(content []byte) error {
	if !utf8.Valid(content) || bytes.ContainsRune(content, 0) {
		return errTypeDiffers
	}
	return nil
}

// judgeXML looks no further than at what is no XML at all: whoever uses metadata reads it with care.
func judgeXML(content []byte) error {
	content = bytes.TrimSpace(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")))
	switch {
	case !bytes.HasPrefix(content, []byte("<")) || bytes.ContainsRune(content, 0):
		return errTypeDiffers
	case markup.Match(content): // also a document type, which metadata never needs
		return errActiveContent
	}
	return nil
}
