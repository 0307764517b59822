ALTER TABLE orders ADD COLUMN partner_asked_at TEXT;
--bun:split
ALTER TABLE orders ADD COLUMN payer_id TEXT REFERENCES partners (id);
--bun:split
ALTER TABLE orders ADD COLUMN name TEXT;
--bun:split
ALTER TABLE orders ADD COLUMN enterprise_project TEXT;
--bun:split
ALTER TABLE orders ADD COLUMN quote_id TEXT;
--bun:split
ALTER TABLE orders ADD COLUMN discount_id TEXT;
--bun:split
ALTER TABLE orders ADD COLUMN review_reason TEXT;
--bun:split
ALTER TABLE orders ADD COLUMN reviewed_at TEXT;
--bun:split
CREATE UNIQUE INDEX orders_quote ON orders (quote_id) WHERE quote_id IS NOT NULL AND status <> 'CANCELLED';
