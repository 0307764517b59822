CREATE TABLE access_configurations (
    id                    TEXT PRIMARY KEY,
    partner_id            TEXT NOT NULL REFERENCES partners (id),
    platform_id           TEXT NOT NULL,
    state                 TEXT NOT NULL,
    idp_metadata          TEXT,
    idp_entity_id         TEXT,
    bind_notification_url TEXT,
    order_paid_url        TEXT,
    order_recharge_url    TEXT,
    allowed_origins       TEXT NOT NULL,
    allowed_services      TEXT NOT NULL,
    attachment_upload     INTEGER NOT NULL,
    return_secret_sealed  BLOB NOT NULL,
    created_at            TEXT NOT NULL,
    updated_at            TEXT NOT NULL
) STRICT;
--bun:split
CREATE UNIQUE INDEX access_configurations_partner ON access_configurations (partner_id);
--bun:split
CREATE UNIQUE INDEX access_configurations_platform ON access_configurations (platform_id);
