CREATE TABLE settlement_lines (
    customer_id TEXT PRIMARY KEY,
    currency    TEXT NOT NULL,
    line_minor  INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    ended_at    TEXT,
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    CHECK (line_minor > 0)
) STRICT;
--bun:split
CREATE TABLE monthly_settlements (
    id             TEXT PRIMARY KEY,
    customer_id    TEXT NOT NULL,
    currency       TEXT NOT NULL,
    cycle          TEXT NOT NULL,
    charged_minor  INTEGER NOT NULL,
    refunded_minor INTEGER NOT NULL,
    paid_minor     INTEGER NOT NULL,
    open_minor     INTEGER NOT NULL,
    due_at         TEXT NOT NULL,
    settled_at     TEXT,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    CHECK (charged_minor > 0 AND refunded_minor >= 0 AND paid_minor >= 0 AND open_minor >= 0),
    CHECK (open_minor = charged_minor - refunded_minor - paid_minor),
    CHECK ((open_minor = 0) = (settled_at IS NOT NULL))
) STRICT;
--bun:split
CREATE UNIQUE INDEX monthly_settlements_cycle ON monthly_settlements (customer_id, cycle, currency);
--bun:split
CREATE INDEX monthly_settlements_customer ON monthly_settlements (customer_id, id);
--bun:split
CREATE INDEX monthly_settlements_open ON monthly_settlements (customer_id, due_at) WHERE open_minor > 0;
--bun:split
ALTER TABLE orders ADD COLUMN account_minor INTEGER NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE order_refunds ADD COLUMN account_minor INTEGER NOT NULL DEFAULT 0;
