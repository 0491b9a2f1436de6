-- The version in force: the last that says something else than the one before it (see changed-versions.sql), so that a repetition, early
-- or late, tells no other.
SELECT v.* EXCLUDE (commit_id, valid_from, valid_to), c.known_at{{more}}
FROM (
  SELECT * FROM ({{changed}})
  QUALIFY row_number() OVER (
    PARTITION BY {{key}} ORDER BY published_at DESC NULLS LAST, commit_id DESC, load_id DESC, byte_offset DESC) = 1
) v
LEFT JOIN ({{commits}}) c ON c.commit_id = v.commit_id
