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

-- Pairs of current intervals that overlap, where this commit brought one of them.
INSERT INTO attention
WITH version AS (
  SELECT *, lag(content) OVER (PARTITION BY series_key, start_at ORDER BY {{order}}) AS before
  FROM (
    SELECT series_key, start_at, end_at, duration_s, published_at, commit_id, load_id, byte_offset, in_batch, origin, content FROM line
    UNION ALL
    -- withdrawn by a reading that lies before the days at hand
    SELECT series_key, start_at, NULL, NULL, published_at, commit_id, load_id, byte_offset, false, 'cover', content
    FROM past WHERE superseded
  )
), winner AS (
  SELECT v.*, v.origin = 'fresh' AND s.series_key IS NULL AS is_new
  FROM (
    SELECT * FROM version WHERE content IS DISTINCT FROM before
    QUALIFY row_number() OVER (
      PARTITION BY series_key, start_at ORDER BY published_at DESC NULLS LAST, commit_id DESC, load_id DESC, byte_offset DESC) = 1
  ) v
  LEFT JOIN standing s ON s.series_key = v.series_key AND s.start_at = v.start_at AND s.duration_s = v.duration_s
  WHERE v.origin <> 'cover'
), reached AS (
  SELECT *, max(end_at) OVER (
    PARTITION BY series_key ORDER BY start_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached_at
  FROM winner
)
SELECT CASE WHEN a.is_new THEN a.load_id ELSE b.load_id END AS load, 'READING_OVERLAP', 'warn',
  'IntervalBlock/IntervalReading', NULL,
  min(CASE WHEN a.is_new THEN a.byte_offset ELSE b.byte_offset END),
  max(CASE WHEN a.is_new THEN a.byte_offset ELSE b.byte_offset END), '',
  'series ' || a.series_key || ' has ' || count(*) || ' pair(s) of current intervals that overlap; their sum counts the overlap twice',
  {{commit}}::BIGINT
FROM reached b JOIN reached a ON a.series_key = b.series_key AND a.start_at < b.start_at AND a.end_at > b.start_at
WHERE b.reached_at > b.start_at AND b.in_batch AND (a.is_new OR b.is_new)
GROUP BY load, a.series_key
