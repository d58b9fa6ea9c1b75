-- A delivery that waits for a mail server is claimed by a lease: a row that is committed at once, and says until when.
ALTER TABLE inbox
    ADD COLUMN owner        uuid        NULL, -- which delivery has it: one that lost its lease cannot write any more
    ADD COLUMN leased_until timestamptz NULL; -- null once the event is handled

-- Messages that came back often, while they are read: whatever is still here when the process starts again ended it.
CREATE TABLE suspects (
    id     uuid    NOT NULL PRIMARY KEY, -- made from message id and body
    deaths integer NOT NULL DEFAULT 0
);
