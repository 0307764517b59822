ALTER TABLE bill_lines DROP COLUMN covered_value;
--bun:split
ALTER TABLE usage_records DROP COLUMN covered;
