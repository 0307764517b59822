CREATE TABLE access_configurations (
    id                    text COLLATE "C" PRIMARY KEY,
    partner_id            text COLLATE "C" NOT NULL REFERENCES partners (id),
    platform_id           text NOT NULL,
    state                 text NOT NULL,
    idp_metadata          text,
    idp_entity_id         text,
    bind_notification_url text,
    order_paid_url        text,
    order_recharge_url    text,
    allowed_origins       jsonb NOT NULL,
    allowed_services      jsonb NOT NULL,
    attachment_upload     boolean NOT NULL,
    return_secret_sealed  bytea NOT NULL,
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL
);
--bun:split
CREATE UNIQUE INDEX access_configurations_partner ON access_configurations (partner_id);
--bun:split
CREATE UNIQUE INDEX access_configurations_platform ON access_configurations (platform_id);
