ALTER TABLE orders ADD COLUMN partner_asked_at timestamptz;
--bun:split
ALTER TABLE orders ADD COLUMN payer_id text COLLATE "C" REFERENCES partners (id);
--bun:split
ALTER TABLE orders ADD COLUMN name text;
--bun:split
ALTER TABLE orders ADD COLUMN enterprise_project text;
--bun:split
ALTER TABLE orders ADD COLUMN quote_id text COLLATE "C";
--bun:split
ALTER TABLE orders ADD COLUMN discount_id text COLLATE "C";
--bun:split
ALTER TABLE orders ADD COLUMN review_reason text;
--bun:split
ALTER TABLE orders ADD COLUMN reviewed_at timestamptz;
--bun:split
CREATE UNIQUE INDEX orders_quote ON orders (quote_id) WHERE quote_id IS NOT NULL AND status <> 'CANCELLED';
