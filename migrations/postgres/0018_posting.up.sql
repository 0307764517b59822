ALTER TABLE entries DROP CONSTRAINT entries_transfer_id_fkey;
--bun:split
ALTER TABLE entries DROP CONSTRAINT entries_account_id_fkey;
--bun:split
DROP INDEX transfers_order;
--bun:split
CREATE INDEX transfers_order ON transfers (order_id, id) WHERE order_id IS NOT NULL;
