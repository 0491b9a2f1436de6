-- Intervals in force that were expected and not known when the day after theirs had ended, though their channel, or a roster that names
-- their usage point, was. Reads `piece` and `series`.
SELECT t.usage_point_id, t.series_key, t.flow_direction, t.uom, t.start_s AS from_s, t.end_s AS to_s, t.length_s, p.expected_by, t.filled_at,
  NULL::VARCHAR AS reason
FROM (
  SELECT c.usage_point_id, c.series_key, c.flow_direction, c.uom, c.start_s, c.end_s, c.end_s - c.start_s AS length_s, c.due_at,
    -- whatever covered its beginning, in force today or not
    min(h.known_at) AS filled_at
  FROM (
    SELECT l.*, epoch_us(v.start_at) // 1000000 AS start_s, epoch_us(v.start_at) // 1000000 + v.duration_s AS end_s
    FROM {{current}} v JOIN ({{late}}) l ON l.series_key = v.series_key AND l.local_date = v.local_date
    WHERE v.duration_s > 0
  ) c
  JOIN (
    SELECT v.series_key, v.local_date, epoch_us(v.start_at) // 1000000 AS start_s, epoch_us(v.start_at) // 1000000 + v.duration_s AS end_s, k.known_at
    FROM {{history}} v JOIN ({{late}}) l ON l.series_key = v.series_key AND l.local_date = v.local_date
    JOIN ({{commits}}) k ON k.commit_id = v.commit_id
    WHERE NOT v.superseded
  ) h ON h.series_key = c.series_key AND h.local_date = c.local_date AND h.start_s <= c.start_s AND h.end_s > c.start_s
  WHERE c.start_s >= c.known_from_s
  GROUP BY c.usage_point_id, c.series_key, c.flow_direction, c.uom, c.start_s, c.end_s, c.due_at
  HAVING min(h.known_at) > c.due_at
) t
JOIN piece p ON p.series_key = t.series_key AND p.from_s < t.end_s AND p.to_s > t.start_s AND p.reason IS NULL
