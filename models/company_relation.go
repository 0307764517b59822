package models

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
	"github.com/uptrace/bun"
)

// CompanyRelationKind says how two companies are related.
type CompanyRelationKind string

// The kinds, each from one company to another.
const (
	RelationSubsidiary CompanyRelationKind = "SUBSIDIARY" // from the parent to its subsidiary
	RelationBranch     CompanyRelationKind = "BRANCH"     // from the head office to its branch
	RelationHolding    CompanyRelationKind = "HOLDING"    // from the shareholder to the company that it holds a share of
	RelationOfficer    CompanyRelationKind = "OFFICER"    // an officer of the one is an officer of the other; the order says nothing
)

// CompanyRelation is one statement of a company's record about it and another company. The statement goes when the record is replaced.
type CompanyRelation struct {
	bun.BaseModel `bun:"table:company_relations,alias:cmr"`

	ID        ID                  `bun:"id,pk"`
	CompanyID ID                  `bun:"company_id"` // whose record says so
	Kind      CompanyRelationKind `bun:"kind"`
	FromKey   string              `bun:"from_key"` // of the Registration; a party without one has a key that only this record knows
	FromName  string              `bun:"from_name"`
	ToKey     string              `bun:"to_key"`
	ToName    string              `bun:"to_name"`
	ShareText string              `bun:"share,nullzero"` // per cent, a decimal; empty = not known
	Since     Date                `bun:"since,nullzero"`
	Until     Date                `bun:"until,nullzero"` // the first day on which it is no more
	Source    string              `bun:"source"`
	AsOf      Date                `bun:"as_of"`
}

// NodeID returns the id to page by.
func (r CompanyRelation) NodeID() ID { return r.ID }

// From returns the one side.
func (r CompanyRelation) From() CompanyParty { return CompanyParty{Key: r.FromKey, Name: r.FromName} }

// To returns the other side.
func (r CompanyRelation) To() CompanyParty { return CompanyParty{Key: r.ToKey, Name: r.ToName} }

// Share returns the share that is held, in per cent; nil when it is not known.
func (r CompanyRelation) Share() *decimal.Decimal {
	share, err := decimal.NewFromString(r.ShareText)
	if err != nil {
		return nil
	}
	return &share
}

// SinceOrNil returns Since, or nil when it is not known.
func (r CompanyRelation) SinceOrNil() *Date { return orNil(r.Since) }

// UntilOrNil returns Until, or nil while it lasts.
func (r CompanyRelation) UntilOrNil() *Date { return orNil(r.Until) }

// CompanyRelationConnection is a page of relations.
type CompanyRelationConnection = Connection[CompanyRelation]

// CompanyRelationEdge is one of the relations and its position.
type CompanyRelationEdge = Edge[CompanyRelation]

// CompanyParty is a company as a relation names it.
type CompanyParty struct {
	Key  string // see CompanyRelation.FromKey
	Name string
}

// RegisteredKey returns the key of its Registration; empty when the record gives no number.
func (p CompanyParty) RegisteredKey() string {
	if strings.Contains(p.Key, unregistered) {
		return ""
	}
	return p.Key
}

// Country returns the two letters of ISO 3166-1; nil when the record gives no number.
func (p CompanyParty) Country() *string {
	country, _, _ := strings.Cut(p.RegisteredKey(), "/")
	return orNil(country)
}

// RegistrationNumber returns the number; nil when the record gives none.
func (p CompanyParty) RegistrationNumber() *string {
	_, number, _ := strings.Cut(p.RegisteredKey(), "/")
	return orNil(number)
}

// unregistered stands between the key of a record and the name of a party without a number.
const unregistered = "#"

// PartyKey returns the key of a party in the record of a company: two of one name in two records may be two, so that a name alone joins
// nothing.
func PartyKey(record, party Registration, name string) string {
	if key := party.Key(); key != "" {
		return key
	}
	return record.Key() + unregistered + CompanyKey(name)
}

// CompanyGraphView says which relations a graph follows.
type CompanyGraphView string

// The views of C23.
const (
	ViewStructure  CompanyGraphView = "STRUCTURE"  // parents, subsidiaries and branches
	ViewEquity     CompanyGraphView = "EQUITY"     // who holds shares of it, and of those
	ViewEnterprise CompanyGraphView = "ENTERPRISE" // what it holds shares of, and where its officers are officers too
)

// The bounds of one graph.
const (
	MaxGraphDepth = 3
	MaxGraphNodes = 200
	MaxGraphEdges = 1000
)

// CompanyGraph is what lies around one company.
type CompanyGraph struct {
	Nodes     []CompanyGraphNode // the company first, then by distance and key
	Edges     []CompanyRelation  // between Nodes, by kind and ends: of several records that state one the newest
	Truncated bool               // there is more than the bounds let through
}

// CompanyGraphNode is a company of a graph.
type CompanyGraphNode struct {
	Party    CompanyParty
	Distance int // in relations from the company that was asked about
}

// NewCompanyGraph begins with the company that is asked about.
func NewCompanyGraph(around Company) *CompanyGraph {
	return &CompanyGraph{Nodes: []CompanyGraphNode{{Party: CompanyParty{Key: around.Key, Name: around.Name}}}, Edges: []CompanyRelation{}}
}

// Grow takes relations up that lead from what the graph has to what is one step farther, and returns the keys that are new and may lead on. It
// sets Truncated for what does not fit.
func (g *CompanyGraph) Grow(relations []CompanyRelation, distance int) (fresh []string) {
	known := g.keys()
	var parties []CompanyParty
	for _, r := range relations {
		for _, party := range []CompanyParty{r.From(), r.To()} {
			if !known[party.Key] {
				known[party.Key] = true
				parties = append(parties, party)
			}
		}
	}
	slices.SortFunc(parties, func(a, b CompanyParty) int { return strings.Compare(a.Key, b.Key) })
	if room := MaxGraphNodes - len(g.Nodes); len(parties) > room {
		parties, g.Truncated = parties[:room], true
	}
	for _, party := range parties {
		g.Nodes = append(g.Nodes, CompanyGraphNode{Party: party, Distance: distance})
		if party.RegisteredKey() != "" {
			fresh = append(fresh, party.Key)
		}
	}
	g.Edges = append(g.Edges, relations...)
	return fresh
}

// Settle merges what several records say of the same relation, and drops relations to what did not fit.
func (g *CompanyGraph) Settle() {
	known := g.keys()
	g.Edges = slices.DeleteFunc(g.Edges, func(r CompanyRelation) bool { return !known[r.FromKey] || !known[r.ToKey] })
	// The newest comes first; of one day the one with the lower id, so that every answer is the same.
	slices.SortFunc(g.Edges, func(a, b CompanyRelation) int {
		return cmp.Or(a.compare(b), strings.Compare(string(b.AsOf), string(a.AsOf)), strings.Compare(string(a.ID), string(b.ID)))
	})
	g.Edges = slices.CompactFunc(g.Edges, func(a, b CompanyRelation) bool { return a.compare(b) == 0 })
	if len(g.Edges) > MaxGraphEdges {
		g.Edges, g.Truncated = g.Edges[:MaxGraphEdges], true
	}
}

func (g *CompanyGraph) keys() map[string]bool {
	known := make(map[string]bool, len(g.Nodes))
	for _, node := range g.Nodes {
		known[node.Party.Key] = true
	}
	return known
}

// compare orders relations by what they relate, whoever states them.
func (r CompanyRelation) compare(other CompanyRelation) int {
	return cmp.Or(strings.Compare(string(r.Kind), string(other.Kind)), strings.Compare(r.FromKey, other.FromKey), strings.Compare(r.ToKey, other.ToKey))
}
