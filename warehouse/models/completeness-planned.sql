-- With a roster: its days, and what history would expect outside of them, which nobody does.
SELECT coalesce(s.series_key, 0) AS series_key, r.usage_point_id, s.flow_direction, s.uom, coalesce(s.length_s, 3600) AS length_s,
  CASE WHEN s.series_key IS NULL THEN greatest(coalesce(r.from_s, r.since_s), {{begin_s}})
    -- service begins and ends at any time of its first and last day
    WHEN s.first_date = r.from_date THEN s.first_s
    WHEN s.is_first AND r.from_s IS NOT NULL THEN greatest(r.from_s, {{begin_s}})
    ELSE greatest(s.first_s, coalesce(r.from_s, s.first_s)) END AS from_s,
  least(CASE WHEN s.last_date = r.to_date THEN least(s.last_s, r.to_s) ELSE coalesce(r.to_s, {{end_s}}) END, coalesce(s.end_s, {{end_s}}), {{end_s}}) AS to_s,
  'roster' AS expected_by, NULL::VARCHAR AS reason
FROM ({{spells}}) r LEFT JOIN span s ON s.usage_point_id = r.usage_point_id
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
