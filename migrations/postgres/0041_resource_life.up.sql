ALTER TABLE resources ADD COLUMN usage_status text;
--bun:split
ALTER TABLE resources ADD COLUMN frozen_reason text;
--bun:split
ALTER TABLE resources ADD COLUMN enterprise_project text;
--bun:split
ALTER TABLE resources ADD COLUMN project_id text;
--bun:split
ALTER TABLE resources ADD COLUMN product_id text;
--bun:split
ALTER TABLE resources ADD COLUMN spec_size text;
--bun:split
ALTER TABLE resources ADD COLUMN spec_measure text;
--bun:split
ALTER TABLE resources ADD COLUMN auto_renew_times integer;
--bun:split
ALTER TABLE resources ADD COLUMN auto_renewed integer NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE resources ADD COLUMN deduction_days integer NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE resources ADD COLUMN unified_expiry_day integer;
--bun:split
UPDATE resources SET frozen_reason = 'CUSTOMER' WHERE thawed_status IS NOT NULL;
--bun:split
CREATE INDEX resources_customer_expiry ON resources (customer_id, expires_at) WHERE parent_id IS NULL;
--bun:split
CREATE INDEX resources_expiry ON resources (expires_at) WHERE parent_id IS NULL AND status <> 'CLOSED';
