-- Staged rows that differ from the version before them in published order.
SELECT {{columns}} FROM (
  SELECT *, row({{content}}) AS content, lag(row({{content}})) OVER w AS content_before, row_number() OVER w AS nth
  FROM (
    SELECT {{columns}}, {{extra}} true AS is_staged FROM {{staged}}
    UNION ALL
    SELECT {{columns}}, {{extra}} false AS is_staged FROM {{lake}}
    WHERE ({{key}}) IN (SELECT ({{key}}) FROM {{staged}})
    QUALIFY row_number() OVER (
      PARTITION BY {{key}} ORDER BY published_at DESC NULLS LAST, commit_id DESC, load_id DESC, byte_offset DESC) = 1
  )
  WINDOW w AS (PARTITION BY {{key}} ORDER BY published_at NULLS FIRST, commit_id, load_id, byte_offset)
)
WHERE is_staged AND (nth = 1 OR content IS DISTINCT FROM content_before)
ORDER BY {{key}}, published_at, byte_offset
