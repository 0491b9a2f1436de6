-- Blocks received that said an interval without leaving a version of it: they said again what was in force.
WITH asked(series_key, start_at) AS (VALUES {{asked}})
SELECT DISTINCT a.series_key::VARCHAR AS series_key, a.start_at, r.published_at, r.load_id, c.known_at, r.byte_offset::DOUBLE AS byte_offset
FROM asked a JOIN ({{receipts}}) r
  ON r.series_key = a.series_key AND a.start_at >= r.start_at AND a.start_at < r.end_at
  AND (epoch_us(a.start_at) - epoch_us(r.start_at)) % (r.duration_s::BIGINT * 1000000) = 0
LEFT JOIN ({{commits}}) c ON c.commit_id = r.commit_id
WHERE r.local_date BETWEEN DATE '{{from}}' AND DATE '{{to}}' AND NOT EXISTS (
  SELECT 1 FROM ({{history}}) h
  WHERE h.series_key = a.series_key AND h.start_at = a.start_at AND h.local_date BETWEEN DATE '{{from}}' AND DATE '{{to}}'
    AND NOT h.superseded AND h.load_id = r.load_id AND h.published_at IS NOT DISTINCT FROM r.published_at)
ORDER BY ALL
