-- What calls for attention in this batch, one row per load, series and rule.
INSERT INTO attention
SELECT load_id, 'READING_CONFLICT', 'warn', 'IntervalBlock/IntervalReading', NULL,
  min(first_offset), max(last_offset), '',
  count(*) || ' interval(s) of series ' || series_key || ' came more than once in this feed with different contents; the last in the file is in force, all are kept as versions',
  {{commit}}::BIGINT
FROM (
  SELECT l.load_id, l.series_key, l.start_at, min(l.byte_offset) AS first_offset, max(l.byte_offset) AS last_offset
  FROM line l WHERE l.origin = 'fresh' AND l.in_batch
  GROUP BY ALL HAVING count(DISTINCT l.content) > 1
)
GROUP BY load_id, series_key;

INSERT INTO attention
WITH reading AS (
  SELECT * FROM line WHERE origin <> 'cover'
), mixed AS (
  SELECT series_key FROM reading GROUP BY series_key HAVING min(duration_s) <> max(duration_s)
)
SELECT CASE WHEN a.origin = 'fresh' THEN a.load_id ELSE b.load_id END AS load, 'READING_OVERLAP', 'warn',
  'IntervalBlock/IntervalReading', NULL,
  min(CASE WHEN a.origin = 'fresh' THEN a.byte_offset ELSE b.byte_offset END),
  max(CASE WHEN a.origin = 'fresh' THEN a.byte_offset ELSE b.byte_offset END), '',
  'series ' || a.series_key || ' has ' || count(*) || ' pair(s) of intervals that overlap in part; both stay current, so their sum counts the overlap twice',
  {{commit}}::BIGINT
FROM reading a SEMI JOIN mixed USING (series_key)
JOIN reading b ON b.series_key = a.series_key AND b.start_at > a.start_at AND b.start_at < a.end_at AND b.end_at > a.end_at
WHERE (a.origin = 'fresh' OR b.origin = 'fresh') AND b.in_batch
GROUP BY load, a.series_key
