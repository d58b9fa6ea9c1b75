-- Deliveries that wait for a mail server, each until a time that is put off while it lives. A table of its own: a row of the
-- inbox means "handled", also to the version before this one.
CREATE TABLE leases (
    event_id uuid        NOT NULL PRIMARY KEY,
    owner    uuid        NOT NULL, -- which delivery has it: one that lost its lease cannot write any more
    until    timestamptz NOT NULL
);

-- A row for each e-mail, gone a moment later.
ALTER TABLE leases SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Messages that came back often, while they are read: whatever is still here when the process starts again ended it.
CREATE TABLE suspects (
    id     uuid    NOT NULL PRIMARY KEY, -- made from message id and body
    deaths integer NOT NULL DEFAULT 0
);
