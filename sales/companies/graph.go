package companies

import (
	"context"
	"fmt"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

// GraphQuestion asks for what lies around a company.
type GraphQuestion struct {
	CompanyID    models.ID
	View         *models.CompanyGraphView // nil = all relations, in either direction
	Depth        int                      // 1 to models.MaxGraphDepth
	IncludeEnded bool                     // also what is no more
}

// Graph returns the companies around one, at most models.MaxGraphDepth relations away and models.MaxGraphNodes in number, with the relations
// between them. Each distance is read with one statement; a company that is met again is not walked again. It needs COMPANIES_READ and counts
// as a search; NOT_FOUND for a company that the register does not have.
func (s *Service) Graph(ctx context.Context, who models.Principal, asked GraphQuestion) (models.CompanyGraph, error) {
	var none models.CompanyGraph
	if err := access.LookUpCompanies(who); err != nil {
		return none, err
	}
	if err := asked.CompanyID.Require(models.PrefixCompany, "id"); err != nil {
		return none, err
	}
	if asked.Depth < 1 || asked.Depth > models.MaxGraphDepth {
		return none, models.Invalid("depth", fmt.Sprintf("depth must be from 1 to %d.", models.MaxGraphDepth))
	}
	if err := s.allow(ctx, who); err != nil {
		return none, err
	}
	found, err := s.provider().ByIDs(ctx, []models.ID{asked.CompanyID})
	if err != nil {
		return none, err
	}
	around, there := found[asked.CompanyID]
	if !there {
		return none, ErrCompanyUnknown
	}
	graph := models.NewCompanyGraph(around)
	frontier := []string{around.Key}
	today := models.DateOf(s.Register.Now())
	for distance := 1; distance <= asked.Depth && len(frontier) > 0; distance++ {
		relations, err := selectAround(ctx, s.Register.DB, frontier, asked, today)
		if err != nil {
			return none, err
		}
		if len(relations) > models.MaxGraphEdges {
			relations, graph.Truncated = relations[:models.MaxGraphEdges], true
		}
		frontier = graph.Grow(relations, distance)
	}
	graph.Settle()
	return *graph, nil
}
