package customers

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// DefaultReportValidity is how long a report counts unless the service says otherwise. The vendor bounds invitations by it
// (C06) and does not say how long it is; the 30 days are ours.
const DefaultReportValidity = 30 * 24 * time.Hour

const columnReportEmail = "customer_reports.email"

// The refusals of reports.
var (
	ErrReportUnknown   = models.NotFound("customer report")
	ErrCompanyReported = models.Precondition("COMPANY_REPORTED", "There is a live report of this company already; invite from that one, or withdraw it.")
	ErrCompanyUnknown  = models.NotFound("company")
	ErrCompanyClosed   = models.Precondition("COMPANY_CLOSED", "The register says that this company has lost its licence or is no more.")
)

// Companies is the register of companies. It lives above this room, which asks through this.
type Companies interface {
	// ByIDIn returns a company that the principal may look up.
	ByIDIn(ctx context.Context, db bun.IDB, who models.Principal, id models.ID) (company models.Company, found bool, err error)
}

// ReportCustomer says which company a partner expects as its customer.
type ReportCustomer struct {
	PartnerID   *models.ID // nil = the caller's own partner
	CompanyID   *models.ID // of the register of companies; nil = it is reported by its name alone
	Company     string     // 1 to 200 characters; with CompanyID empty, or one of that company's names
	Email       string     // of the contact
	AccountName *string    // of its account on the cloud, where it is known: then the report counts for that account only
}

// WithdrawReport takes a report back.
type WithdrawReport struct {
	ReportID models.ID
}

// ReportedCustomer is a report as it is after the operation.
type ReportedCustomer struct {
	Report models.CustomerReport
}

// Report reports a prospective customer (报备, C06, C07, C16). While it is valid it lifts the 7-day rule for the company, and no
// second one of the same name is taken from this partner: ErrCompanyReported. A company of the register gives the report its name and number
// (C23): it is ErrCompanyUnknown for who does not look companies up, ErrCompanyClosed when it is no more, and INVALID when another name is given
// with it. It needs CUSTOMERS_WRITE; a partner reports for itself and its resellers, and one that may not win customers is PARTNER_RESTRICTED.
func (s *Service) Report(ctx context.Context, who models.Principal, cmd ReportCustomer) (ReportedCustomer, error) {
	if err := access.Require(who, models.WriteCustomers); err != nil {
		return ReportedCustomer{}, err
	}
	if err := cmd.check(); err != nil {
		return ReportedCustomer{}, err
	}
	now := s.now()
	report := models.CustomerReport{
		ID: s.IDs(models.PrefixCustomerReport), State: models.ReportReported, Company: strings.TrimSpace(cmd.Company), CompanyKey: models.CompanyKey(cmd.Company),
		EmailBlind: s.blindEmail(cmd.Email), ExpiresAt: now.Add(or(s.ReportValidity, DefaultReportValidity)), CreatedAt: now, UpdatedAt: now,
		Email: &cmd.Email,
	}
	if cmd.AccountName != nil {
		report.AccountName = *cmd.AccountName
	}
	report.EmailSealed = s.sealValue(cmd.Email, columnReportEmail, report.ID)
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		partner, err := s.winner(ctx, tx, who, cmd.PartnerID)
		if err != nil {
			return err
		}
		report.PartnerID = partner.ID
		if err := s.fromRegister(ctx, tx, who, cmd, &report); err != nil {
			return err
		}
		// One whose time is over, and that nobody has swept yet, does not keep its company.
		same := selectOverdueReports(tx, now).Where("crp.partner_id = ? AND (crp.company_key = ? OR crp.company_id = ?)", partner.ID, report.CompanyKey, report.CompanyID)
		if err := s.expireReportsIn(ctx, tx, same); err != nil {
			return err
		}
		if err := insertRow(ctx, tx, &report); err != nil {
			if store.Conflicts(err, "customer_reports", "partner_id", "company_key") || store.Conflicts(err, "customer_reports", "partner_id", "company_id") {
				return ErrCompanyReported
			}
			return err
		}
		return s.recordReport(ctx, tx, who, models.EventReportMade, report, "")
	})
	if err != nil {
		return ReportedCustomer{}, err
	}
	return ReportedCustomer{report}, nil
}

// fromRegister gives a report the name and the number of the company of the register that is reported, if one is.
func (s *Service) fromRegister(ctx context.Context, tx bun.IDB, who models.Principal, cmd ReportCustomer, report *models.CustomerReport) error {
	if cmd.CompanyID == nil {
		return nil
	}
	if s.Companies == nil {
		return ErrCompanyUnknown
	}
	company, found, err := s.Companies.ByIDIn(ctx, tx, who, *cmd.CompanyID)
	switch {
	case err != nil:
		return err
	case !found:
		return ErrCompanyUnknown
	case models.CompanyKey(cmd.Company) != "" && !company.IsNamed(cmd.Company):
		return models.Invalid("company", "The register knows this company by other names; leave the name out, or report by the name alone.")
	case company.Closed():
		return ErrCompanyClosed
	}
	report.CompanyID, report.Number, report.Company, report.CompanyKey = company.ID, company.RegistrationNumber, company.Name, models.CompanyKey(company.Name)
	return nil
}

// WithdrawReport takes a live report back, and revokes its invitations. Who may is who may report.
func (s *Service) WithdrawReport(ctx context.Context, who models.Principal, cmd WithdrawReport) (ReportedCustomer, error) {
	if err := access.Require(who, models.WriteCustomers); err != nil {
		return ReportedCustomer{}, err
	}
	if err := cmd.ReportID.Require(models.PrefixCustomerReport, "reportId"); err != nil {
		return ReportedCustomer{}, err
	}
	var done ReportedCustomer
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// Invitations are locked before their report, as those who accept do.
		invitations, err := selectOpenInvitationsForUpdate(ctx, tx, cmd.ReportID)
		if err != nil {
			return err
		}
		report, found, err := selectReportForUpdate(ctx, tx, who, cmd.ReportID)
		if err != nil {
			return err
		}
		if !found {
			return ErrReportUnknown
		}
		before := report.State
		if err := report.Become(models.ReportWithdrawn, s.now()); err != nil {
			return err
		}
		if err := updateReport(ctx, tx, &report); err != nil {
			return err
		}
		for _, invitation := range invitations {
			if err := s.endInvitation(ctx, tx, who, &invitation, models.InvitationRevoked, models.EventInvitationRevoked); err != nil {
				return err
			}
		}
		done.Report = report
		return s.recordReport(ctx, tx, who, models.EventReportWithdrawn, report, before)
	})
	if err != nil {
		return ReportedCustomer{}, err
	}
	err = s.openReport(&done.Report)
	return done, err
}

func (cmd ReportCustomer) check() error {
	if cmd.PartnerID != nil {
		if err := cmd.PartnerID.Require(models.PrefixPartner, "partnerId"); err != nil {
			return err
		}
	}
	if cmd.CompanyID != nil {
		if err := cmd.CompanyID.Require(models.PrefixCompany, "companyId"); err != nil {
			return err
		}
	}
	if cmd.CompanyID == nil && models.CompanyKey(cmd.Company) == "" {
		return models.Invalid("company", "A report names a company.")
	}
	if err := checkText(cmd.Company, 200, "company"); err != nil {
		return err
	}
	if cmd.AccountName != nil {
		if err := models.CheckAccountName(*cmd.AccountName, "accountName"); err != nil {
			return err
		}
	}
	return models.CheckEmail(cmd.Email, "email")
}

// winner is the partner that wants customers: the caller's own, or the one it names and acts for.
func (s *Service) winner(ctx context.Context, tx bun.IDB, who models.Principal, named *models.ID) (models.Partner, error) {
	id := who.PartnerID
	if named != nil {
		id = *named
	}
	if id == "" {
		return models.Partner{}, models.Invalid("partnerId", "Name the partner.")
	}
	if who.CustomerID != "" {
		return models.Partner{}, ErrPartnerUnknown
	}
	partner, barred, err := s.partnerFor(ctx, tx, who, id)
	if err == nil && barred {
		err = ErrPartnerRestricted
	}
	return partner, err
}

// failReport says why a report has not led to an association, if it is still open.
func (s *Service) failReport(ctx context.Context, tx bun.IDB, who models.Principal, id models.ID, code string) error {
	if id == "" {
		return nil
	}
	report, found, err := selectReportForUpdate(ctx, tx, models.SystemPrincipal("report"), id)
	if err != nil || !found || !report.Live(s.now()) {
		return err
	}
	before := report.State
	if err := report.Become(models.ReportFailed, s.now()); err != nil {
		return err
	}
	report.Failure = code
	if err := updateReport(ctx, tx, &report); err != nil {
		return err
	}
	return s.recordReport(ctx, tx, who, models.EventReportFailed, report, before)
}

// recordReport tells the partner, and nobody else. It names neither the company nor its address. before is the state that it had.
func (s *Service) recordReport(ctx context.Context, tx bun.IDB, who models.Principal, what models.EventType, r models.CustomerReport, before models.ReportState) error {
	data := map[string]any{"state": r.State}
	if r.CompanyID != "" {
		data["companyId"] = r.CompanyID
	}
	if r.Failure != "" {
		data["failure"] = r.Failure
	}
	return s.Events.Record(ctx, tx, who, models.Event{
		Type: what, PartnerID: r.PartnerID, SubjectID: string(r.ID), Fields: []string{"state"},
		Changes: []models.FieldChange{models.Changed("state", before, r.State)}, Data: data,
	})
}

// expireReportsIn closes the reports that a query finds.
func (s *Service) expireReportsIn(ctx context.Context, tx bun.IDB, overdue *bun.SelectQuery) error {
	var reports []models.CustomerReport
	if err := overdue.Scan(ctx, &reports); err != nil {
		return store.Translate(err)
	}
	for i := range reports {
		before := reports[i].State
		if err := reports[i].Become(models.ReportExpired, s.now()); err != nil {
			return err
		}
		if err := updateReport(ctx, tx, &reports[i]); err != nil {
			return err
		}
		if err := s.recordReport(ctx, tx, models.SystemPrincipal("relations"), models.EventReportExpired, reports[i], before); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) openReport(r *models.CustomerReport) (err error) {
	r.Email, err = s.openValue(r.EmailSealed, columnReportEmail, r.ID)
	return err
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
