package pages

// Invitation is the name of the page of an invitation, which takes an InvitationPage.
const Invitation = "invitation"

// FieldDecision says what the person wants: DecisionAccept or DecisionRefuse.
const FieldDecision = "decision"

// Values of FieldDecision.
const (
	DecisionAccept = "accept"
	DecisionRefuse = "refuse"
)

// InvitationPage shows who invites the customer to what, and lets it agree or refuse (C05, C06).
type InvitationPage struct {
	Common
	// Action receives the form; empty shows no buttons.
	Action string
	// PartnerName, Mode and ExpiresAt are the offer; an empty PartnerName shows none. Mode is as the API spells it.
	PartnerName, Mode, ExpiresAt string
	// CustomerName is the account that would agree.
	CustomerName string
	// Problem is a code of the catalogue's "invitation.problem." group; empty for none.
	Problem string
	// Done is DecisionAccept or DecisionRefuse after the fact; empty before.
	Done string
}
