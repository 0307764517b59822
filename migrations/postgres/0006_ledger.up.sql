CREATE TABLE accounts (
    id              text COLLATE "C" PRIMARY KEY,
    owner_kind      text NOT NULL,
    owner_id        text COLLATE "C" NOT NULL,
    kind            text NOT NULL,
    asset           text NOT NULL,
    floor_minor     bigint,
    balance_minor   bigint NOT NULL,
    held_minor      bigint NOT NULL,
    earmarked_minor bigint NOT NULL,
    version         bigint NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CHECK (floor_minor IS NULL OR balance_minor - held_minor >= floor_minor),
    CHECK (held_minor >= 0 AND earmarked_minor >= 0)
);
--bun:split
CREATE UNIQUE INDEX accounts_owner ON accounts (owner_id, owner_kind, kind, asset);
--bun:split
CREATE TABLE transfers (
    id          text COLLATE "C" PRIMARY KEY,
    kind        text NOT NULL,
    order_id    text COLLATE "C",
    reverses_id text COLLATE "C" REFERENCES transfers (id),
    actor_id    text NOT NULL,
    request_id  text NOT NULL,
    reason      text,
    created_at  timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX transfers_reverses ON transfers (reverses_id) WHERE reverses_id IS NOT NULL;
--bun:split
CREATE INDEX transfers_order ON transfers (order_id, id);
--bun:split
CREATE TABLE entries (
    id                  text COLLATE "C" PRIMARY KEY,
    transfer_id         text COLLATE "C" NOT NULL REFERENCES transfers (id),
    account_id          text COLLATE "C" NOT NULL REFERENCES accounts (id),
    asset               text NOT NULL,
    amount_minor        bigint NOT NULL,
    version             bigint NOT NULL,
    balance_after_minor bigint NOT NULL,
    created_at          timestamptz NOT NULL,
    CHECK (amount_minor <> 0)
);
--bun:split
CREATE UNIQUE INDEX entries_account_version ON entries (account_id, version);
--bun:split
CREATE INDEX entries_transfer ON entries (transfer_id);
--bun:split
CREATE INDEX entries_account_time ON entries (account_id, created_at);
--bun:split
CREATE TABLE holds (
    id           text COLLATE "C" PRIMARY KEY,
    account_id   text COLLATE "C" NOT NULL REFERENCES accounts (id),
    order_id     text COLLATE "C",
    amount_minor bigint NOT NULL,
    state        text NOT NULL,
    transfer_id  text COLLATE "C" REFERENCES transfers (id),
    expires_at   timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CHECK (amount_minor > 0)
);
--bun:split
CREATE INDEX holds_account ON holds (account_id, state);
--bun:split
CREATE INDEX holds_expiry ON holds (state, expires_at);
--bun:split
CREATE TABLE idempotency_keys (
    scope        text NOT NULL,
    key          text NOT NULL,
    operation    text NOT NULL,
    request_hash bytea NOT NULL,
    answer       bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);
