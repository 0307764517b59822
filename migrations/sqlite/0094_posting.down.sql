CREATE TABLE entries_new (
    id                  TEXT NOT NULL,
    transfer_id         TEXT NOT NULL REFERENCES transfers (id),
    account_id          TEXT NOT NULL REFERENCES accounts (id),
    asset               TEXT NOT NULL,
    amount_minor        INTEGER NOT NULL,
    version             INTEGER NOT NULL,
    balance_after_minor INTEGER NOT NULL,
    created_at          TEXT NOT NULL,
    PRIMARY KEY (id),
    CHECK (amount_minor <> 0)
) STRICT;
--bun:split
INSERT INTO entries_new (id, transfer_id, account_id, asset, amount_minor, version, balance_after_minor, created_at)
SELECT id, transfer_id, account_id, asset, amount_minor, version, balance_after_minor, created_at FROM entries ORDER BY rowid;
--bun:split
DROP TABLE entries;
--bun:split
ALTER TABLE entries_new RENAME TO entries;
--bun:split
CREATE UNIQUE INDEX entries_account_version ON entries (account_id, version);
--bun:split
CREATE INDEX entries_account_moment ON entries (account_id, created_at, version);
--bun:split
CREATE INDEX entries_transfer ON entries (transfer_id);
