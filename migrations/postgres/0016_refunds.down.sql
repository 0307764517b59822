DROP INDEX holds_order;
--bun:split
ALTER TABLE orders DROP COLUMN hold_id;
--bun:split
DROP TABLE order_refunds;
