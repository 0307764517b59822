ALTER TABLE performance_months RESET (fillfactor);
--bun:split
ALTER TABLE bill_months RESET (fillfactor);
--bun:split
DROP INDEX bill_months_partner_cycle;
