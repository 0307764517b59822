DROP TABLE incentive_transfer_items;
--bun:split
DROP TABLE incentive_transfers;
--bun:split
DROP TABLE company_identities;
--bun:split
DROP INDEX incentive_statements_origin;
--bun:split
DROP INDEX incentive_statements_period;
--bun:split
ALTER TABLE incentive_statements DROP COLUMN origin_id;
--bun:split
CREATE UNIQUE INDEX incentive_statements_period ON incentive_statements (partner_id, period, currency);
