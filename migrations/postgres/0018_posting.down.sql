DROP INDEX transfers_order;
--bun:split
CREATE INDEX transfers_order ON transfers (order_id, id);
--bun:split
ALTER TABLE entries ADD CONSTRAINT entries_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts (id);
--bun:split
ALTER TABLE entries ADD CONSTRAINT entries_transfer_id_fkey FOREIGN KEY (transfer_id) REFERENCES transfers (id);
