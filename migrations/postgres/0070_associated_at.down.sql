CREATE INDEX associations_since ON associations (partner_id, since);
--bun:split
DROP INDEX customers_associated;
--bun:split
ALTER TABLE customers DROP COLUMN associated_at;
