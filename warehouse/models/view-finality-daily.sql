-- One row per series and local day that has intervals now: since when all of them have been known to be of revenue quality at least once.
SELECT m.usage_point_id, m.meter_reading_id, d.series_key, d.flow_direction, d.local_date, d.n_intervals, d.n_revenue,
  CASE WHEN d.n_revenue = d.n_intervals THEN d.first_revenue_at END AS first_revenue_at,
  CASE WHEN d.n_revenue = d.n_intervals
    THEN date_diff('day', d.local_date, timezone({{time_zone}}, d.first_revenue_at)::DATE)::INTEGER END AS days_to_revenue
FROM (
  SELECT local_date, series_key, min(flow_direction) AS flow_direction, count(*) AS n_intervals,
    count(*) FILTER (WHERE is_revenue) AS n_revenue, max(first_revenue_at) AS first_revenue_at
  FROM (
    SELECT local_date, series_key, start_at, max(flow_direction) FILTER (WHERE place = last_place) AS flow_direction,
      coalesce(bool_or(superseded) FILTER (WHERE place = last_place), false) AS superseded,
      coalesce(bool_or(is_revenue) FILTER (WHERE place = last_place), false) AS is_revenue,
      -- a version that came late and lost was never in force
      min(known_at) FILTER (WHERE is_revenue AND place = place_then) AS first_revenue_at
    FROM (
      SELECT *, max(place) OVER (PARTITION BY local_date, series_key, start_at) AS last_place,
        max(place) OVER (PARTITION BY local_date, series_key, start_at ORDER BY commit_id
          RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS place_then
      FROM (
        SELECT h.local_date, h.series_key, h.start_at, h.flow_direction, h.superseded, h.commit_id, k.known_at,
          coalesce(NOT h.superseded AND h.quality IN ({{revenue_codes}}), false) AS is_revenue,
          -- local_date is in every partition so that a filter on it reaches the files
          row_number() OVER (PARTITION BY h.local_date, h.series_key, h.start_at ORDER BY {{order_h}}) AS place
        FROM {{history}} h JOIN ({{commits}}) k ON k.commit_id = h.commit_id
      )
    )
    GROUP BY local_date, series_key, start_at
  )
  WHERE NOT superseded
  GROUP BY local_date, series_key
) d
LEFT JOIN ({{series}}) m ON m.series_key = d.series_key
