package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
	"github.com/partnergraph/partnergraph/session"
)

// exportPatience is how long a reader may take over a thousand lines.
const exportPatience = time.Minute

// export answers GET /exports/{token} with the statement as CSV. It holds a thousand lines at a time, so a file of a million
// takes no more memory than one of a thousand, and it may take longer than an operation: each page has the operation's time.
func (a *App) export(w http.ResponseWriter, r *http.Request) {
	// A link checker asks with HEAD, and must not use the token up.
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		a.site.ShowError(w, r, http.StatusMethodNotAllowed, string(models.CodeInvalid))
		return
	}
	// The token is gone whether or not the reader stays.
	ctx, cancel := context.WithTimeout(r.Context(), a.cfg.OperationTimeout)
	defer cancel()
	export, err := a.Rooms.Funds.OpenExport(ctx, session.Who(r.Context()), r.PathValue("token"))
	if err != nil {
		a.site.Fail(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="statement-%s-%s.csv"`, export.OwnerID, export.CreatedAt.Format("20060102T150405Z")))
	header.Set("Cache-Control", "no-store")
	if err := a.writeStatement(r.Context(), http.NewResponseController(w), w, export); err != nil {
		a.Log.WarnContext(r.Context(), "export ended early", slog.String("request_id", infoOf(r.Context()).id), slog.Any("error", err))
		// The reader must not take a part for the whole: the connection breaks instead of ending well.
		panic(http.ErrAbortHandler)
	}
}

func (a *App) writeStatement(ctx context.Context, control *http.ResponseController, w io.Writer, export *funds.Export) error {
	file, err := funds.NewStatementFile(w)
	if err != nil {
		return err
	}
	return export.Pages(ctx, a.cfg.OperationTimeout, func(page []models.StatementEntry) error {
		// Servers without deadlines, as in tests, have none to move.
		_ = control.SetWriteDeadline(time.Now().Add(exportPatience))
		return file.Write(page)
	})
}
