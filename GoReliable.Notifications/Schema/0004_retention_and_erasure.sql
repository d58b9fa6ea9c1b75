-- Notifications are removed by age. For a large table build this index before the upgrade, as docs/database.md says; then this
-- finds it and does nothing.
CREATE INDEX IF NOT EXISTS notifications_by_age ON notifications (sent_at);

-- Dead letters too.
CREATE INDEX dead_letters_by_age ON dead_letters (dead_since);

-- Whose event a body is; null where it cannot be told, because it is no event, or larger than any.
CREATE FUNCTION customer_of(body bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    IF octet_length(body) > 1048576 THEN
        RETURN NULL;
    END IF;
    RETURN nullif(left(convert_from(body, 'UTF8')::json #>> '{data,customerId}', 256), '');
EXCEPTION WHEN others THEN
    RETURN NULL;
END
$$;

-- Dead letters are erased by customer. It is a function of the body, so that it is known of old ones as well.
CREATE INDEX dead_letters_by_customer ON dead_letters (customer_of(body));
