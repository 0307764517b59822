DROP INDEX transfers_subject;
--bun:split
ALTER TABLE transfers DROP COLUMN subject_id;
--bun:split
ALTER TABLE accounts DROP COLUMN revision;
