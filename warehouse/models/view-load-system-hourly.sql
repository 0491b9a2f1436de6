SELECT min(hour_start_at) AS hour_start_at, local_date, he_seq, min(he_clock) AS he_clock, count(*) AS n_usage_points,
  sum(delivered_kwh) AS delivered_kwh, sum(received_kwh) AS received_kwh, sum({{net_kwh}}) AS net_kwh,
  count(*) FILTER (WHERE {{net_kwh}} IS NULL) AS n_net_unknown,
  sum(n_estimated)::DOUBLE / NULLIF(sum(n_intervals), 0) AS estimated_share,
  {{quality_grade}} AS quality_grade
FROM ({{hour}}) x
GROUP BY local_date, he_seq
