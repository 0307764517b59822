DROP TABLE withdrawal_restrictions;
--bun:split
DROP TABLE withdrawals;
