-- A customer's orders of one status, newest first, however rare it is among them. It costs confirm and cancel an entry
-- in each index of the table, since a column of an index changes (no HOT). Scripts run in a transaction, where an
-- index cannot be built concurrently: nothing is written to orders meanwhile. For a large table build it before the upgrade,
-- as docs/database.md says; then this finds it and does nothing.
CREATE INDEX IF NOT EXISTS orders_by_customer_and_status ON orders (customer_id, status, id DESC);
