ALTER TABLE usage_records ADD COLUMN covered text NOT NULL DEFAULT '0';
--bun:split
ALTER TABLE bill_lines ADD COLUMN covered_value text;
