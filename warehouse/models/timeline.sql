-- The whole timeline of each key of the hard series. Order of events: published_at (missing first), commit, load, byte offset.
-- Writes `line`: every event that counts, with the content in force after it and before it, and whether its feed says otherwise too.
CREATE OR REPLACE TEMP TABLE past AS
SELECT row_number() OVER () AS eid, h.*, CASE WHEN h.superseded THEN 'withdrawn' ELSE {{content}} END AS content
FROM ({{history}}) h SEMI JOIN hard_series USING (series_key)
WHERE h.local_date BETWEEN DATE '{{window_from}}' AND DATE '{{window_to}}';

CREATE OR REPLACE TEMP TABLE fresh AS
SELECT 1000000000000 + row_number() OVER () AS eid, h.*, {{content}} AS content
FROM (
  SELECT a.* EXCLUDE (unit, late), {{commit}}::BIGINT AS commit_id FROM arrived a
  UNION ALL BY NAME
  -- readings of the days before, which may reach into these
  SELECT i.*, {{commit}}::BIGINT AS commit_id FROM incoming i
  WHERE i.local_date >= DATE '{{window_from}}' AND i.local_date < DATE '{{from}}'
) h SEMI JOIN hard_series USING (series_key);

CREATE OR REPLACE TEMP TABLE line AS
WITH known AS (
  SELECT series_key, start_at, any_value(local_date) AS local_date
  FROM (SELECT series_key, start_at, local_date FROM past UNION ALL SELECT series_key, start_at, local_date FROM fresh)
  GROUP BY series_key, start_at
), receipt_event AS (
  -- a receipt counts where its load left no row: then it said again what was in force
  SELECT k.series_key, k.start_at, r.published_at, r.commit_id, r.load_id, max(r.byte_offset) AS byte_offset
  FROM known k JOIN ({{receipts}}) r
    ON r.series_key = k.series_key AND r.local_date = k.local_date AND k.start_at >= r.start_at AND k.start_at < r.end_at
    AND (epoch_us(k.start_at) - epoch_us(r.start_at)) % (r.duration_s::BIGINT * 1000000) = 0
  WHERE NOT EXISTS (
    SELECT 1 FROM past p WHERE p.series_key = k.series_key AND p.start_at = k.start_at AND NOT p.superseded
      AND p.load_id = r.load_id AND p.commit_id = r.commit_id AND p.published_at IS NOT DISTINCT FROM r.published_at)
  GROUP BY ALL
), seen AS (
  SELECT *, last_value(row_eid IGNORE NULLS) OVER w AS cid
  FROM (
    SELECT series_key, start_at, published_at, commit_id, load_id, byte_offset, eid AS row_eid FROM past WHERE NOT superseded
    UNION ALL
    SELECT series_key, start_at, published_at, commit_id, load_id, byte_offset, NULL FROM receipt_event
  )
  WINDOW w AS (PARTITION BY series_key, start_at ORDER BY {{order}} ROWS UNBOUNDED PRECEDING)
), reading AS (
  SELECT s.series_key, s.start_at, s.published_at, s.commit_id, s.load_id, s.byte_offset, s.cid,
    CASE WHEN s.row_eid IS NULL THEN 'receipt' ELSE 'row' END AS origin,
    s.start_at + to_seconds(p.duration_s) AS end_at, p.duration_s, p.content
  FROM seen s JOIN past p ON p.eid = s.cid
  UNION ALL
  SELECT series_key, start_at, published_at, commit_id, load_id, byte_offset, eid, 'fresh',
    start_at + to_seconds(duration_s), duration_s, content
  FROM fresh
), mixed AS (
  SELECT series_key FROM reading GROUP BY series_key HAVING min(duration_s) <> max(duration_s)
), cover AS (
  -- a reading withdraws the older ones inside its span, whatever it says
  SELECT k.series_key, k.start_at, x.published_at, x.commit_id, x.load_id, x.byte_offset, NULL::BIGINT AS cid, 'cover' AS origin,
    x.end_at, x.duration_s, 'withdrawn' AS content
  FROM reading x SEMI JOIN mixed USING (series_key)
  JOIN known k ON k.series_key = x.series_key AND k.start_at > x.start_at AND k.start_at < x.end_at
), event AS (
  SELECT *, last_value(CASE WHEN origin <> 'cover' THEN end_at END IGNORE NULLS) OVER w AS reading_end_at,
    last_value(cid IGNORE NULLS) OVER w AS reading_eid
  FROM (FROM reading UNION ALL FROM cover)
  WINDOW w AS (PARTITION BY series_key, start_at ORDER BY {{order}} ROWS UNBOUNDED PRECEDING)
)
SELECT e.*, k.local_date, u.unit, u.unit IS NOT NULL AS in_batch,
  lag(e.content) OVER w AS content_before,
  coalesce(bool_or(e.commit_id <> {{commit}}) OVER (w ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), false) AS is_late,
  coalesce(min(e.content) FILTER (WHERE e.origin = 'fresh') OVER of_load <> max(e.content) FILTER (WHERE e.origin = 'fresh') OVER of_load, false)
    AS is_contradicted
FROM event e
JOIN known k USING (series_key, start_at)
LEFT JOIN unit u ON u.batch = {{batch}} AND u.dt = k.local_date AND e.series_key BETWEEN u.key_min AND u.key_max
WHERE e.origin <> 'cover' OR e.reading_end_at <= e.end_at
WINDOW w AS (PARTITION BY e.series_key, e.start_at ORDER BY {{order_e}}),
  of_load AS (PARTITION BY e.series_key, e.start_at, e.load_id);
