-- A line is written in the transaction that writes its bill line, from what that refers to, and none of it is ever deleted: see docs/decisions/0041.
ALTER TABLE performance_lines DROP CONSTRAINT performance_lines_bill_line_id_fkey, DROP CONSTRAINT performance_lines_partner_id_fkey, DROP CONSTRAINT performance_lines_reseller_id_fkey, DROP CONSTRAINT performance_lines_customer_id_fkey, DROP CONSTRAINT performance_lines_policy_id_fkey;
--bun:split
-- A source is always of the same bill line, so that the two together are unique when sources are.
CREATE UNIQUE INDEX performance_lines_counted ON performance_lines (bill_line_id, source_id);
--bun:split
DROP INDEX performance_lines_source;
--bun:split
DROP INDEX performance_lines_bill;
--bun:split
CREATE INDEX performance_lines_period ON performance_lines (partner_id, period);
--bun:split
DROP INDEX performance_lines_sums;
