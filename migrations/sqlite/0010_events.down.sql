DROP TABLE outbox;
--bun:split
DROP TABLE events;
