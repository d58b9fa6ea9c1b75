-- What the first answer to a key said of the order, where the key confirmed or cancelled it. Null where it created it: that
-- answer is the order at version 1.
ALTER TABLE idempotency_keys
    ADD COLUMN status     text        NULL,
    ADD COLUMN updated_at timestamptz NULL,
    ADD COLUMN version    integer     NULL;
