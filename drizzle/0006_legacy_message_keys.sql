-- A message is remembered with its endpoint, as it is stored: a row of another endpoint is another row. A message that is
-- not in the index any more stays as it is, which keeps it deleted at every endpoint.
UPDATE OR IGNORE legacy_rows
SET id = id || char(31) || (SELECT endpoint_hash FROM relay_index WHERE relay_index.id = legacy_rows.id)
WHERE kind = 'message' AND EXISTS (SELECT 1 FROM relay_index WHERE relay_index.id = legacy_rows.id);
