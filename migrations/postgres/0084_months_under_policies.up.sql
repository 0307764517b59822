-- Statements are worked out from the monthly sums, so these tell apart what falls under one policy and rule and what under another.
TRUNCATE performance_months;
--bun:split
ALTER TABLE performance_months DROP CONSTRAINT performance_months_pkey, DROP CONSTRAINT performance_months_partner_id_fkey,
    DROP CONSTRAINT performance_months_customer_id_fkey, ADD COLUMN policy_id text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN rule text NOT NULL DEFAULT 'NO_POLICY';
--bun:split
INSERT INTO performance_months (partner_id, period, customer_id, reseller_id, mode, service_type, currency, policy_id, rule, lines, amount_minor, counted_minor)
SELECT partner_id, period, customer_id, COALESCE(reseller_id, ''), mode, service_type, currency, COALESCE(policy_id, ''), rule, COUNT(*), CAST(SUM(amount_minor) AS BIGINT), CAST(SUM(counted_minor) AS BIGINT)
FROM performance_lines GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;
--bun:split
ALTER TABLE performance_months ADD PRIMARY KEY (partner_id, period, customer_id, reseller_id, mode, service_type, currency, policy_id, rule);
