-- Staged versions that differ from the one before them in published order (is_new), and those that say again what is in force.
CREATE OR REPLACE TEMP TABLE compared_{{table}} AS
SELECT {{columns}}, is_new FROM (
  SELECT *, row_number() OVER w = 1 OR content IS DISTINCT FROM lag(content) OVER w AS is_new, lead(load_id) OVER w IS NULL AS is_last
  FROM (
    SELECT {{columns}}, row({{content}}) AS content, true AS is_staged FROM staged_{{table}}
    UNION ALL
    SELECT {{columns}}, row({{content}}), false FROM lake_{{table}}
    WHERE ({{key}}) IN (SELECT ({{key}}) FROM staged_{{table}})
  )
  WINDOW w AS (PARTITION BY {{key}} ORDER BY {{order}})
)
WHERE is_staged AND (is_new OR is_last)
