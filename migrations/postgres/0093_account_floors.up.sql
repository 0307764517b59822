-- The floors that accounts had before their limits were changed: what was left by an entry then is judged by the floor of then.
CREATE TABLE account_floors (
    account_id  text COLLATE "C" NOT NULL,
    version     bigint NOT NULL,
    floor_minor bigint NOT NULL,
    PRIMARY KEY (account_id, version)
);
