ALTER TABLE incentive_lines DROP COLUMN lines;
--bun:split
ALTER TABLE incentive_lines DROP COLUMN cap_minor;
--bun:split
ALTER TABLE incentive_lines DROP COLUMN tier_from_minor;
--bun:split
ALTER TABLE incentive_lines DROP COLUMN policy_id;
--bun:split
ALTER TABLE incentive_lines DROP COLUMN rule;
--bun:split
ALTER TABLE incentive_lines DROP COLUMN consumption_minor;
--bun:split
DROP INDEX incentive_statements_estimated;
--bun:split
ALTER TABLE incentive_statements DROP COLUMN reference;
--bun:split
ALTER TABLE incentive_statements DROP COLUMN done_at;
--bun:split
ALTER TABLE incentive_statements DROP COLUMN confirmed_at;
--bun:split
ALTER TABLE incentive_statements DROP COLUMN closed_at;
--bun:split
DROP TABLE performance_lines;
