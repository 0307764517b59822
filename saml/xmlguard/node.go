package xmlguard

import (
	"encoding/xml"

	"github.com/beevik/etree"
)

// node is one element: enough of it to check structure, nothing more.
type node struct {
	raw      xml.Name // as written, prefix in Space
	ns       string
	local    string
	attrs    []xml.Attr // without namespace declarations, prefixes resolved
	decls    map[string]string
	parent   *node
	children []*node
	element  *etree.Element // the same for later readers; nil unless wanted
}

func (n *node) is(ns, local string) bool { return n.ns == ns && n.local == local }

// attr returns an unqualified attribute.
func (n *node) attr(local string) string {
	for _, a := range n.attrs {
		if a.Name.Space == "" && a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// lookup resolves a prefix; the empty one resolves to no namespace when none is declared.
func (n *node) lookup(prefix string) (string, bool) {
	if prefix == "xml" {
		return nsXML, true
	}
	for e := n; e != nil; e = e.parent {
		if uri, ok := e.decls[prefix]; ok {
			return uri, true
		}
	}
	return "", prefix == ""
}

// walk visits the element and everything below it; the depth limit keeps the recursion short.
func (n *node) walk(visit func(*node) error) error {
	if err := visit(n); err != nil {
		return err
	}
	for _, c := range n.children {
		if err := c.walk(visit); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) count(match func(*node) bool) int {
	total := 0
	_ = n.walk(func(e *node) error {
		if match(e) {
			total++
		}
		return nil
	})
	return total
}

// child returns the only child of that name, or nil when there is none or more than one.
func (n *node) child(ns, local string) *node {
	var found *node
	for _, c := range n.children {
		if c.is(ns, local) {
			if found != nil {
				return nil
			}
			found = c
		}
	}
	return found
}
