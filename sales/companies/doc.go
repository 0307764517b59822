// Package companies is what partners look companies up in (C23): who a company is, how it is related to others, what is known of its use of
// clouds, of its development and of its intellectual property.
//
// It owns the tables companies, company_terms (where searches find a name), company_relations, company_financings, company_offerings,
// company_rankings, company_rights and company_loads. What it knows is what operators loaded (docs/companies.md): nobody outside is asked. A
// Provider is where one that asks a data vendor would stand; the Register is the one that there is. It does not own customers, nor the reports by
// which a company becomes one (sales/customers, which asks this room through an interface of its own).
//
// Neighbours: sales/access says who looks companies up; sales/catalog reads its lines strictly; sales/events keeps the record of loads.
package companies
