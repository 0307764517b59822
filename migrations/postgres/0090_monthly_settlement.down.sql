ALTER TABLE order_refunds DROP COLUMN account_minor;
--bun:split
ALTER TABLE orders DROP COLUMN account_minor;
--bun:split
DROP TABLE monthly_settlements;
--bun:split
DROP TABLE settlement_lines;
