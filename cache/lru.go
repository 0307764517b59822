package cache

import "container/list"

// overhead is what a record costs beside its key and value, roughly.
const overhead = 256

// lru is a map that forgets the least recently used beyond its size. It is not safe for concurrent use.
type lru struct {
	max, used int64
	order     *list.List // of *node, most recently used first
	nodes     map[string]*list.Element
}

type node struct {
	key    string
	record *record
	cost   int64
}

func newLRU(maxBytes int64) *lru {
	return &lru{max: maxBytes, order: list.New(), nodes: make(map[string]*list.Element)}
}

func (l *lru) get(key string) *record {
	element := l.nodes[key]
	if element == nil {
		return nil
	}
	l.order.MoveToFront(element)
	return element.Value.(*node).record
}

func (l *lru) put(key string, r *record) {
	l.remove(key)
	n := &node{key: key, record: r, cost: int64(len(key)+len(r.value)) + overhead}
	l.nodes[key] = l.order.PushFront(n)
	l.used += n.cost
	for l.used > l.max && l.order.Len() > 0 {
		l.remove(l.order.Back().Value.(*node).key)
	}
}

func (l *lru) remove(key string) {
	element := l.nodes[key]
	if element == nil {
		return
	}
	l.used -= l.order.Remove(element).(*node).cost
	delete(l.nodes, key)
}
