ALTER TABLE customer_reports ADD COLUMN company_id text COLLATE "C" REFERENCES companies (id);
--bun:split
ALTER TABLE customer_reports ADD COLUMN registration_number text COLLATE "C";
--bun:split
CREATE UNIQUE INDEX customer_reports_live_company ON customer_reports (partner_id, company_id) WHERE state IN ('REPORTED', 'INVITED', 'FAILED');
--bun:split
CREATE INDEX customer_reports_company ON customer_reports (partner_id, company_id, id);
--bun:split
CREATE INDEX customer_reports_name ON customer_reports (partner_id, company_key, id);
