SELECT usage_point_id, hour_start_at, local_date, he_seq, he_clock, delivered_kwh, received_kwh,
  {{net_kwh}} AS net_kwh, {{net_basis}} AS net_basis, n_intervals::BIGINT AS n_intervals,
  (expect_delivered + expect_received + expect_net)::BIGINT AS n_expected,
  {{quality_class}} AS quality_class,
  {{quality_grade}} AS quality_grade
FROM ({{hour}}) x
