TRUNCATE performance_months;
--bun:split
ALTER TABLE performance_months DROP CONSTRAINT performance_months_pkey, DROP COLUMN policy_id, DROP COLUMN rule,
    ADD CONSTRAINT performance_months_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES partners (id),
    ADD CONSTRAINT performance_months_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);
--bun:split
INSERT INTO performance_months (partner_id, period, customer_id, reseller_id, mode, service_type, currency, lines, amount_minor, counted_minor)
SELECT partner_id, period, customer_id, COALESCE(reseller_id, ''), mode, service_type, currency, COUNT(*), CAST(SUM(amount_minor) AS BIGINT), CAST(SUM(counted_minor) AS BIGINT)
FROM performance_lines GROUP BY 1, 2, 3, 4, 5, 6, 7;
--bun:split
ALTER TABLE performance_months ADD PRIMARY KEY (partner_id, period, customer_id, reseller_id, mode, service_type, currency);
