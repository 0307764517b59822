DROP TABLE associations;
--bun:split
DROP TABLE customers;
