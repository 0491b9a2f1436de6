-- One row per series and local day: what was expected and what came. Expectations and readings are added, not joined, so that a filter on
-- local_date reaches the files.
SELECT local_date, series_key, usage_point_id, flow_direction, uom, max(expected_by) AS expected_by,
  sum(expected_s)::BIGINT AS expected_s, sum(covered_s)::BIGINT AS covered_s,
  coalesce(min(day_length_s), max(length_s)) AS length_s, sum(n_intervals)::BIGINT AS n_intervals,
  {{class_sums}}, sum(energy_kwh) AS energy_kwh, max(quality_rank) AS quality_rank
FROM (
  SELECT d.local_date, w.series_key, w.usage_point_id, w.flow_direction, w.uom, w.expected_by,
    least(w.to_s, d.to_s) - greatest(w.from_s, d.from_s) AS expected_s, 0 AS covered_s, w.length_s, NULL AS day_length_s,
    0 AS n_intervals, {{class_zeros}}, NULL AS energy_kwh, NULL AS quality_rank
  FROM ({{calendar}}) d JOIN ({{window}}) w ON w.from_s < d.to_s AND w.to_s > d.from_s
  WHERE {{counted}}
  UNION ALL
  SELECT v.local_date, v.series_key, s.usage_point_id, s.flow_direction, s.uom, NULL, 0, v.covered_s, NULL, v.length_s,
    v.n_intervals, {{class_names}}, v.energy_kwh, v.quality_rank
  FROM (
    -- where intervals overlap, no more than they span
    SELECT local_date, series_key, least(sum(duration_s), max(end_s) - min(end_s - duration_s)) AS covered_s,
      min(duration_s) AS length_s, count(*) AS n_intervals, {{class_counts}}, sum(energy_kwh) AS energy_kwh, max(quality_rank) AS quality_rank
    FROM (
      SELECT local_date, series_key, duration_s, epoch_us(start_at) // 1000000 + duration_s AS end_s, energy_kwh, quality,
        {{quality_rank}} AS quality_rank
      FROM {{current}} WHERE duration_s > 0
    )
    GROUP BY local_date, series_key
  ) v JOIN ({{series}}) s ON s.series_key = v.series_key
)
GROUP BY local_date, series_key, usage_point_id, flow_direction, uom
