-- Of rows of one key that say the same one after the other, the first and the last: a version that comes late still finds what was
-- said again after it, so that files in any order lead to the same row in force.
SELECT {{columns}} FROM (
  SELECT *, row({{content}}) AS content,
    lag(commit_id) OVER w AS commit_before,
    lag(row({{content}})) OVER w AS content_before, lead(row({{content}})) OVER w AS content_after
  FROM ({{source}})
  WINDOW w AS (PARTITION BY {{key}} ORDER BY published_at NULLS FIRST, commit_id, load_id, byte_offset)
)
WHERE content IS DISTINCT FROM content_before OR content IS DISTINCT FROM content_after
  -- known here before the one it repeats: until that came it was the first
  OR commit_id < commit_before
ORDER BY {{key}}, published_at, byte_offset
