DROP TABLE job_backfills;
