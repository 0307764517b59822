DROP INDEX refund_infos_resource;
--bun:split
ALTER TABLE order_items DROP COLUMN period_minor;
--bun:split
ALTER TABLE order_items DROP COLUMN base_spec_measure;
--bun:split
ALTER TABLE order_items DROP COLUMN base_spec_size;
--bun:split
ALTER TABLE order_items DROP COLUMN base_spec_code;
--bun:split
ALTER TABLE order_items DROP COLUMN spec_measure;
--bun:split
ALTER TABLE order_items DROP COLUMN spec_size;
