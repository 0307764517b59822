DROP INDEX resources_expiry;
--bun:split
DROP INDEX resources_customer_expiry;
--bun:split
ALTER TABLE resources DROP COLUMN unified_expiry_day;
--bun:split
ALTER TABLE resources DROP COLUMN deduction_days;
--bun:split
ALTER TABLE resources DROP COLUMN auto_renewed;
--bun:split
ALTER TABLE resources DROP COLUMN auto_renew_times;
--bun:split
ALTER TABLE resources DROP COLUMN spec_measure;
--bun:split
ALTER TABLE resources DROP COLUMN spec_size;
--bun:split
ALTER TABLE resources DROP COLUMN product_id;
--bun:split
ALTER TABLE resources DROP COLUMN project_id;
--bun:split
ALTER TABLE resources DROP COLUMN enterprise_project;
--bun:split
ALTER TABLE resources DROP COLUMN frozen_reason;
--bun:split
ALTER TABLE resources DROP COLUMN usage_status;
