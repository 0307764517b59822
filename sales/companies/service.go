package companies

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
	"github.com/partnergraph/partnergraph/store"
)

// DefaultSearchesPerHour is how often an organisation may search in an hour unless the service says otherwise: people who work with the register do
// not reach it, and a copy of a register of a million companies takes weeks.
const DefaultSearchesPerHour = 600

// Limits counts how often something is done. It is the cache.
type Limits interface {
	Allow(ctx context.Context, key string, limit int64, window time.Duration) (bool, time.Duration)
}

// Provider knows companies. The Register knows those that operators loaded. One that asks a data vendor keeps what it is told by
// Register.Keep, under the register's rules of what is newer, and answers with the rows that there are then: ids, lists and graphs go on working.
type Provider interface {
	// Search returns a page of the companies that a checked filter finds, in the order of their ids.
	Search(ctx context.Context, filter CompanyFilter, page models.Page) (models.CompanyConnection, error)
	// ByIDs returns the companies with these ids; unknown ones are absent.
	ByIDs(ctx context.Context, ids []models.ID) (map[models.ID]models.Company, error)
}

var _ Provider = (*Register)(nil)

// Service answers for companies. All fields are required unless said otherwise and set once, before use; it is then safe for concurrent
// use.
type Service struct {
	Register        *Register
	Provider        Provider // nil = Register
	Limits          Limits   // slows searches down; nil = they are not, which only tests and commands want
	SearchesPerHour int      // of an organisation; 0 = DefaultSearchesPerHour
}

func (s *Service) provider() Provider {
	if s.Provider != nil {
		return s.Provider
	}
	return s.Register
}

// allow counts a search. Operators load the register and are not held from it.
func (s *Service) allow(ctx context.Context, who models.Principal) error {
	if s.Limits == nil || who.SeesAll() {
		return nil
	}
	most := s.SearchesPerHour
	if most == 0 {
		most = DefaultSearchesPerHour
	}
	if ok, wait := s.Limits.Allow(ctx, "companies:"+who.OrganisationID(), int64(most), time.Hour); !ok {
		return models.RateLimited(wait)
	}
	return nil
}

// ByIDs returns the companies with these ids. It needs COMPANIES_READ; unknown ones are absent.
func (s *Service) ByIDs(ctx context.Context, who models.Principal, ids []models.ID) (map[models.ID]models.Company, error) {
	if err := access.LookUpCompanies(who); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return map[models.ID]models.Company{}, nil
	}
	return s.provider().ByIDs(ctx, ids)
}

// ByKeys returns the companies with these keys (models.Registration), which relations name. It needs COMPANIES_READ; unknown ones are absent.
func (s *Service) ByKeys(ctx context.Context, who models.Principal, keys []string) (map[string]models.Company, error) {
	if err := access.LookUpCompanies(who); err != nil {
		return nil, err
	}
	found, err := selectByKeys(ctx, s.Register.DB, keys)
	byKey := make(map[string]models.Company, len(found))
	for _, company := range found {
		byKey[company.Key] = company
	}
	return byKey, err
}

// ByIDIn returns one company for a room that works in its own transaction; none for callers that do not look companies up.
func (s *Service) ByIDIn(ctx context.Context, db bun.IDB, who models.Principal, id models.ID) (company models.Company, found bool, err error) {
	if models.CodeOf(access.LookUpCompanies(who)) != "" {
		return models.Company{}, false, nil
	}
	companies, err := selectByIDs(ctx, db, []models.ID{id})
	if err != nil || len(companies) == 0 {
		return models.Company{}, false, err
	}
	return companies[0], true, nil
}

// Loads returns the loads of the register, newest first. It needs COMPANIES_LOAD; operators only.
func (s *Service) Loads(ctx context.Context, who models.Principal, args models.PageArgs) (models.CompanyLoadConnection, error) {
	if err := access.Require(who, models.LoadCompanies); err != nil {
		return models.CompanyLoadConnection{}, err
	}
	page, err := args.Page("companyLoads")
	if err != nil {
		return models.CompanyLoadConnection{}, err
	}
	return store.List[models.CompanyLoad](ctx, page, true, func() *bun.SelectQuery {
		return access.CompanyLoads(s.Register.DB.NewSelect().Model((*models.CompanyLoad)(nil)), who)
	})
}
