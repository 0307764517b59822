// Package benefits is what the cloud gives partners beside incentives for what they sell: the capability-uplift incentive, the market
// development fund and the opportunity incentive, and what they depend on, capability tags and the standing of partners (N05 to N10, P19).
//
// It owns the tables capability_tags, benefit_standings, partner_capabilities, benefit_applications, mdf_caps and
// benefit_orders. What an application may become next is models.BenefitApplication.Move; what decides about a right is in models too. That
// something was paid is noted here by operators and posted nowhere. It does not own files (sales/files keeps proofs) nor orders, which it asks for
// by an interface.
//
// Whatever has to be decided one after the other for a partner, its budget and its one application per tag, is decided with the row of its
// standing locked; then that of the application.
//
// Neighbours: the API's doors and cmd, which serves proofs to reviewers; it uses sales/access, sales/events and sales/files.
package benefits
