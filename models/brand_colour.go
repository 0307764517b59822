package models

import (
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"strings"
)

// MinContrast is the ratio that text needs against what is behind it, WCAG 2.2, 1.4.3.
const MinContrast = 4.5

// Colour is one of sRGB: red, green, blue.
type Colour [3]uint8

var colourText = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// ParseColour reads #rrggbb in either case.
func ParseColour(text string) (Colour, bool) {
	text = strings.ToLower(text)
	if !colourText.MatchString(text) {
		return Colour{}, false
	}
	raw, err := hex.DecodeString(text[1:])
	if err != nil {
		return Colour{}, false
	}
	return Colour(raw), true
}

// String writes #rrggbb in lower case.
func (c Colour) String() string { return "#" + hex.EncodeToString(c[:]) }

// luminance is the relative luminance of WCAG 2.2, 0 to 1.
func (c Colour) luminance() float64 {
	linear := func(part uint8) float64 {
		v := float64(part) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

// Contrast is the ratio of WCAG 2.2 between two colours, 1 to 21, whichever is the lighter.
func (c Colour) Contrast(other Colour) float64 {
	a, b := c.luminance(), other.luminance()
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// mix goes so many hundredths of the way to another colour.
func (c Colour) mix(other Colour, hundredths int) Colour {
	var mixed Colour
	for i := range c {
		mixed[i] = uint8((int(c[i])*(100-hundredths) + int(other[i])*hundredths + 50) / 100)
	}
	return mixed
}

// Palette is what an accent colour becomes in one of the pages' themes: the colour of links and buttons, of the text on buttons, and of a button
// under the pointer.
type Palette struct{ Accent, Ink, Hover Colour }

// LightSurfaces are what the pages' light theme has behind accents, or as text on them: cards and the ink of buttons, the page, quiet buttons under
// the pointer.
func LightSurfaces() []Colour {
	return []Colour{{0xff, 0xff, 0xff}, {0xf4, 0xf6, 0xf8}, {0xe8, 0xf0, 0xf9}}
}

// DarkSurfaces are the same of the dark theme; the last one is the ink of buttons.
func DarkSurfaces() []Colour {
	return []Colour{{0x1b, 0x22, 0x29}, {0x12, 0x17, 0x1c}, {0x16, 0x29, 0x3d}, {0x0c, 0x1a, 0x29}}
}

// against is the least contrast of a colour with some others.
func (c Colour) against(surfaces []Colour) float64 {
	least := math.Inf(1)
	for _, surface := range surfaces {
		least = min(least, c.Contrast(surface))
	}
	return least
}

// LightPalette is the colour itself, with white text on it.
func (c Colour) LightPalette() Palette {
	return Palette{Accent: c, Ink: LightSurfaces()[0], Hover: c.mix(Colour{}, 20)}
}

// DarkPalette is the colour as much lighter as the dark theme needs.
func (c Colour) DarkPalette() Palette {
	white := Colour{0xff, 0xff, 0xff}
	accent := c
	for hundredths := 5; accent.against(DarkSurfaces()) < MinContrast; hundredths += 5 {
		accent = c.mix(white, hundredths)
	}
	return Palette{Accent: accent, Ink: DarkSurfaces()[3], Hover: accent.mix(white, 25)}
}

// CheckAccent accepts a colour that can be read as text of the light theme and carries white text, and returns it in lower case. Another one is
// INVALID with its ratio in the message and in the details.
func CheckAccent(text, field string) (string, error) {
	colour, ok := ParseColour(text)
	if !ok {
		return "", Invalid(field, "A colour is written as #1f5fa8.")
	}
	ratio := colour.against(LightSurfaces())
	if ratio < MinContrast {
		shown := fmt.Sprintf("%.2f", math.Floor(ratio*100)/100)
		refused := Invalid(field, "The colour has a contrast of "+shown+":1 against what it stands on and the text that it carries; 4.5:1 is needed. Choose a darker one.")
		refused.Details = map[string]any{"ratio": shown, "required": "4.5"}
		return "", refused
	}
	return colour.String(), nil
}

// AccentStylesheetName is what the stylesheet of an accent colour is called in addresses.
func AccentStylesheetName(accent string) string { return strings.TrimPrefix(accent, "#") + ".css" }

// AccentStylesheet returns the stylesheet of a name that AccentStylesheetName has made, for accents that CheckAccent accepts: nothing else
// becomes part of a page.
func AccentStylesheet(name string) (css string, ok bool) {
	text, isCSS := strings.CutSuffix(name, ".css")
	accent, err := CheckAccent("#"+text, "accentColor")
	if !isCSS || err != nil || accent != "#"+text {
		return "", false
	}
	colour, _ := ParseColour(accent)
	rule := func(p Palette) string {
		return fmt.Sprintf(":root { --accent: %s; --accent-ink: %s; --accent-hover: %s; }", p.Accent, p.Ink, p.Hover)
	}
	return rule(colour.LightPalette()) + "\n@media (prefers-color-scheme: dark) { " + rule(colour.DarkPalette()) + " }\n", true
}
