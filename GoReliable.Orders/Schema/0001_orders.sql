-- Items live in the order's row: they are written and read with it, never alone.
CREATE TABLE orders (
    id            uuid        PRIMARY KEY,   -- UUIDv7: new rows at the right edge of the index, and newest first by id
    customer_id   text        NOT NULL,
    status        text        NOT NULL CHECK (status IN ('pending', 'confirmed', 'cancelled')),
    currency      text        NOT NULL,
    items         jsonb       NOT NULL,
    total         numeric     NOT NULL,
    contact_email text        NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    version       integer     NOT NULL
) WITH (fillfactor = 90);                    -- room for the confirmed or cancelled version on the same page

CREATE INDEX orders_by_customer ON orders (customer_id, id DESC);

-- One row for each Idempotency-Key that created an order. The first answer is not stored: it is the order at version 1.
CREATE TABLE idempotency_keys (
    customer_id  text        NOT NULL,
    key          text        NOT NULL,
    request_hash bytea       NOT NULL,       -- SHA-256 of the normalised order
    order_id     uuid        NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (customer_id, key)
);

-- Events on their way to the broker: written with the order's commit, deleted when the broker has confirmed them.
CREATE TABLE outbox (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    uuid        NOT NULL,
    order_id    uuid        NOT NULL,
    type        text        NOT NULL,        -- routing key: order.created, order.confirmed, order.cancelled
    body        bytea       NOT NULL,        -- the CloudEvent, ready to send
    traceparent text        NULL,            -- span that wrote the row: parent of the span that publishes it
    tracestate  text        NULL,
    created_at  timestamptz NOT NULL
) WITH (
    -- Every row dies young. Vacuum by count, not by share of a table that is mostly empty.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_threshold = -1
);
