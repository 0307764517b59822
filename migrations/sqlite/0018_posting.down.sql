DROP INDEX transfers_order;
--bun:split
CREATE INDEX transfers_order ON transfers (order_id, id);
