-- Intervals of some days that `current` holds otherwise than history says, by key: on one side only, or on both with other contents.
WITH winner AS (
  SELECT {{columns}} FROM {{winners}} v WHERE NOT v.superseded
), stored AS (
  SELECT {{stored_columns}} FROM ({{current}}) v
), only_history AS (
  SELECT DISTINCT local_date, series_key, start_at FROM (FROM winner EXCEPT ALL FROM stored)
), only_current AS (
  SELECT DISTINCT local_date, series_key, start_at FROM (FROM stored EXCEPT ALL FROM winner)
)
SELECT coalesce(h.local_date, c.local_date)::VARCHAR AS dt, coalesce(h.series_key, c.series_key)::VARCHAR AS series_key,
  coalesce(h.start_at, c.start_at) AS start_at,
  CASE WHEN c.series_key IS NULL THEN 'missing' WHEN h.series_key IS NULL THEN 'extra' ELSE 'changed' END AS kind
FROM only_history h FULL JOIN only_current c USING (local_date, series_key, start_at)
ORDER BY ALL
