-- When series should have intervals, as pieces of time from from_s to to_s (Unix time). A piece with a reason is not expected after all.
-- Series 0: a usage point of the roster nothing ever came of.
WITH part AS (
  -- no silence within a part is too long: what begins a stretch is seen between parts
  SELECT series_key, epoch_us(min(start_at)) // 1000000 AS first_s, epoch_us(max(end_at)) // 1000000 AS last_s,
    min(local_date) AS first_date, max(local_date) AS last_date,
    arg_max(duration_s, epoch_us(end_at) // 1000000 * 1000000 + commit_id)::BIGINT AS length_s
  FROM {{receipts}} WHERE duration_s > 0 AND local_date BETWEEN DATE {{earliest_day}} AND DATE {{newest_day}}
  GROUP BY series_key, (local_date - DATE {{earliest_day}}) // {{silent_days}}
), stretch AS (
  -- corrections reach back for years: of a lake that holds less they are stretches of their own
  SELECT series_key, stretch_no, min(first_s) AS first_s, max(last_s) AS last_s, min(first_date) AS first_date, max(last_date) AS last_date,
    arg_max(length_s, last_s) AS length_s
  FROM (
    SELECT *, sum(is_new) OVER (PARTITION BY series_key ORDER BY first_s) AS stretch_no
    FROM (
      SELECT *, CASE WHEN first_date - lag(last_date) OVER (PARTITION BY series_key ORDER BY first_s) <= {{silent_days}} THEN 0 ELSE 1 END AS is_new
      FROM part
    )
  )
  GROUP BY series_key, stretch_no
), met AS (
  SELECT e.*, s.usage_point_id, s.flow_direction, s.uom, coalesce(s.uom, -1) AS unit_no, coalesce(s.flow_direction = 19, false) AS is_received
  FROM stretch e JOIN ({{series}}) s ON s.series_key = e.series_key
), followed AS (
  -- a meter that was exchanged, or whose id is another now: one falls silent as the other begins
  SELECT m.series_key, m.stretch_no, min(o.first_s) AS next_s
  FROM met m JOIN met o ON o.usage_point_id = m.usage_point_id AND o.unit_no = m.unit_no AND o.is_received = m.is_received
  WHERE o.series_key <> m.series_key AND o.first_s > m.first_s AND o.last_s > m.last_s
    AND o.first_s > m.last_s - 172800 AND o.first_date - m.last_date <= {{silent_days}}
  GROUP BY m.series_key, m.stretch_no
), span AS (
  SELECT m.*, f.next_s FROM met m LEFT JOIN followed f ON f.series_key = m.series_key AND f.stretch_no = m.stretch_no
), by_history AS (
  SELECT series_key, usage_point_id, flow_direction, uom, length_s, first_s AS from_s,
    CASE WHEN next_s IS NOT NULL THEN greatest(last_s, next_s) WHEN last_date < DATE {{newest_day}} - {{silent_days}} THEN last_s ELSE {{end_s}} END AS to_s,
    'history' AS expected_by, NULL::VARCHAR AS reason
  FROM span
), planned AS ({{planned}}
)
SELECT * FROM (
  SELECT p.* REPLACE (least(p.to_s, coalesce(a.ended_s, p.to_s)) AS to_s)
  FROM planned p LEFT JOIN ({{agreement_end}}) a ON a.usage_point_id = p.usage_point_id
  UNION ALL
  -- named one by one: the engine words a list of replacements in any order, and verify compares its words
  SELECT p.series_key, p.usage_point_id, p.flow_direction, p.uom, p.length_s, greatest(p.from_s, a.ended_s) AS from_s, p.to_s,
    NULL AS expected_by, coalesce(p.reason, 'agreement_closed') AS reason
  FROM planned p JOIN ({{agreement_end}}) a ON a.usage_point_id = p.usage_point_id
)
WHERE to_s > from_s
