DROP TABLE performance_totals;
--bun:split
DROP TABLE bill_totals;
