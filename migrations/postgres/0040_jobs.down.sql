DROP TABLE river_client_queue;
--bun:split
DROP TABLE river_client;
--bun:split
DROP TABLE river_queue;
--bun:split
DROP TABLE river_leader;
--bun:split
DROP TABLE river_job;
--bun:split
DROP FUNCTION river_job_state_in_bitmask(bit(8), river_job_state);
--bun:split
DROP TYPE river_job_state;
