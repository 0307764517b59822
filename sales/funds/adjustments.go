package funds

import (
	"context"
	"slices"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/access"
)

const listAdjustments = "adjustmentRecords"

// AdjustmentQuery narrows AdjustmentRecords. Nil = no filter; an empty OperationTypes matches nothing.
type AdjustmentQuery struct {
	// PartnerID is whose records: the caller's own when nil, one of its resellers when a distributor acts for it (M07).
	PartnerID      *models.ID
	CustomerID     *models.ID
	ResellerID     *models.ID
	OperationTypes []models.TransferKind // of FUND, RECLAIM and RECALL
	From, To       *time.Time            // as in StatementFilter
}

// AdjustmentRecords returns what a partner gave to and took back from its resale customers and its resellers, newest first
// (M05). It reads the partner's own ledger, so that the records outlive the association. A partner whose ledger the caller may
// not read, and a customer, has none. It needs BALANCES_READ.
func (s *Service) AdjustmentRecords(ctx context.Context, who models.Principal, q AdjustmentQuery, args models.PageArgs) (models.Connection[models.AdjustmentRecord], error) {
	var none models.Connection[models.AdjustmentRecord]
	if err := access.Require(who, models.ReadBalances); err != nil {
		return none, err
	}
	page, err := args.Page(listAdjustments)
	if err != nil {
		return none, err
	}
	partner := who.PartnerID
	switch {
	case q.PartnerID != nil:
		partner = *q.PartnerID
		if err := partner.Require(models.PrefixPartner, "partnerId"); err != nil {
			return none, err
		}
	case partner == "" && who.CustomerID == "":
		return none, ErrWhoseStatement
	}
	found, err := s.statements(ctx, who, models.OwnerPartner, []models.ID{partner}, q.lines(), page)
	if err != nil {
		return none, err
	}
	return recordsOf(pageOf(found, partner, page)), nil
}

// lines are the lines of a partner's statement that the records are.
func (q AdjustmentQuery) lines() lines {
	kinds := []models.TransferKind{models.TransferFund, models.TransferReclaim, models.TransferRecall}
	if q.OperationTypes != nil {
		kinds = slices.DeleteFunc(kinds, func(kind models.TransferKind) bool { return !slices.Contains(q.OperationTypes, kind) })
	}
	return lines{
		StatementFilter: StatementFilter{TradeTypes: kinds, From: q.From, To: q.To, CustomerID: q.CustomerID},
		Downward:        true, ResellerID: q.ResellerID,
	}
}

func recordsOf(entries models.Connection[models.StatementEntry]) models.Connection[models.AdjustmentRecord] {
	records := models.Connection[models.AdjustmentRecord]{PageInfo: entries.PageInfo, TotalCount: entries.TotalCount}
	for _, edge := range entries.Edges {
		records.Edges = append(records.Edges, models.Edge[models.AdjustmentRecord]{Cursor: edge.Cursor, Node: models.AdjustmentOf(edge.Node)})
	}
	return records
}
