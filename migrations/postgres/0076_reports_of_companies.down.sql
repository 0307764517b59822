DROP INDEX customer_reports_name;
--bun:split
DROP INDEX customer_reports_company;
--bun:split
DROP INDEX customer_reports_live_company;
--bun:split
ALTER TABLE customer_reports DROP COLUMN registration_number;
--bun:split
ALTER TABLE customer_reports DROP COLUMN company_id;
