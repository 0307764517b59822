-- How far jobs have been scheduled for what was there before the jobs were.
CREATE TABLE job_backfills (
    kind     text PRIMARY KEY,
    after_id text COLLATE "C" NOT NULL,
    done_at  timestamptz
);
