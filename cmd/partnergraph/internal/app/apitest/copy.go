package apitest

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/files/filestest"
	"github.com/partnergraph/partnergraph/store/storetest"
)

// EachWorld is Each with a world, which is built once per engine, and of which every test gets a copy in a database of its own.
func EachWorld(t *testing.T, fn func(t *testing.T, s *Server, w *World), opts ...Option) {
	t.Helper()
	eachEngine(t, func(t *testing.T, e engine) {
		k := kept[e.name]
		k.once.Do(func() { k.build(t, e) })
		if k.world == nil {
			t.Fatal("apitest: the world could not be built; the first test that wanted it says why")
		}
		s := k.server()
		s.start(t, k.database.URL(t), e.cacheURL(t), opts...)
		fn(t, s, k.world.copyFor(s))
	})
}

// kept are the worlds by engine. They are functions of the code alone, so that sharing them shares no state between tests.
var kept = map[string]*keptWorld{"sqlite and memory": {}, "postgres and redis": {}}

// Forget removes the databases that worlds are copied from. It is for TestMain.
func Forget() error {
	for _, k := range kept {
		if err := k.database.Drop(); err != nil {
			return err
		}
	}
	return nil
}

// keptWorld is a world with all that building it has left behind.
type keptWorld struct {
	once     sync.Once
	database storetest.Template
	world    *World
	at       time.Time
	sent     []customers.Mail
	objects  map[string][]byte
}

func (k *keptWorld) build(t *testing.T, e engine) {
	t.Helper()
	url := e.fresh(t)
	s := New(t, url, e.cacheURL(t), Wide)
	w := Build(t, s)
	k.at, k.sent, k.objects = s.Clock.Now(), s.Mails.Sent(), map[string][]byte{}
	for _, key := range s.Files.Keys() {
		k.objects[key] = s.Files.Content(key)
	}
	must(t, s.App.Close())
	k.database = storetest.Freeze(t, url)
	k.world = w
}

// server is one that is not started, at the time when the world was complete.
func (k *keptWorld) server() *Server {
	s := &Server{Clock: &Clock{at: k.at}, Log: &Buffer{}, Mails: &Letters{sent: slices.Clone(k.sent)}, Files: &filestest.Memory{}}
	for key, content := range k.objects {
		s.Files.Set(key, content)
	}
	return s
}

// copyFor returns the world as s has it, which the test may go on with.
func (w *World) copyFor(s *Server) *World {
	c := *w
	c.Rooms = s.App.Rooms
	c.Partners.Performance = soldEnough{}
	c.texts, c.amounts, c.events = maps.Clone(w.texts), maps.Clone(w.amounts), maps.Clone(w.events)
	c.alsoTell, c.transfers = cloneLists(w.alsoTell), cloneLists(w.transfers)
	orgs, buyers := map[*Org]*Org{nil: nil}, map[*Buyer]*Buyer{nil: nil}
	org := func(o *Org) *Org { return o.copyInto(orgs, buyers) }
	for i := range 2 {
		c.Distributors[i], c.Resellers[i], c.Providers[i] = org(w.Distributors[i]), org(w.Resellers[i]), org(w.Providers[i])
	}
	c.twins = slices.Clone(w.twins)
	for i, twin := range c.twins {
		c.twins[i] = org(twin)
	}
	c.owners = make(map[models.ID]holder, len(w.owners))
	for id, h := range w.owners {
		if h.buyer != nil {
			org(h.buyer.Owner)
		}
		c.owners[id] = holder{org: org(h.org), buyer: buyers[h.buyer]}
	}
	return &c
}

// copyInto copies an organisation with its buyers and its parent, each once.
func (o *Org) copyInto(orgs map[*Org]*Org, buyers map[*Buyer]*Buyer) *Org {
	if c, known := orgs[o]; known {
		return c
	}
	c := *o
	orgs[o] = &c
	c.Parent = o.Parent.copyInto(orgs, buyers)
	for _, b := range []**Buyer{&c.Resale, &c.Advisory} {
		if *b == nil {
			continue
		}
		buyer := **b
		buyer.Owner = &c
		buyers[*b] = &buyer
		*b = &buyer
	}
	return &c
}

func cloneLists[K comparable, V any](lists map[K][]V) map[K][]V {
	all := make(map[K][]V, len(lists))
	for key, list := range lists {
		all[key] = slices.Clone(list)
	}
	return all
}
