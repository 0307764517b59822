DROP TABLE free_unsubscriptions;
--bun:split
DROP TABLE refund_infos;
--bun:split
DROP INDEX order_items_resource;
--bun:split
ALTER TABLE order_items DROP COLUMN unsubscribed_by;
--bun:split
ALTER TABLE order_items DROP COLUMN expires_at;
--bun:split
ALTER TABLE order_items DROP COLUMN effective_at;
--bun:split
ALTER TABLE order_items DROP COLUMN resource_id;
--bun:split
ALTER TABLE orders DROP COLUMN failure;
--bun:split
ALTER TABLE orders DROP COLUMN unsubscribe_reason;
--bun:split
ALTER TABLE orders DROP COLUMN unsubscribe_type;
