package xmlguard

// Kind groups refusals by what a caller does about them.
type Kind string

// The kinds of refusal.
const (
	// TooLarge: a size, depth or count limit was passed.
	TooLarge Kind = "too_large"
	// Malformed: the text is not well-formed, namespace-correct UTF-8 XML.
	Malformed Kind = "malformed"
	// Forbidden: well-formed, but uses a construct no SAML message needs (document type, comment, processing instruction).
	Forbidden Kind = "forbidden"
	// Structure: an element stands where it must not, is missing, or is repeated.
	Structure Kind = "structure"
	// Signature: a signature's shape is not exactly the one SAML Core 5.4 prescribes.
	Signature Kind = "signature"
	// Algorithm: a signature names an algorithm outside the allow-list.
	Algorithm Kind = "algorithm"
)

// Refusal says which rule a document broke. Rule is a fixed phrase of this package and never quotes the document, so it may be logged.
type Refusal struct {
	Kind Kind
	Rule string
}

// Error returns the kind and the rule.
func (r *Refusal) Error() string { return "xmlguard: " + string(r.Kind) + ": " + r.Rule }

func refuse(k Kind, rule string) error { return &Refusal{Kind: k, Rule: rule} }
