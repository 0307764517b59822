CREATE TABLE reseller_upgrades (
    id                TEXT PRIMARY KEY,
    reseller_id       TEXT NOT NULL REFERENCES partners (id),
    state             TEXT NOT NULL,
    performance_minor INTEGER NOT NULL,
    reason            TEXT NOT NULL,
    plan              TEXT,
    answer            TEXT,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX reseller_upgrades_open ON reseller_upgrades (reseller_id) WHERE state IN ('REQUESTED', 'PLANNED', 'DISTRIBUTOR_REQUESTED');
--bun:split
CREATE INDEX reseller_upgrades_reseller ON reseller_upgrades (reseller_id, id);
--bun:split
CREATE INDEX performance_months_reseller ON performance_months (reseller_id, period);
