CREATE TABLE balance_announcements (
    id         TEXT PRIMARY KEY,
    owners     TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    due_at     TEXT NOT NULL,
    created_at TEXT NOT NULL,
    complete   INTEGER NOT NULL,
    CONSTRAINT balance_announcements_revisions_unchanged CHECK (complete)
) STRICT;
--bun:split
CREATE INDEX balance_announcements_due ON balance_announcements (due_at, id);
