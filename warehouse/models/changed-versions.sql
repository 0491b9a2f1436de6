-- Versions that differ from the one before them, and from when to when the utility held to each.
SELECT * EXCLUDE (content, content_before), published_at AS valid_from,
  lead(published_at) OVER (PARTITION BY {{key}} ORDER BY published_at NULLS FIRST, commit_id, load_id, byte_offset) AS valid_to
FROM (
  SELECT *, row({{content}}) AS content, lag(row({{content}})) OVER w AS content_before
  FROM {{source}}
  WINDOW w AS (PARTITION BY {{key}} ORDER BY published_at NULLS FIRST, commit_id, load_id, byte_offset)
)
WHERE content IS DISTINCT FROM content_before
