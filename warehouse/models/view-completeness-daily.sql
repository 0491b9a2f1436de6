SELECT usage_point_id, flow_direction, uom, local_date, max(expected_by) AS expected_by,
  sum(CASE WHEN expected_s > 0 THEN n_intervals + n_missing ELSE 0 END)::BIGINT AS n_expected,
  sum(n_intervals)::BIGINT AS n_intervals, sum(n_missing)::BIGINT AS n_missing, {{class_sums}},
  min(length_s)::INTEGER AS duration_s, sum(energy_kwh) AS energy_kwh,
  {{quality_grade}} AS quality_grade
FROM (
  SELECT *, CASE WHEN expected_s > 0 THEN greatest(0, (expected_s - covered_s + length_s // 2) // length_s) ELSE 0 END AS n_missing
  FROM ({{day}})
)
WHERE n_intervals > 0 OR n_missing > 0
GROUP BY usage_point_id, flow_direction, uom, local_date
