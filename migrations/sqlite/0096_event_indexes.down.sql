DROP INDEX events_about;
--bun:split
DROP INDEX events_subject;
--bun:split
CREATE INDEX events_customer ON events (customer_id, id);
--bun:split
CREATE INDEX events_subject ON events (subject_id, id);
