-- Series and days something of which came after the day after (due_at), where the lake knew by then that it should come: known_from_s on.
SELECT d.series_key, d.local_date, d.due_at, s.usage_point_id, s.flow_direction, s.uom, min(w.known_from_s) AS known_from_s
FROM (
  SELECT series_key, local_date, due_at
  FROM (
    SELECT r.series_key, r.local_date, epoch_us(r.start_at) AS start_us, epoch_us(r.end_at) AS end_us,
      timezone({{time_zone}}, (r.local_date + 2)::TIMESTAMP) AS due_at, k.known_at > timezone({{time_zone}}, (r.local_date + 2)::TIMESTAMP) AS is_late
    FROM {{receipts}} r JOIN ({{commits}}) k ON k.commit_id = r.commit_id
    WHERE r.local_date BETWEEN DATE {{earliest_day}} AND DATE {{newest_day}}
  )
  GROUP BY series_key, local_date, due_at
  -- not where one run came in time, and all that came late lies in it
  HAVING bool_or(is_late) AND NOT (count(*) FILTER (WHERE NOT is_late) = 1
    AND min(start_us) >= min(start_us) FILTER (WHERE NOT is_late) AND max(end_us) <= max(end_us) FILTER (WHERE NOT is_late))
) d
JOIN ({{series}}) s ON s.series_key = d.series_key
JOIN (
  SELECT c.usage_point_id, coalesce(c.flow_direction, -1) AS flow_no, epoch_us(c.first_start_at) // 1000000 AS known_from_s, k.known_at,
    NULL::DATE AS from_date, NULL::DATE AS to_date
  FROM {{channel}} c JOIN ({{commits}}) k ON k.commit_id = c.commit_id{{roster_known}}
) w ON w.usage_point_id = s.usage_point_id AND w.known_at <= d.due_at
  AND coalesce(w.flow_no = coalesce(s.flow_direction, -1), true)
  AND coalesce(w.from_date <= d.local_date, true) AND coalesce(w.to_date >= d.local_date, true)
GROUP BY d.series_key, d.local_date, d.due_at, s.usage_point_id, s.flow_direction, s.uom
