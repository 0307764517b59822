// Package verification has the real names of customers verified (R01 to R06): a partner submits documents for a customer, an authority or
// a person decides, and the customer's kind follows.
//
// It owns the table verifications, whose personal part is sealed as one. It does not own the customer's row (sales/customers writes what was
// proven), the files (sales/files keeps what is uploaded here, and lets reviewers read it once), or the partner's bucket and its keys (sales/exposure reads from it).
//
// Files are read and authorities are asked before a transaction begins; what decides is asked again within it, with the customer's
// row locked first, then the verification's.
package verification
