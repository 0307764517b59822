-- The floors that accounts had before their limits were changed: what was left by an entry then is judged by the floor of then.
CREATE TABLE account_floors (
    account_id  TEXT NOT NULL,
    version     INTEGER NOT NULL,
    floor_minor INTEGER NOT NULL,
    PRIMARY KEY (account_id, version)
) STRICT, WITHOUT ROWID;
