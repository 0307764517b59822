ALTER TABLE accounts RESET (fillfactor);
--bun:split
ALTER TABLE entries DROP CONSTRAINT entries_pkey;
--bun:split
ALTER TABLE entries ADD PRIMARY KEY (id);
--bun:split
CREATE INDEX entries_transfer ON entries (transfer_id);
