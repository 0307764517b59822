DROP TABLE payout_preferences;
--bun:split
DROP TABLE payout_carries;
--bun:split
DROP TABLE payout_statements;
--bun:split
DROP TABLE payout_requests;
