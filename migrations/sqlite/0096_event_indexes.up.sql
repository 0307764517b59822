DROP INDEX events_customer;
--bun:split
DROP INDEX events_subject;
--bun:split
CREATE INDEX events_about ON events (coalesce(customer_id, subject_id), id);
--bun:split
CREATE INDEX events_subject ON events (subject_id, id) WHERE subject_id IS DISTINCT FROM customer_id;
