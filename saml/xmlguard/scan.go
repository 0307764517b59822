package xmlguard

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

const (
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsDSig      = "http://www.w3.org/2000/09/xmldsig#"
	nsXEnc      = "http://www.w3.org/2001/04/xmlenc#"
	nsExcC14N   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	nsXML       = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS     = "http://www.w3.org/2000/xmlns/"
)

var declaration = regexp.MustCompile(`^<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')` +
	`(?:\s+encoding\s*=\s*(?:"([A-Za-z0-9._-]+)"|'([A-Za-z0-9._-]+)'))?` +
	`(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>`)

// trimBOM drops a UTF-8 byte order mark.
func trimBOM(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) }

// scan reads a document into a small tree of names, attributes and text, enforcing everything that does not depend on SAML. With
// elements, the nodes carry what was read as etree has it.
func scan(data []byte, lim Limits, comments, elements bool) (*node, error) {
	if len(data) > lim.Bytes {
		return nil, refuse(TooLarge, "document")
	}
	body, err := checkBytes(data, comments)
	if err != nil {
		return nil, err
	}
	s := &scanner{lim: lim, build: elements, ids: map[string]bool{}}
	read := (&tokens{body, s}).run
	if comments {
		read = func() error { return s.decode(body) }
	}
	if err := read(); err != nil {
		return nil, err
	}
	if s.root == nil || s.cur != nil {
		return nil, refuse(Malformed, "no complete root element")
	}
	return s.root, nil
}

// checkBytes applies the rules that are safest on the raw octets, where no parser's reading matters, and returns the document without
// its XML declaration. After it, "<!" cannot occur (or only opens a comment), so there is no document type, entity or CDATA.
func checkBytes(data []byte, comments bool) ([]byte, error) {
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) || bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, refuse(Forbidden, "byte order mark")
	}
	if !utf8.Valid(data) {
		return nil, refuse(Malformed, "not UTF-8")
	}
	body := data
	if bytes.HasPrefix(data, []byte("<?xml")) {
		m := declaration.FindSubmatch(data)
		if m == nil {
			return nil, refuse(Malformed, "XML declaration")
		}
		if enc := string(m[1]) + string(m[2]); enc != "" && !strings.EqualFold(enc, "utf-8") {
			return nil, refuse(Forbidden, "encoding other than UTF-8")
		}
		body = data[len(m[0]):]
	}
	if bytes.Contains(body, []byte("<?")) {
		return nil, refuse(Forbidden, "processing instruction")
	}
	for rest := body; ; {
		i := bytes.Index(rest, []byte("<!"))
		if i < 0 {
			return body, nil
		}
		if rest = rest[i:]; !comments || !bytes.HasPrefix(rest, []byte("<!--")) {
			return nil, refuse(Forbidden, "document type, CDATA or comment")
		}
		rest = rest[len("<!--"):]
	}
}

// scanner holds what one pass has seen so far.
type scanner struct {
	lim                      Limits
	build                    bool
	root, cur                *node
	depth, elements, nsDecls int
	ids                      map[string]bool
}

// decode reads a document in which there may be comments.
func (s *scanner) decode(body []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(body))
	for {
		tok, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errWellFormed()
		}
		if err := s.token(tok); err != nil {
			return err
		}
	}
}

func (s *scanner) token(tok xml.Token) error {
	switch t := tok.(type) {
	case xml.StartElement:
		return s.open(t)
	case xml.EndElement:
		return s.close(t.Name)
	case xml.CharData:
		return s.text(string(t))
	case xml.Comment:
		return nil
	default:
		return refuse(Forbidden, "markup declaration")
	}
}

func (s *scanner) close(name xml.Name) error {
	if s.cur == nil || s.cur.raw != name {
		return refuse(Malformed, "end tag does not match")
	}
	s.cur, s.depth = s.cur.parent, s.depth-1
	return nil
}

func (s *scanner) text(text string) error {
	if s.cur == nil {
		if strings.Trim(text, " \t\r\n") != "" {
			return refuse(Malformed, "text outside the root element")
		}
		return nil
	}
	if s.build {
		s.cur.element.CreateText(text)
	}
	return nil
}

func (s *scanner) open(t xml.StartElement) error {
	if s.cur == nil && s.root != nil {
		return refuse(Malformed, "second root element")
	}
	s.depth++
	s.elements++
	switch {
	case s.depth > s.lim.Depth:
		return refuse(TooLarge, "depth")
	case s.elements > s.lim.Elements:
		return refuse(TooLarge, "elements")
	case len(t.Attr) > s.lim.Attributes:
		return refuse(TooLarge, "attributes")
	}
	n := &node{raw: t.Name, parent: s.cur, local: t.Name.Local}
	if s.cur == nil {
		s.root = n
	} else {
		s.cur.children = append(s.cur.children, n)
	}
	s.cur = n
	if s.build {
		n.element = elementOf(t, n.parent)
	}
	if err := s.declare(n, t.Attr); err != nil {
		return err
	}
	return s.resolve(n, t)
}

// elementOf writes an element down as etree reads it. Nothing is judged here: what it refuses, the scan refuses as well.
func elementOf(t xml.StartElement, parent *node) *etree.Element {
	e := etree.NewElement(t.Name.Local)
	e.Space = t.Name.Space
	for _, a := range t.Attr {
		key := a.Name.Local
		if a.Name.Space != "" {
			key = a.Name.Space + ":" + key
		}
		e.CreateAttr(key, a.Value)
	}
	if parent != nil {
		parent.element.AddChild(e)
	}
	return e
}

// declare reads the namespace declarations of one element.
func (s *scanner) declare(n *node, attrs []xml.Attr) error {
	for _, a := range attrs {
		prefix, isDecl := declaredPrefix(a.Name)
		if !isDecl {
			continue
		}
		if s.nsDecls++; s.nsDecls > s.lim.Namespaces {
			return refuse(TooLarge, "namespace declarations")
		}
		if prefix == "xml" || prefix == "xmlns" || a.Value == nsXML || a.Value == nsXMLNS {
			return refuse(Malformed, "reserved namespace")
		}
		// A relative or empty name is what void-canonicalization tricks are made of; no SAML name space is one.
		if !strings.Contains(a.Value, ":") || strings.ContainsAny(a.Value, " \t\r\n<>\"") {
			return refuse(Forbidden, "relative namespace name")
		}
		if _, twice := n.decls[prefix]; twice {
			return refuse(Malformed, "namespace declared twice")
		}
		if n.decls == nil {
			n.decls = map[string]string{}
		}
		n.decls[prefix] = a.Value
	}
	return nil
}

// resolve gives the element and its attributes their namespaces and records identifiers.
func (s *scanner) resolve(n *node, t xml.StartElement) error {
	var ok bool
	if n.ns, ok = n.lookup(t.Name.Space); !ok || !isNCName(t.Name.Local) {
		return refuse(Malformed, "element name")
	}
	for _, a := range t.Attr {
		if _, isDecl := declaredPrefix(a.Name); isDecl {
			continue
		}
		name := xml.Name{Local: a.Name.Local}
		if a.Name.Space != "" {
			if name.Space, ok = n.lookup(a.Name.Space); !ok {
				return refuse(Malformed, "attribute prefix")
			}
		}
		if !isNCName(name.Local) {
			return refuse(Malformed, "attribute name")
		}
		if slices.ContainsFunc(n.attrs, func(before xml.Attr) bool { return before.Name == name }) {
			return refuse(Malformed, "attribute repeated")
		}
		n.attrs = append(n.attrs, xml.Attr{Name: name, Value: a.Value})
		if err := s.identifier(name, a.Value); err != nil {
			return err
		}
	}
	return nil
}

// identifier keeps every value that some consumer could take for an element's identifier unique over the whole document.
func (s *scanner) identifier(name xml.Name, value string) error {
	if !strings.EqualFold(name.Local, "id") {
		return nil
	}
	if name.Space != "" && name.Space != nsXML {
		return refuse(Forbidden, "qualified ID attribute")
	}
	if !isNCName(value) {
		return refuse(Malformed, "ID is not a name")
	}
	if s.ids[value] {
		return refuse(Malformed, "ID repeated")
	}
	s.ids[value] = true
	return nil
}

// declaredPrefix reports whether an attribute declares a namespace, and for which prefix ("" is the default).
func declaredPrefix(name xml.Name) (prefix string, ok bool) {
	switch {
	case name.Space == "xmlns":
		return name.Local, true
	case name.Space == "" && name.Local == "xmlns":
		return "", true
	}
	return "", false
}

// isNCName accepts the ASCII subset of NCName that SAML software uses, up to 256 characters.
func isNCName(s string) bool {
	if s == "" || len(s) > 256 {
		return false
	}
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		other := c >= '0' && c <= '9' || c == '-' || c == '.'
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return true
}
