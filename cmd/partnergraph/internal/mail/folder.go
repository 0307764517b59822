package mail

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/partnergraph/partnergraph/sales/customers"
)

// Folder writes every e-mail into a file of its own, named by its id: <id>.eml, as mail programs open it. The links in them
// let whoever reads them accept, so that the folder is its owner's alone.
type Folder struct {
	dir     string
	compose composer
}

var _ customers.Mailer = (*Folder)(nil)

// Send writes the file, or replaces it when the same e-mail is sent again.
func (f *Folder) Send(_ context.Context, m customers.Mail) error {
	raw, _, err := f.compose.message(m)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return fmt.Errorf("mail folder: %w", err)
	}
	path := filepath.Join(f.dir, m.ID+".eml")
	if err := os.WriteFile(path+".part", raw, 0o600); err != nil {
		return fmt.Errorf("mail folder: %w", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return fmt.Errorf("mail folder: %w", err)
	}
	return nil
}
