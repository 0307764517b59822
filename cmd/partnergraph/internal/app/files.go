package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/benefits"
	"github.com/partnergraph/partnergraph/sales/brands"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/payouts"
	"github.com/partnergraph/partnergraph/sales/staff"
	"github.com/partnergraph/partnergraph/sales/verification"
	"github.com/partnergraph/partnergraph/session"
	"github.com/partnergraph/partnergraph/store"
)

// How long a file may take on its way in or out: ten megabytes over a slow line.
const (
	uploadPatience   = 2 * time.Minute
	downloadPatience = 2 * time.Minute
)

// wireFiles makes the rooms that take files in, and lets the rooms below ask them.
func (a *App) wireFiles(opts Options) error {
	r := a.Rooms
	kept := opts.Objects
	if kept == nil {
		var err error
		if kept, err = a.cfg.objects(); err != nil {
			return err
		}
	}
	r.Files = &files.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Objects: kept, Random: random, Origin: a.cfg.origin(), Logger: a.Log,
	}
	r.Exposure.Uploads = r.Files
	r.Verify = &verification.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Seal: a.sealer, Customers: r.Customers, Platforms: r.Exposure, Files: r.Files, Logger: a.Log,
	}
	if r.Codes.Sender != nil {
		r.Verify.Codes = r.Codes
	}
	r.Files.Gate = r.Verify
	r.Payouts = &payouts.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Seal: a.sealer, Files: r.Files, Logger: a.Log,
		Ledger: r.Ledger, Incentives: r.Incentives, Quotas: r.Coupons, Debts: r.Funds,
	}
	r.Incentives.Payouts = r.Payouts
	r.Billing.Uploads = r.Files
	r.Benefits = &benefits.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Jobs: r.Jobs, Files: r.Files, Orders: r.Orders,
	}
	r.Brands = &brands.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Uploads: r.Files, Platforms: r.Exposure, Catalogue: offered{r.Catalog}, Origin: a.cfg.origin(),
		Logger: a.Log, Dev: a.cfg.Dev,
	}
	r.Staff = &staff.Service{
		DB: r.DB, Now: r.Now, IDs: r.IDs, Events: r.Recorder, Ledger: r.Ledger, Seal: a.sealer, Payer: r.Payouts, Files: r.Files, Jobs: r.Jobs,
	}
	return nil
}

// mountFiles adds the addresses that files come and go by.
func (a *App) mountFiles(mux *http.ServeMux) {
	door := func(serve http.HandlerFunc) http.Handler { return a.sessions.Middleware(a.limited(serve)) }
	mux.Handle(files.UploadPath+"{token}", door(a.upload))
	mux.Handle(files.DownloadPath+"{token}", door(a.download))
}

// upload answers PUT /uploads/{token}: the body is the file, nothing around it. The answer is JSON, as programs bring files.
func (a *App) upload(w http.ResponseWriter, r *http.Request) {
	if !a.expects(w, r, http.MethodPut) {
		return
	}
	// Servers without deadlines, as in tests, have none to move.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(uploadPatience))
	_ = control.SetWriteDeadline(time.Now().Add(uploadPatience + a.cfg.OperationTimeout))
	ctx, cancel := context.WithTimeout(r.Context(), uploadPatience)
	defer cancel()
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		a.refuseFile(w, r, models.Invalid("Content-Encoding", "The body is the file itself, without a coding."))
		return
	}
	contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	body := http.MaxBytesReader(w, r.Body, models.MaxAttachmentBytes+1)
	received, err := a.Rooms.Files.Receive(ctx, session.Who(r.Context()), r.PathValue("token"), r.ContentLength, contentType, body)
	if err != nil {
		a.refuseFile(w, r, err)
		return
	}
	a.writeJSON(w, http.StatusCreated, map[string]any{"uploadId": received.ID, "size": received.Size, "sha256": received.Digest, "expiresAt": received.ExpiresAt})
}

// download answers GET /downloads/{token} with a file that no browser shows as a page: it is to be saved, is of the type that was judged, and may run
// and load nothing.
func (a *App) download(w http.ResponseWriter, r *http.Request) {
	if !a.expects(w, r, http.MethodGet) {
		return
	}
	opened, err := a.openDownload(r.Context(), session.Who(r.Context()), r.PathValue("token"))
	if err != nil {
		a.refuseFile(w, r, err)
		return
	}
	defer func() { _ = opened.Body.Close() }()
	header := w.Header()
	header.Set("Content-Type", opened.ContentType)
	header.Set("Content-Length", strconv.FormatInt(opened.Size, 10))
	header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename=%q`, opened.Name))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(downloadPatience))
	if _, err := io.Copy(w, opened.Body); err != nil {
		a.Log.WarnContext(r.Context(), "download ended early", slog.String("request_id", infoOf(r.Context()).id), slog.Any("error", err))
		panic(http.ErrAbortHandler) // a part must not be taken for the whole
	}
}

// openDownload asks the room that granted the download.
func (a *App) openDownload(ctx context.Context, who models.Principal, token string) (files.Opened, error) {
	kind, err := a.Rooms.Files.Granted(ctx, who, token)
	if err != nil {
		return files.Opened{}, err
	}
	open, known := map[models.DownloadKind]func(context.Context, models.Principal, string) (files.Opened, error){
		models.DownloadOfAttachment: a.Rooms.Verify.OpenDownload,
		models.DownloadOfBankLetter: a.Rooms.Payouts.OpenDownload,
		models.DownloadOfProof:      a.Rooms.Benefits.OpenProof,
		models.DownloadOfStaffList:  a.Rooms.Staff.OpenList,
	}[kind]
	if !known {
		return files.Opened{}, fmt.Errorf("a download of %q", kind)
	}
	return open(ctx, who, token)
}

// expects refuses other methods before a token is looked at, and callers whose credential is not good.
func (a *App) expects(w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method != method {
		w.Header().Set("Allow", method)
		a.writeJSON(w, http.StatusMethodNotAllowed, fileError(models.CodeInvalid, "", "This address takes "+method+" only."))
		return false
	}
	if _, err := session.From(r.Context()); err != nil {
		a.refuseFile(w, r, err)
		return false
	}
	return true
}

// refuseFile answers with what is wrong, as GraphQL would.
func (a *App) refuseFile(w http.ResponseWriter, r *http.Request, err error) {
	status, code, reason, message := http.StatusInternalServerError, models.CodeInternal, "", "Something went wrong here. Tell support the request id "+infoOf(r.Context()).id+"."
	var ours *models.Error
	switch {
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		status, code, message = http.StatusServiceUnavailable, models.CodeUnavailable, "Something that this server needs is not there now; try again."
	case errors.As(err, &ours):
		status, code, reason, message = fileStatus(ours), ours.Code, ours.Reason(), ours.Message
	}
	if status >= http.StatusInternalServerError {
		a.Log.ErrorContext(r.Context(), "file failed", slog.String("request_id", infoOf(r.Context()).id), slog.Any("error", err))
	}
	a.writeJSON(w, status, fileError(code, reason, message))
}

func fileError(code models.Code, reason, message string) map[string]any {
	one := map[string]any{"code": code, "message": message}
	if reason != "" {
		one["reason"] = reason
	}
	return map[string]any{"error": one}
}

func fileStatus(err *models.Error) int {
	switch err.Code {
	case models.CodeInvalid:
		return http.StatusBadRequest
	case models.CodeUnauthenticated:
		return http.StatusUnauthorized
	case models.CodeForbidden:
		return http.StatusForbidden
	case models.CodeNotFound:
		return http.StatusNotFound
	case models.CodePreconditionFailed:
		if err.Reason() == "SIZE_DIFFERS" {
			return http.StatusRequestEntityTooLarge
		}
		return http.StatusUnprocessableEntity
	case models.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func (a *App) writeJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		return // the caller has gone
	}
}
