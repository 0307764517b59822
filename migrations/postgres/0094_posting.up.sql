ALTER TABLE accounts SET (fillfactor = 70);
--bun:split
ALTER TABLE entries DROP CONSTRAINT entries_pkey;
--bun:split
ALTER TABLE entries ADD PRIMARY KEY (transfer_id, account_id);
--bun:split
DROP INDEX entries_transfer;
