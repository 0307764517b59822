ALTER TABLE resources ADD COLUMN usage_status TEXT;
--bun:split
ALTER TABLE resources ADD COLUMN frozen_reason TEXT;
--bun:split
ALTER TABLE resources ADD COLUMN enterprise_project TEXT;
--bun:split
ALTER TABLE resources ADD COLUMN project_id TEXT;
--bun:split
ALTER TABLE resources ADD COLUMN product_id TEXT;
--bun:split
ALTER TABLE resources ADD COLUMN spec_size TEXT;
--bun:split
ALTER TABLE resources ADD COLUMN spec_measure TEXT;
--bun:split
ALTER TABLE resources ADD COLUMN auto_renew_times INTEGER;
--bun:split
ALTER TABLE resources ADD COLUMN auto_renewed INTEGER NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE resources ADD COLUMN deduction_days INTEGER NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE resources ADD COLUMN unified_expiry_day INTEGER;
--bun:split
UPDATE resources SET frozen_reason = 'CUSTOMER' WHERE thawed_status IS NOT NULL;
--bun:split
CREATE INDEX resources_customer_expiry ON resources (customer_id, expires_at) WHERE parent_id IS NULL;
--bun:split
CREATE INDEX resources_expiry ON resources (expires_at) WHERE parent_id IS NULL AND status <> 'CLOSED';
