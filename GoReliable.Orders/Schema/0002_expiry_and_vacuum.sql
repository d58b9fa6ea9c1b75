-- Keys are removed by age.
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- The table is small but for a backlog, and then it must be cleaned faster than the relay empties it: no pauses. Bodies
-- of large orders are in its TOAST table, which has settings of its own.
ALTER TABLE outbox SET (
    autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0,
    toast.autovacuum_vacuum_threshold = 2000,
    toast.autovacuum_vacuum_insert_threshold = -1,
    toast.autovacuum_vacuum_cost_delay = 0
);
