-- Events that were handled: whoever inserts the row handles the event, everybody else has a duplicate.
CREATE TABLE inbox (
    event_id    uuid        NOT NULL PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);

-- What was sent. No address: the order has it, and here nobody asks for it.
CREATE TABLE notifications (
    event_id    uuid        NOT NULL,
    channel     text        NOT NULL,
    order_id    uuid        NOT NULL,
    customer_id text        NOT NULL,
    event_type  text        NOT NULL,
    attempts    integer     NOT NULL,
    accepted_at timestamptz NOT NULL,
    sent_at     timestamptz NOT NULL,
    PRIMARY KEY (event_id, channel)
);

CREATE INDEX notifications_order_id ON notifications (order_id);
