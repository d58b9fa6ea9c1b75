-- Orders whose next event the broker does not take. Their rows stay in the outbox, and the relay passes them over.
CREATE TABLE outbox_set_aside (
    order_id     uuid        PRIMARY KEY,
    outbox_id    bigint      NOT NULL,       -- the row that fails; later ones of its order wait for it
    event_id     uuid        NOT NULL,
    type         text        NOT NULL,
    attempts     integer     NOT NULL,
    reason       text        NOT NULL,       -- of the last attempt
    failed_since timestamptz NOT NULL,       -- first attempt
    retry_at     timestamptz NULL            -- next attempt; null: waits for an operator
);
