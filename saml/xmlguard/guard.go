package xmlguard

import "github.com/beevik/etree"

// Limits bound one document. Every field is an inclusive maximum.
type Limits struct {
	Bytes      int // length of the whole document
	Depth      int // nesting of elements, the root being 1
	Elements   int // elements in the document; goxmldsig gives up at 1000, so messages stay below
	Namespaces int // xmlns declarations in the document
	Attributes int // attributes of one element, declarations included
}

// MessageLimits are the limits for protocol messages and assertions. They leave ample room for real identity providers (a usual
// response has 60 elements) and keep every later step far from its own limits.
func MessageLimits() Limits {
	return Limits{Bytes: 256 << 10, Depth: 40, Elements: 900, Namespaces: 128, Attributes: 32}
}

// MetadataLimits are the limits for an uploaded metadata file: 2 MiB as the vendor's manual promises.
func MetadataLimits() Limits {
	return Limits{Bytes: 2 << 20, Depth: 40, Elements: 20_000, Namespaces: 2_000, Attributes: 64}
}

// Response checks a samlp:Response as it came from the browser. Besides the limits it demands: exactly one Assertion or
// EncryptedAssertion, directly under the Response (none only beside a non-success status); signatures only directly under the Response
// or that Assertion, at most one each, each with one Reference to its own parent; allowed algorithms only. A *Refusal is returned
// for every document that is not acceptable.
func Response(data []byte) error {
	_, err := ReadResponse(data)
	return err
}

// ReadResponse is Response that also returns what it read, so that nobody has to read the bytes a second time, perhaps differently.
func ReadResponse(data []byte) (*etree.Element, error) { return read(data, checkResponse) }

// read scans a message and applies the rules of its kind.
func read(data []byte, check func(*node) error) (*etree.Element, error) {
	root, err := scan(data, MessageLimits(), false, true)
	if err != nil {
		return nil, err
	}
	if err := check(root); err != nil {
		return nil, err
	}
	return root.element, nil
}

// Assertion checks a saml:Assertion standing alone, as it comes out of an EncryptedAssertion.
func Assertion(data []byte) error {
	_, err := ReadAssertion(data)
	return err
}

// ReadAssertion is Assertion that also returns what it read.
func ReadAssertion(data []byte) (*etree.Element, error) { return read(data, checkAlone) }

func checkAlone(root *node) error {
	if !root.is(nsAssertion, "Assertion") {
		return refuse(Structure, "root is not an Assertion")
	}
	return checkTree(root)
}

// Request checks a samlp:AuthnRequest, LogoutRequest or LogoutResponse: the messages that carry no assertion.
func Request(data []byte) error {
	root, err := scan(data, MessageLimits(), false, false)
	if err != nil {
		return err
	}
	switch {
	case root.is(nsProtocol, "AuthnRequest"), root.is(nsProtocol, "LogoutRequest"), root.is(nsProtocol, "LogoutResponse"):
	default:
		return refuse(Structure, "root is not a request")
	}
	if root.count(func(e *node) bool { return e.ns == nsAssertion && isAssertionName(e.local) }) != 0 {
		return refuse(Structure, "assertion inside a request")
	}
	return checkTree(root)
}

// Metadata checks a metadata file. Comments and a byte order mark, which exports of real products carry, are tolerated; signatures
// are neither checked nor limited to our algorithms, because the uploaded file is trusted for how it came, not for who signed it (and
// a widely used platform signs its metadata over a SHA-1 digest). Callers must therefore never rely on such a signature.
func Metadata(data []byte) error {
	_, err := scan(trimBOM(data), MetadataLimits(), true, false)
	return err
}
