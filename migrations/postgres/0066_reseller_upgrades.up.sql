CREATE TABLE reseller_upgrades (
    id                text COLLATE "C" PRIMARY KEY,
    reseller_id       text COLLATE "C" NOT NULL REFERENCES partners (id),
    state             text NOT NULL,
    performance_minor bigint NOT NULL,
    reason            text NOT NULL,
    plan              text,
    answer            text,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX reseller_upgrades_open ON reseller_upgrades (reseller_id) WHERE state IN ('REQUESTED', 'PLANNED', 'DISTRIBUTOR_REQUESTED');
--bun:split
CREATE INDEX reseller_upgrades_reseller ON reseller_upgrades (reseller_id, id);
--bun:split
CREATE INDEX performance_months_reseller ON performance_months (reseller_id, period);
