DROP TABLE statement_exports;
--bun:split
CREATE INDEX entries_account_time ON entries (account_id, created_at);
--bun:split
DROP INDEX entries_account_moment;
