ALTER TABLE order_items DROP COLUMN list_minor;
--bun:split
ALTER TABLE orders DROP COLUMN adjustment_id;
--bun:split
DROP TABLE price_adjustments;
