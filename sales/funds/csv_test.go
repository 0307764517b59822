package funds_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/funds"
)

func TestAStatementFileIsRFC4180(t *testing.T) {
	t.Parallel()
	entry := models.StatementEntry{
		ID: "ent_1", AccountType: models.AccountBalance, Amount: models.NewMoney(-123456, models.CNY), BalanceAfter: models.NewMoney(5, models.CNY),
		Transfer: models.Transfer{ID: "trf_1", Kind: models.TransferFund, OrderID: "ord_1", Reason: "two\nlines, \"quoted\""},
		Customer: &models.LedgerParty{ID: "cus_1", Name: "=cmd|' /C calc'!A0"}, CreatedAt: time.Date(2026, 11, 21, 12, 0, 0, 5000, time.FixedZone("", 8*3600)),
	}
	var written bytes.Buffer
	file, err := funds.NewStatementFile(&written)
	if err == nil {
		err = file.Write([]models.StatementEntry{entry})
	}
	if err != nil {
		t.Fatal(err)
	}
	want := "\ufeffid,created_at,account_type,direction,trade_type,amount,balance_after,currency,order_id,transfer_id,customer_id,customer_name,reason\r\n" +
		"ent_1,2026-11-21T04:00:00.000005Z,BALANCE,EXPENSE,FUND,-1234.56,0.05,CNY,ord_1,trf_1,cus_1,'=cmd|' /C calc'!A0,\"two\r\nlines, \"\"quoted\"\"\"\r\n"
	if diff := cmp.Diff(want, written.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFormulasAreTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "Müller & Söhne": "Müller & Söhne", "客户": "客户", "a=b": "a=b", "'quoted": "'quoted",
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(1)": "'@SUM(1)", "\t=1": "'\t=1", "\r=1": "'=1", "\n=1": "'\n=1",
		"  =1": "'  =1", "\u00a0=1": "'\u00a0=1", "＝1": "'＝1", "  ": "  ",
	} {
		var written bytes.Buffer
		file, err := funds.NewStatementFile(&written)
		if err == nil {
			err = file.Write([]models.StatementEntry{{Transfer: models.Transfer{Reason: text}}})
		}
		records, readErr := csv.NewReader(&written).ReadAll()
		if err != nil || readErr != nil || len(records) != 2 {
			t.Fatalf("%q: %v, %v, %v", text, err, readErr, records)
		}
		if got := records[1][12]; got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// Whatever people write, the file has one record per line, each with all its cells, none of which begins like a formula.
func FuzzStatementFile(f *testing.F) {
	for _, seed := range []string{"", "=1", "a,b", "\"", "\r\n", "'=", " \t=", "\xff", "\ufeff=1"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, name, reason string) {
		if !utf8.ValidString(name) || !utf8.ValidString(reason) {
			t.Skip() // the databases hold none
		}
		var written bytes.Buffer
		file, err := funds.NewStatementFile(&written)
		if err != nil {
			t.Fatal(err)
		}
		entry := models.StatementEntry{Customer: &models.LedgerParty{Name: name}, Transfer: models.Transfer{Reason: reason}}
		if err := file.Write([]models.StatementEntry{entry, entry}); err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(written.Bytes(), []byte("\ufeff")))).ReadAll()
		if err != nil || len(records) != 3 || len(records[1]) != len(records[0]) {
			t.Fatalf("%v: %q", err, written.String())
		}
		for _, cell := range records[1][11:] {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") {
				t.Errorf("a cell begins with %q", cell[:1])
			}
		}
	})
}
