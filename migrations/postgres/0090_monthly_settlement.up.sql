CREATE TABLE settlement_lines (
    customer_id text COLLATE "C" PRIMARY KEY,
    currency    text NOT NULL,
    line_minor  bigint NOT NULL,
    reason      text NOT NULL,
    ended_at    timestamptz,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    CHECK (line_minor > 0)
);
--bun:split
CREATE TABLE monthly_settlements (
    id             text COLLATE "C" PRIMARY KEY,
    customer_id    text COLLATE "C" NOT NULL,
    currency       text NOT NULL,
    cycle          text NOT NULL,
    charged_minor  bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    paid_minor     bigint NOT NULL,
    open_minor     bigint NOT NULL,
    due_at         timestamptz NOT NULL,
    settled_at     timestamptz,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CHECK (charged_minor > 0 AND refunded_minor >= 0 AND paid_minor >= 0 AND open_minor >= 0),
    CHECK (open_minor = charged_minor - refunded_minor - paid_minor),
    CHECK ((open_minor = 0) = (settled_at IS NOT NULL))
);
--bun:split
CREATE UNIQUE INDEX monthly_settlements_cycle ON monthly_settlements (customer_id, cycle, currency);
--bun:split
CREATE INDEX monthly_settlements_customer ON monthly_settlements (customer_id, id);
--bun:split
CREATE INDEX monthly_settlements_open ON monthly_settlements (customer_id, due_at) WHERE open_minor > 0;
--bun:split
ALTER TABLE orders ADD COLUMN account_minor bigint NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE order_refunds ADD COLUMN account_minor bigint NOT NULL DEFAULT 0;
