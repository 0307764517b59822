package seed

import (
	"fmt"
	"strings"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// network is the plan of everything that is generated: sizes, times and who belongs to whom, all of it computed and none
// of it stored, so that its size does not grow with the data. It is read by all workers and changed by none.
type network struct {
	Options
	distributors, resellers int // the first partners are distributors, the next resellers, the rest solution providers

	partnerTimes, customerTimes, orderTimes span
	settle                                  time.Duration // after which a new customer's association is the one in force
	openings                                openings

	servers, disks []goods
}

func plan(o Options) (*network, error) {
	n := &network{Options: o, distributors: o.Partners / 10}
	var err error
	if n.servers, err = shelf(serverResource); err != nil {
		return nil, err
	}
	if n.disks, err = shelf(diskResource); err != nil {
		return nil, err
	}
	if n.distributors == 0 && o.Partners >= 3 {
		n.distributors = 1 // a small network should show every kind too
	}
	if n.distributors > 0 {
		n.resellers = o.Partners * 3 / 10
	}
	// Partners first, then customers, who settle before they order; the last orders leave an hour to be paid and done.
	whole := o.End.Sub(o.Start)
	n.settle = whole / 48
	n.partnerTimes = spread(o.Partners, o.Start, o.Start.Add(whole/96))
	n.customerTimes = spread(o.Customers, o.Start.Add(whole/96), o.End.Add(-whole/24))
	n.orderTimes = spread(o.Orders, o.Start.Add(whole/24), o.End.Add(-time.Hour))
	n.openings = sumOpenings(n)
	return n, nil
}

// sellers are the partners that have customers: resellers and solution providers. A distributor sells through its
// resellers (P11).
func (n *network) sellers() int { return n.Partners - n.distributors }

// seller returns the partner number of the s-th seller. The 0th, the largest, is the first solution provider; it is
// an ordinary partner apart from its share.
func (n *network) seller(s int) int {
	largest := n.distributors + n.resellers
	switch {
	case s == 0:
		return largest
	case n.distributors+s-1 < largest:
		return n.distributors + s - 1
	}
	return n.distributors + s
}

// sellerOf is the inverse of seller.
func (n *network) sellerOf(partner int) int {
	largest := n.distributors + n.resellers
	switch {
	case partner == largest:
		return 0
	case partner < largest:
		return partner - n.distributors + 1
	}
	return partner - n.distributors
}

func (n *network) kind(partner int) models.PartnerKind {
	switch {
	case partner < n.distributors:
		return models.Distributor
	case partner < n.distributors+n.resellers:
		return models.CloudReseller
	}
	return models.SolutionProvider
}

// parent returns the distributor of a reseller.
func (n *network) parent(reseller int) int { return (reseller - n.distributors) % n.distributors }

// generator makes rows of the network. Each worker has its own.
type generator struct {
	*network
	dice dice
}

func newGenerator(n *network) *generator { return &generator{network: n, dice: dice{seed: n.Seed}} }

// partnerBirth rolls the part of a partner that other rows need.
func (g *generator) partnerBirth(i int) (models.ID, time.Time) {
	g.dice.roll(partnerStream, i)
	at := g.partnerTimes.at(i, &g.dice)
	return g.dice.id(models.PrefixPartner, at), at
}

func (g *generator) partnerID(i int) models.ID {
	id, _ := g.partnerBirth(i)
	return id
}

func (g *generator) partner(i int) models.Partner {
	var parent models.ID
	if g.kind(i) == models.CloudReseller {
		parent = g.partnerID(g.parent(i))
	}
	id, at := g.partnerBirth(i)
	p := models.Partner{
		ID: id, Cloud: g.Cloud, Kind: g.kind(i), Level: models.LevelStandard, State: models.PartnerActive, ParentID: parent,
		Name:    fmt.Sprintf("%s %s %s %d", title(pick(&g.dice, adjectives)), title(pick(&g.dice, nouns)), trades[g.kind(i)], i+1),
		Country: "CN", SigningEntity: "Example Cloud Services", Currency: g.Currency, ExternalID: fmt.Sprintf("partner-%d", i+1),
		CreatedAt: at, UpdatedAt: at,
	}
	switch roll := g.dice.below(100); {
	case roll < 10:
		p.Level = models.LevelCore
	case roll < 35:
		p.Level = models.LevelLeading
	}
	if g.dice.percent(3) && g.sellerOf(i) != 0 {
		p.State = models.PartnerRestricted
	}
	return p
}

// cooperationOf is the one in force of a reseller since it joined. Its id follows from the reseller's.
func cooperationOf(reseller models.Partner) models.Cooperation {
	return models.Cooperation{
		ID:            models.ID(models.PrefixCooperation + strings.TrimPrefix(string(reseller.ID), models.PrefixPartner)),
		DistributorID: reseller.ParentID, ResellerID: reseller.ID, Since: reseller.CreatedAt,
	}
}
