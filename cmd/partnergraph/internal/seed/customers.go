package seed

import (
	"fmt"
	"time"

	"github.com/partnergraph/partnergraph/models"
)

// sellerFor returns which seller a customer belongs to: every fifth to the largest, the others to the rest in turn.
func (n *network) sellerFor(customer int) int {
	others := n.sellers() - 1
	if customer%5 == 0 || others == 0 {
		return 0
	}
	return 1 + (customer/5*4+customer%5-1)%others
}

// customerOf returns the k-th customer of a seller; it may lie beyond the last customer there is.
func (n *network) customerOf(seller, k int) int {
	others := n.sellers() - 1
	switch {
	case others == 0:
		return k
	case seller == 0:
		return 5 * k
	}
	at := k*others + seller - 1
	return at/4*5 + at%4 + 1
}

// customerBirth rolls the part of a customer that orders and accounts need. The very first customer is always a resale
// customer, so that the largest partner has one from the beginning.
func (g *generator) customerBirth(i int) (id models.ID, mode models.AssociationMode, at time.Time) {
	g.dice.roll(customerStream, i)
	at = g.customerTimes.at(i, &g.dice)
	id = g.dice.id(models.PrefixCustomer, at)
	mode = models.Resale
	if g.dice.percent(15) && i > 0 {
		mode = models.Advisory
	}
	return id, mode, at
}

// customer returns a customer and its associations, the one in force last. Five per cent came from another partner soon
// after they were created and before their first order.
func (g *generator) customer(i int) (models.Customer, []models.Association) {
	seller := g.sellerFor(i)
	partner := g.partnerID(g.seller(seller))
	former := g.partnerID(g.seller((seller + 1) % g.sellers()))
	id, mode, at := g.customerBirth(i)
	g.dice.roll(customerDetails, i)
	c := models.Customer{
		ID: id, Cloud: g.Cloud, Kind: models.Enterprise, VerifiedStatus: models.Verified, Frozen: models.NotFrozen, Currency: g.Currency,
		Name:       fmt.Sprintf("%s-%s-%06d", pick(&g.dice, adjectives), pick(&g.dice, nouns), i+1),
		ExternalID: fmt.Sprintf("customer-%d", i+1), PartnerID: partner, Mode: mode, AssociatedAt: &at, CreatedAt: at, UpdatedAt: at,
	}
	if g.dice.percent(30) {
		c.Kind = models.Individual
	}
	switch roll := g.dice.below(100); {
	case roll < 10:
		c.VerifiedStatus, c.Kind = models.NotVerified, models.CustomerKindNone
	case roll < 13:
		c.VerifiedStatus = models.VerifyReviewing
	case roll == 99:
		c.Frozen = models.FrozenAccount
	}
	g.personal(i, &c)

	current := models.Association{CustomerID: id, PartnerID: partner, Mode: mode, Source: g.source(), Since: at}
	if former == partner || !g.dice.percent(5) {
		current.ID = g.dice.id(models.PrefixAssociation, at)
		return c, []models.Association{current}
	}
	until := at.Add(time.Microsecond + g.dice.upTo(g.settle-time.Hour))
	past := models.Association{
		ID: g.dice.id(models.PrefixAssociation, at), CustomerID: id, PartnerID: former, Mode: models.Resale, Source: models.SourceReport,
		Since: at, Until: &until,
	}
	current.ID, current.Since, c.AssociatedAt, c.UpdatedAt = g.dice.id(models.PrefixAssociation, until), until, &until, until
	return c, []models.Association{past, current}
}

func (g *generator) source() models.AssociationSource {
	return pick(&g.dice, []models.AssociationSource{models.SourceAPI, models.SourceSSO, models.SourceInvite, models.SourceReport})
}

// personal adds sealed personal data, which nobody has: the domain and the numbers are reserved for examples.
func (g *generator) personal(i int, c *models.Customer) {
	if g.SealPersonal == nil {
		return
	}
	email := c.Name + "@customers.example"
	// The names are those that sales/customers opens the values under.
	seal := func(column, plain string) []byte {
		return g.SealPersonal([]byte(plain), column+":"+string(c.ID))
	}
	c.RealNameSealed = seal("customers.real_name", title(pick(&g.dice, adjectives))+" "+title(pick(&g.dice, nouns)))
	c.EmailSealed = seal("customers.email", email)
	c.PhoneSealed = seal("customers.phone", fmt.Sprintf("0086-100%08d", i))
	if g.BlindEmail != nil {
		c.EmailBlind = g.BlindEmail(email)
	}
}
