DROP INDEX entries_account_moment;
