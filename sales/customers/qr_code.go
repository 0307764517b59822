package customers

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"github.com/partnergraph/partnergraph/models"
)

// The sides of a QR code in pixels. A link has some 80 characters, which need about 40 modules and the white border.
const (
	smallestQRCode = 128
	largestQRCode  = 1024
	quietModules   = 4 // the border that readers need
)

// QRCode returns the link as a data: URL of a PNG with this many pixels on each side, 128 to 1024; nil when there is no link to
// show. It is drawn anew each time, because only the digest of the link's token is kept (C06).
func (i Invited) QRCode(size int) (*string, error) {
	if size < smallestQRCode || size > largestQRCode {
		return nil, models.Invalid("size", "A QR code has 128 to 1024 pixels on each side.")
	}
	if i.Link == nil {
		return nil, nil
	}
	// Medium: a printed or photographed code may lose a seventh of itself.
	code, err := qr.Encode(*i.Link, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("customers: qr code: %w", err)
	}
	modules := code.Bounds().Dx()
	inner := size * modules / (modules + 2*quietModules)
	scaled, err := barcode.Scale(code, inner, inner)
	if err != nil {
		return nil, fmt.Errorf("customers: qr code: %w", err)
	}
	var drawn bytes.Buffer
	if err := png.Encode(&drawn, framed(scaled, size)); err != nil {
		return nil, fmt.Errorf("customers: qr code: %w", err)
	}
	url := "data:image/png;base64," + base64.StdEncoding.EncodeToString(drawn.Bytes())
	return &url, nil
}

// framed puts the code on white, in the middle.
func framed(code image.Image, size int) image.Image {
	page := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	margin := (size - code.Bounds().Dx()) / 2
	draw.Draw(page, code.Bounds().Add(image.Pt(margin, margin)), code, code.Bounds().Min, draw.Src)
	return page
}
