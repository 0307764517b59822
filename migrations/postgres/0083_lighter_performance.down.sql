CREATE INDEX performance_lines_sums ON performance_lines (partner_id, period, currency) INCLUDE (policy_id, service_type, rule, amount_minor, counted_minor);
--bun:split
DROP INDEX performance_lines_period;
--bun:split
CREATE INDEX performance_lines_bill ON performance_lines (bill_line_id);
--bun:split
CREATE UNIQUE INDEX performance_lines_source ON performance_lines (source_id);
--bun:split
DROP INDEX performance_lines_counted;
--bun:split
ALTER TABLE performance_lines ADD CONSTRAINT performance_lines_bill_line_id_fkey FOREIGN KEY (bill_line_id) REFERENCES bill_lines (id), ADD CONSTRAINT performance_lines_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES partners (id), ADD CONSTRAINT performance_lines_reseller_id_fkey FOREIGN KEY (reseller_id) REFERENCES partners (id), ADD CONSTRAINT performance_lines_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id), ADD CONSTRAINT performance_lines_policy_id_fkey FOREIGN KEY (policy_id) REFERENCES incentive_policies (id);
