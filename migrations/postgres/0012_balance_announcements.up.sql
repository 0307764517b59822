CREATE TABLE balance_announcements (
    id         text COLLATE "C" PRIMARY KEY,
    owners     text NOT NULL,
    attempts   bigint NOT NULL,
    due_at     timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    complete   boolean NOT NULL,
    CONSTRAINT balance_announcements_revisions_unchanged CHECK (complete)
);
--bun:split
CREATE INDEX balance_announcements_due ON balance_announcements (due_at, id);
