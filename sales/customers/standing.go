package customers

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// CompanyRef is a company of the register, by what reports know it by.
type CompanyRef struct {
	ID  models.ID
	Key string // models.CompanyKey of its name, for reports that were made by the name alone
}

// RefOf is how reports know a company.
func RefOf(company models.Company) CompanyRef {
	return CompanyRef{ID: company.ID, Key: models.CompanyKey(company.Name)}
}

// CompanyStanding is what a company of the register is to a partner (C23).
type CompanyStanding struct {
	Report     *models.CustomerReport // the newest that still counts; nil when there is none
	CustomerID models.ID              // that a report has led to, while it is the partner's; zero when there is none
}

// reportOf is a report with the customer that it has led to, if that is still the same partner's.
type reportOf struct {
	models.CustomerReport `bun:",extend"`

	Present models.ID `bun:"present,nullzero,scanonly"`
}

// StandingsOf says of each of the companies what it is to the caller's own partner, with one statement: neither a reseller's reports count nor
// anybody else's. Companies that are nothing to it are absent, as all are for operators, who belong to no partner. It needs CUSTOMERS_READ.
func (s *Service) StandingsOf(ctx context.Context, who models.Principal, companies []CompanyRef) (map[CompanyRef]CompanyStanding, error) {
	if err := access.Require(who, models.ReadCustomers); err != nil {
		return nil, err
	}
	standings := map[CompanyRef]CompanyStanding{}
	if who.PartnerID == "" || who.CustomerID != "" || len(companies) == 0 {
		return standings, nil
	}
	rows, err := selectReportsOf(ctx, s.DB, who, companies)
	if err != nil {
		return nil, err
	}
	now := s.now()
	for _, ref := range companies {
		var standing CompanyStanding
		for _, row := range rows { // the newest last
			if row.CompanyID != ref.ID && (row.CompanyID != "" || row.CompanyKey != ref.Key) {
				continue
			}
			if row.Live(now) {
				report := row.CustomerReport
				standing.Report = &report
			}
			if row.Present != "" {
				standing.CustomerID = row.Present
			}
		}
		if standing == (CompanyStanding{}) {
			continue
		}
		if standing.Report != nil {
			if err := s.openReport(standing.Report); err != nil {
				return nil, err
			}
		}
		standings[ref] = standing
	}
	return standings, nil
}

func selectReportsOf(ctx context.Context, db bun.IDB, who models.Principal, companies []CompanyRef) ([]reportOf, error) {
	ids, keys := make([]models.ID, len(companies)), make([]string, len(companies))
	for i, ref := range companies {
		ids[i], keys[i] = ref.ID, ref.Key
	}
	var rows []reportOf
	q := db.NewSelect().Model(&rows).ColumnExpr("crp.*").ColumnExpr("c.id AS present").
		Join("LEFT JOIN customers AS c ON c.id = crp.customer_id AND c.partner_id = crp.partner_id").
		Where("(crp.company_id IN (?) OR crp.company_id IS NULL AND crp.company_key IN (?))", bun.List(ids), bun.List(keys))
	err := access.KeptByPartner(q, who, "crp.partner_id").Order("crp.id").Scan(ctx)
	return rows, store.Translate(err)
}
