DROP TABLE company_rights;
--bun:split
DROP TABLE company_rankings;
--bun:split
DROP TABLE company_offerings;
--bun:split
DROP TABLE company_financings;
--bun:split
DROP TABLE company_relations;
--bun:split
DROP TABLE company_terms;
--bun:split
DROP TABLE companies;
--bun:split
DROP TABLE company_loads;
