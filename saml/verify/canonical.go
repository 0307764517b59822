package verify

import (
	"cmp"
	"errors"
	"slices"

	"github.com/beevik/etree"
)

const nsXML = "http://www.w3.org/XML/1998/namespace"

// errNotCanonical says that an element has no canonical form here: a prefix that nobody declares, or markup that the guard refuses.
var errNotCanonical = errors.New("verify: no canonical form")

// canonical writes the exclusive canonical form of an element (Exclusive XML Canonicalization 1.0, without comments), leaving one element
// out, and builds the tree that the octets spell along with them: what is in the tree was written, and nothing else. The tree stands
// alone. Prefixes of the list are declared as the inclusive form declares them; "#default" is the default name space.
//
// What the guard refuses does not occur: comments, processing instructions, CDATA, name spaces that are empty or relative.
func canonical(e, without *etree.Element, inclusive []string) ([]byte, *etree.Element, error) {
	size := 1024 // of a SignedInfo
	if without != nil {
		size = 8192 // of what is signed
	}
	c := canonicalizer{out: make([]byte, 0, size), without: without, inclusive: inclusive}
	var above []*etree.Element
	for p := e.Parent(); p != nil; p = p.Parent() {
		above = append(above, p)
	}
	for _, p := range slices.Backward(above) {
		c.declare(p)
	}
	built, err := c.element(e)
	return c.out, built, err
}

// binding is a prefix, empty for the default, and its name space.
type binding struct{ prefix, uri string }

// find returns what the innermost binding of a prefix says.
func find(bindings []binding, prefix string) (uri string, found bool) {
	for _, b := range slices.Backward(bindings) {
		if b.prefix == prefix {
			return b.uri, true
		}
	}
	return "", false
}

type canonicalizer struct {
	out       []byte
	without   *etree.Element
	inclusive []string
	scope     []binding // declarations in force, the innermost last
	written   []binding // those in force where the output stands
	prefixes  []string  // of the element at hand
}

func (c *canonicalizer) declare(e *etree.Element) {
	for i := range e.Attr {
		if prefix, ok := declares(&e.Attr[i]); ok {
			c.scope = append(c.scope, binding{prefix, e.Attr[i].Value})
		}
	}
}

// declares reports whether an attribute declares a name space, and for which prefix.
func declares(a *etree.Attr) (prefix string, ok bool) {
	switch {
	case a.Space == "xmlns":
		return a.Key, true
	case a.Space == "" && a.Key == "xmlns":
		return "", true
	}
	return "", false
}

// element writes an element with all that is below it; the guard's limit on depth keeps the recursion short.
func (c *canonicalizer) element(e *etree.Element) (*etree.Element, error) {
	scope, written := len(c.scope), len(c.written)
	defer func() { c.scope, c.written = c.scope[:scope], c.written[:written] }()
	c.declare(e)
	built := &etree.Element{Space: e.Space, Tag: e.Tag}
	c.out = append(c.out, '<')
	c.name(e.Space, e.Tag)
	if err := c.spaces(e, built); err != nil {
		return nil, err
	}
	c.attributes(e, built)
	c.out = append(c.out, '>')
	for _, token := range e.Child {
		switch t := token.(type) {
		case *etree.Element:
			if t == c.without {
				continue
			}
			below, err := c.element(t)
			if err != nil {
				return nil, err
			}
			built.AddChild(below)
		case *etree.CharData:
			c.text(t.Data)
			built.CreateText(t.Data)
		default:
			return nil, errNotCanonical
		}
	}
	c.out = append(c.out, '<', '/')
	c.name(e.Space, e.Tag)
	c.out = append(c.out, '>')
	return built, nil
}

// spaces declares what the element uses and no element around it has declared in the output, in the order of the prefixes.
func (c *canonicalizer) spaces(e, built *etree.Element) error {
	c.prefixes = append(c.prefixes[:0], e.Space)
	for i := range e.Attr {
		if _, declaration := declares(&e.Attr[i]); !declaration && e.Attr[i].Space != "" {
			c.prefixes = append(c.prefixes, e.Attr[i].Space)
		}
	}
	for _, prefix := range c.prefixes {
		if _, declared := find(c.scope, prefix); !declared && prefix != "" && prefix != "xml" {
			return errNotCanonical
		}
	}
	for _, prefix := range c.inclusive {
		if prefix == "#default" {
			prefix = ""
		}
		if _, declared := find(c.scope, prefix); declared {
			c.prefixes = append(c.prefixes, prefix)
		}
	}
	slices.Sort(c.prefixes)
	c.prefixes = slices.Compact(c.prefixes)
	for _, prefix := range c.prefixes {
		uri, _ := find(c.scope, prefix)
		// What was never written counts as written empty: for the default name space that is what it means.
		if before, _ := find(c.written, prefix); before == uri || prefix == "xml" {
			continue
		}
		c.written = append(c.written, binding{prefix, uri})
		space, key := "xmlns", prefix
		if prefix == "" {
			space, key = "", "xmlns"
		}
		c.attribute(built, space, key, uri)
	}
	return nil
}

// attributes writes the others, in the order of their name spaces and names.
func (c *canonicalizer) attributes(e, built *etree.Element) {
	var few [8]qualified
	all := few[:0]
	for i := range e.Attr {
		a := &e.Attr[i]
		if _, declaration := declares(a); declaration {
			continue
		}
		uri := ""
		switch a.Space {
		case "":
		case "xml":
			uri = nsXML
		default:
			uri, _ = find(c.scope, a.Space)
		}
		all = append(all, qualified{uri, a})
	}
	slices.SortFunc(all, func(a, b qualified) int {
		return cmp.Or(cmp.Compare(a.uri, b.uri), cmp.Compare(a.attr.Key, b.attr.Key))
	})
	for _, a := range all {
		c.attribute(built, a.attr.Space, a.attr.Key, a.attr.Value)
	}
}

// qualified is an attribute with its name space.
type qualified struct {
	uri  string
	attr *etree.Attr
}

func (c *canonicalizer) attribute(built *etree.Element, space, key, value string) {
	c.out = append(c.out, ' ')
	c.name(space, key)
	if space != "" {
		key = space + ":" + key
	}
	built.CreateAttr(key, value)
	c.out = append(c.out, '=', '"')
	last := 0
	for i := range len(value) {
		var escaped string
		switch value[i] {
		case '&':
			escaped = "&amp;"
		case '<':
			escaped = "&lt;"
		case '"':
			escaped = "&quot;"
		case '\t':
			escaped = "&#x9;"
		case '\n':
			escaped = "&#xA;"
		case '\r':
			escaped = "&#xD;"
		default:
			continue
		}
		c.out = append(append(c.out, value[last:i]...), escaped...)
		last = i + 1
	}
	c.out = append(append(c.out, value[last:]...), '"')
}

func (c *canonicalizer) text(data string) {
	last := 0
	for i := range len(data) {
		var escaped string
		switch data[i] {
		case '&':
			escaped = "&amp;"
		case '<':
			escaped = "&lt;"
		case '>':
			escaped = "&gt;"
		case '\r':
			escaped = "&#xD;"
		default:
			continue
		}
		c.out = append(append(c.out, data[last:i]...), escaped...)
		last = i + 1
	}
	c.out = append(c.out, data[last:]...)
}

func (c *canonicalizer) name(space, local string) {
	if space != "" {
		c.out = append(append(c.out, space...), ':')
	}
	c.out = append(c.out, local...)
}
