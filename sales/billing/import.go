package billing

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
)

const (
	// maxRefused is how many refused rows an import names; it counts them all.
	maxRefused = 1000
	// maxRowBytes bounds one row of a file.
	maxRowBytes = 4096
	// importBatch is how many rows are taken in with one transaction.
	importBatch = 500
)

// ImportUsage names an upload of the purpose USAGE_RECORDS.
type ImportUsage struct {
	UploadID models.ID
}

// RefusedRow is a row of a file that was not taken in.
type RefusedRow struct {
	Row        int // in the file; the header is 1
	ExternalID string
	Error      *models.Error
}

// UsageImported is what became of the rows of a file.
type UsageImported struct {
	Rows        int // without the header
	Taken       int // also those that were taken in before
	Refused     int
	RefusedRows []RefusedRow // the first 1000 of them
}

// columns are the columns of a file, each required in the header; those of optional may be left out.
func columns() (required, optional []string) {
	return []string{"externalId", "customerId", "serviceType", "resourceType", "specCode", "region", "usageType", "usageValue", "usageMeasureId", "usedAt"},
		[]string{"resourceId", "quantity", "size", "sizeMeasureId", "settlement", "corrects"}
}

// Import takes the rows of an uploaded CSV file in as Record would; a row that is refused does not keep the others out. A file that was
// imported in part, because the server ended, is imported again from a new upload: what was taken in changes nothing. It is INVALID for a
// file without the header of docs/billing.md, or with more than 10,000 rows: nothing of such a file is taken in. It needs USAGE_WRITE;
// operators only.
func (s *Service) Import(ctx context.Context, who models.Principal, cmd ImportUsage) (UsageImported, error) {
	if err := mayReport(who); err != nil {
		return UsageImported{}, err
	}
	if err := cmd.UploadID.Require(models.PrefixUpload, "uploadId"); err != nil {
		return UsageImported{}, err
	}
	if s.Uploads == nil {
		return UsageImported{}, models.Precondition("UPLOADS_OFF", "This server keeps no files: its operator has not configured where.")
	}
	content, err := s.Uploads.Content(ctx, who, models.UploadUsage, cmd.UploadID)
	if err != nil {
		return UsageImported{}, err
	}
	if err := checkFile(content); err != nil {
		return UsageImported{}, err
	}
	done := &UsageImported{RefusedRows: []RefusedRow{}}
	file, err := open(content)
	if err != nil {
		return UsageImported{}, err
	}
	var batch []row
	for {
		one, err := file.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return UsageImported{}, err
		}
		over := err != nil
		if !over {
			batch = append(batch, one)
		}
		if len(batch) == importBatch || over && len(batch) > 0 {
			if err := s.importRows(ctx, who, batch, done); err != nil {
				return UsageImported{}, err
			}
			batch = batch[:0]
		}
		if over {
			break
		}
	}
	return *done, s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.Uploads.TakeIn(ctx, tx, who, models.UploadUsage, cmd.UploadID)
	})
}

// checkFile looks at the bounds before anything is taken in.
func checkFile(content []byte) error {
	if _, err := open(content); err != nil {
		return err
	}
	for number := 1; len(content) > 0; number++ {
		line, rest, _ := bytes.Cut(content, []byte("\n"))
		switch {
		case len(line) > maxRowBytes:
			return models.Invalid("uploadId", fmt.Sprintf("Row %d has more than %d bytes.", number, maxRowBytes))
		case number > models.MaxUsageRows+1:
			return models.Invalid("uploadId", fmt.Sprintf("A file has at most %d rows and a header.", models.MaxUsageRows))
		}
		content = rest
	}
	return nil
}

// importRows takes a batch of rows in and adds up what became of them.
func (s *Service) importRows(ctx context.Context, who models.Principal, rows []row, done *UsageImported) error {
	refuse := func(one row, err *models.Error) {
		done.Refused++
		if len(done.RefusedRows) < maxRefused {
			done.RefusedRows = append(done.RefusedRows, RefusedRow{Row: one.number, ExternalID: clip(one.record.ExternalID), Error: err})
		}
	}
	done.Rows += len(rows)
	var good []row
	var records []UsageRecord
	for _, one := range rows {
		if one.err != nil {
			refuse(one, models.AsError(one.err))
			continue
		}
		good, records = append(good, one), append(records, one.record)
	}
	if len(records) == 0 {
		return nil
	}
	results, err := s.record(ctx, who, records)
	if err != nil {
		return err
	}
	for i, result := range results {
		if result.Error != nil {
			refuse(good[i], result.Error)
			continue
		}
		done.Taken++
	}
	slices.SortStableFunc(done.RefusedRows, func(a, b RefusedRow) int { return a.Row - b.Row })
	return nil
}

// clip keeps what strangers wrote short.
func clip(text string) string { return text[:min(len(text), 64)] }

// row is a row of a file as a record, or what is wrong with it.
type row struct {
	number int
	record UsageRecord
	err    error
}

// file reads rows one after the other.
type file struct {
	csv    *csv.Reader
	at     map[string]int
	number int
}

func open(content []byte) (*file, error) {
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))))
	reader.FieldsPerRecord, reader.ReuseRecord = -1, true
	header, err := reader.Read()
	if err != nil {
		return nil, models.Invalid("uploadId", "The file has no header.")
	}
	f := &file{csv: reader, at: map[string]int{}, number: 1}
	required, optional := columns()
	for i, name := range header {
		name = strings.TrimSpace(name)
		if _, twice := f.at[name]; twice || !slices.Contains(required, name) && !slices.Contains(optional, name) {
			return nil, models.Invalid("uploadId", fmt.Sprintf("The header's column %d is unknown, or there twice.", i+1))
		}
		f.at[name] = i
	}
	for _, name := range required {
		if _, there := f.at[name]; !there {
			return nil, models.Invalid("uploadId", "The header has no column "+name+".")
		}
	}
	return f, nil
}

// next returns the next row; io.EOF after the last. A row that cannot be read is returned with its error.
func (f *file) next() (row, error) {
	cells, err := f.csv.Read()
	if errors.Is(err, io.EOF) {
		return row{}, io.EOF
	}
	f.number++
	one := row{number: f.number}
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken):
		one.err = models.Invalid("row", "The row is no CSV.")
	case err != nil:
		return row{}, err
	case len(cells) != len(f.at):
		one.err = models.Invalid("row", fmt.Sprintf("The row has %d cells, the header %d.", len(cells), len(f.at)))
	default:
		one.record, one.err = f.record(cells)
	}
	return one, nil
}

func (f *file) record(cells []string) (r UsageRecord, err error) {
	cell := func(name string) string {
		if i, there := f.at[name]; there {
			return strings.Clone(strings.TrimSpace(cells[i]))
		}
		return ""
	}
	optional := func(name string) *string {
		if text := cell(name); text != "" {
			return &text
		}
		return nil
	}
	r = UsageRecord{
		ExternalID: cell("externalId"), ResourceID: optional("resourceId"), ServiceType: cell("serviceType"), ResourceType: cell("resourceType"),
		SpecCode: cell("specCode"), Region: cell("region"), UsageType: cell("usageType"),
	}
	if r.CustomerID, err = models.ParseID(cell("customerId")); err != nil {
		return r, models.Invalid("customerId", "customerId is no id.")
	}
	if r.UsageValue, err = number("usageValue", cell("usageValue")); err != nil {
		return r, err
	}
	if r.UsageMeasureID, err = whole("usageMeasureId", cell("usageMeasureId")); err != nil {
		return r, err
	}
	if r.UsedAt, err = time.Parse(time.RFC3339, cell("usedAt")); err != nil {
		return r, models.Invalid("usedAt", "usedAt is a time such as 2026-11-21T10:00:00Z.")
	}
	if text := optional("quantity"); text != nil {
		n, err := whole("quantity", *text)
		if err != nil {
			return r, err
		}
		r.Quantity = &n
	}
	if text := optional("size"); text != nil {
		size, err := number("size", *text)
		if err != nil {
			return r, err
		}
		r.Size = &size
	}
	if text := optional("sizeMeasureId"); text != nil {
		n, err := whole("sizeMeasureId", *text)
		if err != nil {
			return r, err
		}
		r.SizeMeasureID = &n
	}
	if text := optional("settlement"); text != nil {
		settlement := models.SettlementInterval(*text)
		r.Settlement = &settlement
	}
	if text := optional("corrects"); text != nil {
		is, err := strconv.ParseBool(*text)
		if err != nil {
			return r, models.Invalid("corrects", "corrects is true or false.")
		}
		r.Corrects = &is
	}
	return r, nil
}

// number reads a plain decimal: what has an exponent could take for ever.
func number(field, text string) (decimal.Decimal, error) {
	if text == "" || len(text) > 30 || strings.ContainsFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' }) {
		return decimal.Zero, models.Invalid(field, field+" is a plain decimal such as 12.5.")
	}
	value, err := decimal.NewFromString(text)
	if err != nil {
		return decimal.Zero, models.Invalid(field, field+" is a plain decimal such as 12.5.")
	}
	return value, nil
}

func whole(field, text string) (int, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, models.Invalid(field, field+" is a whole number.")
	}
	return int(n), nil
}
