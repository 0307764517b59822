CREATE INDEX entries_account_moment ON entries (account_id, created_at, version);
