CREATE TABLE cooperations (
    id             TEXT PRIMARY KEY,
    distributor_id TEXT NOT NULL REFERENCES partners (id),
    reseller_id    TEXT NOT NULL REFERENCES partners (id),
    since          TEXT NOT NULL,
    until          TEXT
) STRICT;
--bun:split
CREATE UNIQUE INDEX cooperations_in_force ON cooperations (reseller_id) WHERE until IS NULL;
--bun:split
CREATE INDEX cooperations_distributor ON cooperations (distributor_id, id);
--bun:split
CREATE INDEX cooperations_reseller ON cooperations (reseller_id, id);
--bun:split
INSERT INTO cooperations (id, distributor_id, reseller_id, since)
SELECT 'cop_' || substr(id, 5), parent_id, id, created_at FROM partners WHERE parent_id IS NOT NULL;
--bun:split
CREATE TABLE cooperation_requests (
    id             TEXT PRIMARY KEY,
    distributor_id TEXT NOT NULL REFERENCES partners (id),
    reseller_id    TEXT NOT NULL REFERENCES partners (id),
    kind           TEXT NOT NULL,
    requested_by   TEXT NOT NULL,
    state          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    answer         TEXT,
    expires_at     TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    decided_at     TEXT
) STRICT;
--bun:split
CREATE UNIQUE INDEX cooperation_requests_open ON cooperation_requests (distributor_id, reseller_id) WHERE state = 'REQUESTED';
--bun:split
CREATE INDEX cooperation_requests_reseller ON cooperation_requests (reseller_id, id);
--bun:split
CREATE INDEX cooperation_requests_distributor ON cooperation_requests (distributor_id, id);
--bun:split
CREATE INDEX cooperation_requests_due ON cooperation_requests (expires_at) WHERE state = 'REQUESTED';
--bun:split
CREATE TABLE reseller_managers (
    id             TEXT PRIMARY KEY,
    distributor_id TEXT NOT NULL REFERENCES partners (id),
    reseller_id    TEXT NOT NULL REFERENCES partners (id),
    user_id        TEXT NOT NULL REFERENCES users (id),
    since          TEXT NOT NULL,
    until          TEXT
) STRICT;
--bun:split
CREATE UNIQUE INDEX reseller_managers_in_force ON reseller_managers (reseller_id) WHERE until IS NULL;
--bun:split
CREATE INDEX reseller_managers_reseller ON reseller_managers (reseller_id, id);
