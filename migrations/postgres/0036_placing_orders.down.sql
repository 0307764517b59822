DROP INDEX orders_quote;
--bun:split
ALTER TABLE orders DROP COLUMN reviewed_at;
--bun:split
ALTER TABLE orders DROP COLUMN review_reason;
--bun:split
ALTER TABLE orders DROP COLUMN discount_id;
--bun:split
ALTER TABLE orders DROP COLUMN quote_id;
--bun:split
ALTER TABLE orders DROP COLUMN enterprise_project;
--bun:split
ALTER TABLE orders DROP COLUMN name;
--bun:split
ALTER TABLE orders DROP COLUMN payer_id;
--bun:split
ALTER TABLE orders DROP COLUMN partner_asked_at;
