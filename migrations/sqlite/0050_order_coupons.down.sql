ALTER TABLE order_items DROP COLUMN coupon_minor;
--bun:split
ALTER TABLE orders DROP COLUMN coupon_minor;
--bun:split
DROP TABLE coupon_uses;
