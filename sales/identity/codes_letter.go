package identity

import (
	"embed"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/letters"
)

//go:embed letters
var templates embed.FS

// writeCode writes the letter with a code.
func writeCode(code models.VerificationCode, digits string) (letters.Letter, error) {
	return letters.Write(templates, "code", code.Language, struct{ Code, Purpose, Until string }{
		digits, string(code.Purpose), code.ExpiresAt.UTC().Format("15:04 UTC"),
	})
}
