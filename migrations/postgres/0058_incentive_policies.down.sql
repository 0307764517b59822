DROP TABLE incentive_policies;
--bun:split
DROP TABLE incentive_versions;
