ALTER TABLE order_items ADD COLUMN spec_size TEXT;
--bun:split
ALTER TABLE order_items ADD COLUMN spec_measure TEXT;
--bun:split
ALTER TABLE order_items ADD COLUMN base_spec_code TEXT;
--bun:split
ALTER TABLE order_items ADD COLUMN base_spec_size TEXT;
--bun:split
ALTER TABLE order_items ADD COLUMN base_spec_measure TEXT;
--bun:split
ALTER TABLE order_items ADD COLUMN period_minor INTEGER;
--bun:split
CREATE INDEX refund_infos_resource ON refund_infos (resource_id);
