package staff

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/sales/files"
)

// ListReady is where the list waits, for one download, and the payment that it belongs to.
type ListReady struct {
	files.DownloadReady

	StaffPayment models.StaffPayment
}

// ExportList prepares one download of the list of a payment as CSV, to be printed and sent with the invoice, and returns its address, good for five
// minutes and for the caller's organisation only, which shows its credential again. Of an approved payment the first time is kept: the invoice may be
// entered from then on. It needs INCENTIVES_READ, since it names people. NOT_FOUND for another's payment.
func (s *Service) ExportList(ctx context.Context, who models.Principal, cmd Payment) (ListReady, error) {
	none := ListReady{}
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return none, err
	}
	ready, now := none.DownloadReady, s.now()
	done, err := s.movePayment(ctx, who, cmd.PaymentID, models.EventStaffListExported, func(ctx context.Context, tx bun.IDB, row *models.StaffPayment) (err error) {
		if row.State == models.StaffPaymentApproved && row.PrintedAt == nil {
			row.PrintedAt, row.UpdatedAt = &now, now
		}
		ready, err = s.Files.GrantIn(ctx, tx, who, models.DownloadOfStaffList, row.ID, 0)
		return err
	})
	if err != nil {
		return none, err
	}
	return ListReady{DownloadReady: ready, StaffPayment: done.StaffPayment}, nil
}

// OpenList takes the token, which works once: it is files.ErrDownloadUnknown when it was used, has expired or is another organisation's. Whether the caller
// may see the payment is asked again, now.
func (s *Service) OpenList(ctx context.Context, who models.Principal, token string) (files.Opened, error) {
	if err := access.Require(who, models.ReadIncentives); err != nil {
		return files.Opened{}, err
	}
	right, err := s.Files.Redeem(ctx, who, models.DownloadOfStaffList, token)
	if err != nil {
		return files.Opened{}, err
	}
	payments, err := s.PaymentsByIDs(ctx, who, []models.ID{right.SubjectID})
	if err != nil {
		return files.Opened{}, err
	}
	payment, seen := payments[right.SubjectID]
	if !seen {
		return files.Opened{}, files.ErrDownloadUnknown
	}
	months, err := s.MonthsFor(ctx, who, []models.ID{payment.ID})
	if err != nil {
		return files.Opened{}, err
	}
	var ids []models.ID
	for _, month := range months[payment.ID] {
		ids = append(ids, month.MemberID)
	}
	people, err := s.MembersByIDs(ctx, who, ids)
	if err != nil {
		return files.Opened{}, err
	}
	content, err := listOf(payment, months[payment.ID], people)
	if err != nil {
		return files.Opened{}, err
	}
	name := fmt.Sprintf("staff-%d-q%d-%s.csv", payment.Year, payment.Quarter, payment.ID)
	return files.Opened{Name: name, ContentType: "text/csv; charset=utf-8; header=present", Size: int64(len(content)), Body: io.NopCloser(bytes.NewReader(content))}, nil
}

// listOf writes a list as CSV of RFC 4180 in UTF-8 with a byte order mark, as the statements of balances are: a line per month, then the sum. It has 1,500
// months at most, so that it is made in memory.
func listOf(payment models.StaffPayment, months []models.StaffMonth, people map[models.ID]models.StaffMember) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	file := csv.NewWriter(&b)
	file.UseCRLF = true
	rows := [][]string{{"member_id", "name", "national_id_last_four", "role", "certificate", "month", "days", "day_rate", "criteria_met", "amount_exact", "currency"}}
	for _, month := range months {
		person := people[month.MemberID]
		rows = append(rows, []string{
			string(month.MemberID), models.SheetText(person.Name), models.SheetText(person.IDLastFour), person.Role, models.SheetText(person.Certificate),
			string(month.Month), month.Days.String(), month.DayRate.String(), strings.Join(month.Met, " "), month.Exact.String(), string(month.Currency),
		})
	}
	rows = append(rows, []string{"", "", "", "", "", fmt.Sprintf("%d-Q%d", payment.Year, payment.Quarter), "", "", "", payment.Amount().Plain(), string(payment.Currency)})
	err := file.WriteAll(rows)
	return b.Bytes(), err
}
