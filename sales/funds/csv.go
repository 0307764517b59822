package funds

import (
	"encoding/csv"
	"io"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// StatementFile writes a statement as CSV of RFC 4180, in UTF-8 with a byte order mark, without which spreadsheets take Chinese
// names for Latin letters. Times are UTC, amounts have a point and no thousands separators.
type StatementFile struct{ csv *csv.Writer }

// NewStatementFile begins a file with its first line, the names of the columns.
func NewStatementFile(w io.Writer) (*StatementFile, error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	file := &StatementFile{csv: csv.NewWriter(w)}
	file.csv.UseCRLF = true
	err := file.csv.Write([]string{
		"id", "created_at", "account_type", "direction", "trade_type", "amount", "balance_after", "currency", "order_id", "transfer_id",
		"customer_id", "customer_name", "reason",
	})
	return file, err
}

// Write adds a line for each entry and hands them on to the file's writer.
func (f *StatementFile) Write(entries []models.StatementEntry) error {
	for _, e := range entries {
		var customer models.LedgerParty
		if e.Customer != nil {
			customer = *e.Customer
		}
		if err := f.csv.Write([]string{
			string(e.ID), e.CreatedAt.UTC().Format(time.RFC3339Nano), string(e.AccountType), string(e.Direction()), string(e.TradeType()),
			e.Amount.Plain(), e.BalanceAfter.Plain(), string(e.Amount.Currency), string(e.OrderID()), string(e.Transfer.ID),
			string(customer.ID), models.SheetText(customer.Name), models.SheetText(e.Transfer.Reason),
		}); err != nil {
			return err
		}
	}
	f.csv.Flush()
	return f.csv.Error()
}
