DROP TABLE staff_downloads;
--bun:split
DROP TABLE staff_months;
--bun:split
DROP TABLE staff_payments;
--bun:split
DROP TABLE staff_members;
--bun:split
DROP TABLE staff_schemes;
