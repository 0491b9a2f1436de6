-- With a roster: its days, and what history would expect outside of them, which nobody does.
SELECT coalesce(s.series_key, 0) AS series_key, r.usage_point_id, s.flow_direction, s.uom, coalesce(s.length_s, 3600) AS length_s,
  greatest({{begin_s}}, CASE WHEN s.series_key IS NULL THEN coalesce(r.from_s, r.since_s)
    -- service begins and ends at any time of its first and last day
    WHEN s.first_date = r.from_date THEN s.first_s
    WHEN s.is_first AND r.from_s IS NOT NULL THEN r.from_s
    ELSE greatest(s.first_s, coalesce(r.from_s, s.first_s)) END) AS from_s,
  least(CASE WHEN s.last_date = r.to_date THEN least(s.last_s, r.to_s) ELSE coalesce(r.to_s, {{end_s}}) END,
    -- a direction that fell silent while its usage point goes on has ended
    CASE WHEN s.next_s IS NOT NULL THEN greatest(s.last_s, s.next_s)
      WHEN s.last_date < s.reached_date - {{silent_days}} THEN s.last_s ELSE {{end_s}} END, {{end_s}}) AS to_s,
  'roster' AS expected_by, NULL::VARCHAR AS reason
FROM ({{spells}}) r
LEFT JOIN (
  SELECT *, greatest(first_date, DATE {{first_day}}) = min(greatest(first_date, DATE {{first_day}})) OVER (PARTITION BY usage_point_id) AS is_first,
    max(last_date) OVER (PARTITION BY usage_point_id) AS reached_date
  FROM (
    SELECT series_key, usage_point_id, flow_direction, uom, min(first_s) AS first_s, max(last_s) AS last_s, min(first_date) AS first_date,
      max(last_date) AS last_date, arg_max(length_s, last_s) AS length_s, max(next_s) FILTER (WHERE is_last) AS next_s
    FROM (SELECT *, stretch_no = max(stretch_no) OVER (PARTITION BY series_key) AS is_last FROM span)
    GROUP BY series_key, usage_point_id, flow_direction, uom
  )
) s ON s.usage_point_id = r.usage_point_id
UNION ALL
SELECT h.series_key, h.usage_point_id, h.flow_direction, h.uom, h.length_s,
  greatest(h.from_s, coalesce(o.from_s, h.from_s)), least(h.to_s, coalesce(o.to_s, h.to_s)), NULL, 'not_on_roster'
FROM by_history h LEFT JOIN (
  SELECT usage_point_id, lag(to_s, 1, -100000000000) OVER (PARTITION BY usage_point_id ORDER BY from_s NULLS FIRST) AS from_s,
    coalesce(from_s, -100000000000) AS to_s
  FROM ({{spells}})
  UNION ALL
  SELECT usage_point_id, max(coalesce(to_s, 100000000000)), 100000000000 FROM ({{spells}}) GROUP BY usage_point_id
) o ON o.usage_point_id = h.usage_point_id
