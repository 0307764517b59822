-- How far jobs have been scheduled for what was there before the jobs were.
CREATE TABLE job_backfills (
    kind     TEXT PRIMARY KEY,
    after_id TEXT NOT NULL,
    done_at  TEXT
);
