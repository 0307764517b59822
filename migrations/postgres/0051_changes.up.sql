ALTER TABLE order_items ADD COLUMN spec_size text;
--bun:split
ALTER TABLE order_items ADD COLUMN spec_measure text;
--bun:split
ALTER TABLE order_items ADD COLUMN base_spec_code text;
--bun:split
ALTER TABLE order_items ADD COLUMN base_spec_size text;
--bun:split
ALTER TABLE order_items ADD COLUMN base_spec_measure text;
--bun:split
ALTER TABLE order_items ADD COLUMN period_minor bigint;
--bun:split
CREATE INDEX refund_infos_resource ON refund_infos (resource_id);
