// Package staff is the dedicated-staff incentive (N07): an operator invites a partner for a year, the partner signs the agreement and asks to be
// eligible, keeps the people that it dedicates, applies for each of their months, and asks for the payment of a quarter.
//
// It owns the tables staff_schemes, staff_members, staff_months and staff_payments. Which state follows which is in models, and so is
// what a month is worth. Names, e-mail addresses and national ids are sealed; blind indexes keep a person in one scheme, whosever it is. It does not
// own what money needs and how it moves: sales/payouts says so through Payer.
//
// Whatever happens under a scheme happens with its row locked, so that heads, months and quarters are counted one after the other.
//
// Neighbours: the API's doors and cmd, which serves the printed lists; it uses sales/access, sales/events, sales/files and sales/ledger.
package staff
