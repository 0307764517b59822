DROP TABLE incentive_lines;
--bun:split
DROP TABLE incentive_statements;
