-- Runs of missing intervals: those that are missing now, and those that were missing when the day after them had ended.
WITH piece AS MATERIALIZED ({{window}}
), series AS MATERIALIZED ({{series}}
), day AS MATERIALIZED (
  SELECT local_date, series_key, usage_point_id, expected_s, covered_s, length_s, n_intervals FROM ({{day}})
), lacking AS MATERIALIZED (
  -- days with less than what the pieces take
  SELECT d.local_date, d.series_key, d.usage_point_id, d.length_s, d.n_intervals, c.from_s, c.to_s
  FROM day d JOIN ({{calendar}}) c ON c.local_date = d.local_date
  WHERE 2 * (d.expected_s - d.covered_s) >= d.length_s
), taken AS MATERIALIZED (
  SELECT v.local_date, v.series_key, l.from_s AS day_from_s, l.to_s AS day_to_s, epoch_us(v.start_at) // 1000000 AS start_s,
    epoch_us(v.start_at) // 1000000 + v.duration_s AS end_s
  FROM {{current}} v JOIN lacking l ON l.series_key = v.series_key AND l.local_date = v.local_date
  WHERE v.duration_s > 0 AND l.n_intervals > 0
), free AS (
  SELECT local_date, series_key, from_s, to_s FROM (
    SELECT local_date, series_key, start_s AS to_s,
      coalesce(max(end_s) OVER (PARTITION BY local_date, series_key ORDER BY start_s, end_s ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
        day_from_s) AS from_s
    FROM taken
  )
  WHERE to_s > from_s
  UNION ALL
  SELECT local_date, series_key, max(end_s), max(day_to_s) FROM taken GROUP BY local_date, series_key HAVING max(day_to_s) > max(end_s)
), hole AS (
  SELECT l.local_date, l.series_key, l.usage_point_id, l.length_s, coalesce(f.from_s, l.from_s) AS from_s, coalesce(f.to_s, l.to_s) AS to_s
  FROM lacking l LEFT JOIN free f ON f.local_date = l.local_date AND f.series_key = l.series_key
  -- a day none of which is free only seemed to lack something: its intervals overlap
  WHERE l.n_intervals = 0 OR f.from_s IS NOT NULL
), no_data AS (
  -- days of which the utility said, asked when they could be complete, that it has nothing (204), and nothing has come since
  SELECT q.local_date
  FROM (
    -- what a day's package says was written the day after: what changed on a window's last day says nothing of that day
    SELECT date_from + unnest(range(0, date_to - date_from + CASE WHEN window_by = 'updated' THEN 0 ELSE 1 END))::INTEGER AS local_date,
      asked_at, changed_at
    FROM {{requests}} WHERE feed = 'usage' AND status = 'no_data' AND date_to >= date_from
  ) q
  LEFT JOIN (
    SELECT r.local_date, max(k.known_at) AS known_at FROM {{receipts}} r JOIN ({{commits}}) k ON k.commit_id = r.commit_id GROUP BY r.local_date
  ) r ON r.local_date = q.local_date
  WHERE (r.known_at IS NULL OR r.known_at < q.changed_at) AND q.asked_at >= timezone({{time_zone}}, q.local_date + INTERVAL 42 HOUR)
  GROUP BY q.local_date
), missing AS (
  SELECT h.usage_point_id, h.series_key, p.flow_direction, p.uom, greatest(h.from_s, p.from_s) AS from_s, least(h.to_s, p.to_s) AS to_s, h.length_s,
    p.expected_by, NULL::TIMESTAMPTZ AS filled_at, coalesce(p.reason, CASE WHEN n.local_date IS NOT NULL THEN 'no_data' END) AS reason
  FROM hole h JOIN piece p ON p.series_key = h.series_key AND p.usage_point_id = h.usage_point_id AND p.from_s < h.to_s AND p.to_s > h.from_s
  LEFT JOIN no_data n ON n.local_date = h.local_date
), filled AS ({{filled}}
), run AS (
  SELECT *, sum(is_first) OVER (PARTITION BY usage_point_id, series_key, expected_by, filled_at, reason ORDER BY from_s) AS run_no
  FROM (
    SELECT *, CASE WHEN from_s <= lag(to_s) OVER (PARTITION BY usage_point_id, series_key, expected_by, filled_at, reason ORDER BY from_s)
      THEN 0 ELSE 1 END AS is_first
    FROM (SELECT * FROM missing WHERE 2 * (to_s - from_s) >= length_s UNION ALL SELECT * FROM filled)
  )
)
SELECT usage_point_id, NULLIF(series_key, 0) AS series_key, min(flow_direction) AS flow_direction, min(uom) AS uom,
  to_timestamp(min(from_s)) AS start_at, to_timestamp(max(to_s)) AS end_at,
  timezone({{time_zone}}, to_timestamp(min(from_s)))::DATE AS local_date,
  sum((to_s - from_s + length_s // 2) // length_s)::BIGINT AS n_intervals, min(length_s)::INTEGER AS duration_s,
  CASE WHEN filled_at IS NOT NULL THEN 'filled' WHEN reason IS NOT NULL THEN 'explained' ELSE 'open' END AS status,
  reason, filled_at, expected_by
FROM run
GROUP BY usage_point_id, series_key, expected_by, filled_at, reason, run_no
