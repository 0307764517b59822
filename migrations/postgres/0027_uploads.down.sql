ALTER TABLE access_configurations DROP COLUMN bucket_checked_at;
--bun:split
ALTER TABLE access_configurations DROP COLUMN bucket_sealed;
--bun:split
ALTER TABLE access_configurations DROP COLUMN bucket_endpoint;
--bun:split
ALTER TABLE access_configurations DROP COLUMN bucket_name;
--bun:split
DROP TABLE uploads;
