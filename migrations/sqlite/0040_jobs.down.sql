DROP TABLE river_client_queue;
--bun:split
DROP TABLE river_client;
--bun:split
DROP TABLE river_queue;
--bun:split
DROP TABLE river_leader;
--bun:split
DROP TABLE river_job;
