package brands

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"github.com/partnergraph/partnergraph/models"
)

// logoQuality is that of JPEG pictures that are written here, of 100.
const logoQuality = 90

// rewrite decodes an uploaded picture, which was judged when it was brought, and writes it anew: what is served holds pixels and nothing of the
// sender's, such as where a photograph was taken or a second file behind the first.
func rewrite(content []byte) (models.BrandLogo, []byte, error) {
	logo, decode := models.BrandLogo{ContentType: "image/png"}, png.Decode
	if bytes.HasPrefix(content, []byte("\xff\xd8\xff")) {
		logo.ContentType, decode = "image/jpeg", jpeg.Decode
	}
	picture, err := decode(bytes.NewReader(content))
	if err != nil {
		return logo, nil, models.Precondition("NOT_DECODABLE", "The file is broken: it cannot be decoded.")
	}
	logo.Width, logo.Height = picture.Bounds().Dx(), picture.Bounds().Dy()
	var written bytes.Buffer
	if err := encode(&written, logo.ContentType, picture); err != nil {
		return logo, nil, fmt.Errorf("brands: logo: %w", err)
	}
	sum := sha256.Sum256(written.Bytes())
	logo.Digest, logo.Size = hex.EncodeToString(sum[:]), written.Len()
	return logo, written.Bytes(), nil
}

func encode(to *bytes.Buffer, contentType string, picture image.Image) error {
	if contentType == "image/jpeg" {
		return jpeg.Encode(to, picture, &jpeg.Options{Quality: logoQuality})
	}
	return (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(to, picture)
}
