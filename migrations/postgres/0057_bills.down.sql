DROP TABLE bill_months;
--bun:split
DROP TABLE bill_debt_payments;
--bun:split
DROP TABLE bill_settlements;
--bun:split
DROP TABLE bill_lines;
