DROP TABLE idempotency_keys;
--bun:split
DROP TABLE holds;
--bun:split
DROP TABLE entries;
--bun:split
DROP TABLE transfers;
--bun:split
DROP TABLE accounts;
