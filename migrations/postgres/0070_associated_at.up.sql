ALTER TABLE customers ADD COLUMN associated_at timestamptz;
--bun:split
UPDATE customers SET associated_at = (SELECT a.since FROM associations AS a WHERE a.customer_id = customers.id AND a.until IS NULL);
--bun:split
CREATE INDEX customers_associated ON customers (partner_id, associated_at);
--bun:split
DROP INDEX associations_since;
