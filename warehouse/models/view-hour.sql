-- One row per usage point and hour of readings of energy that are no longer than an hour.
SELECT h.usage_point_id, h.hour_start_at, h.local_date, h.he_seq, h.he_clock, h.delivered_kwh, h.received_kwh, h.net_channel_kwh,
  h.n_intervals, h.n_estimated, h.quality_rank,
  CASE WHEN d.delivered_series > 0 THEN
    CASE WHEN h.delivered_s >= 3600 * d.delivered_series THEN h.n_delivered ELSE greatest(d.expect_delivered, h.n_delivered + 1) END
    WHEN c.delivered_from <= h.hour_start_at AND d.received_series > 0 THEN greatest(1, d.expect_received) ELSE 0 END AS expect_delivered,
  CASE WHEN d.received_series > 0 THEN
    CASE WHEN h.received_s >= 3600 * d.received_series THEN h.n_received ELSE greatest(d.expect_received, h.n_received + 1) END
    WHEN c.received_from <= h.hour_start_at THEN greatest(1, d.expect_delivered) ELSE 0 END AS expect_received,
  CASE WHEN d.net_series > 0 THEN
    CASE WHEN h.net_s >= 3600 * d.net_series THEN h.n_net ELSE greatest(d.expect_net, h.n_net + 1) END
    ELSE 0 END AS expect_net,
  h.n_delivered, h.n_received, h.n_net,
  coalesce(c.received_from <= h.hour_start_at, false) AS has_received, coalesce(c.net_from <= h.hour_start_at, false) AS has_net
FROM (
  SELECT m.usage_point_id, v.local_date, v.he_seq, min(v.he_clock) AS he_clock,
    to_timestamp((epoch_us(min(v.start_at)) // 1000000 - {{hour_shift_s}}) // 3600 * 3600 + {{hour_shift_s}}) AS hour_start_at,
    sum(v.energy_kwh) FILTER (WHERE v.flow_direction = 1) AS delivered_kwh,
    sum(v.energy_kwh) FILTER (WHERE v.flow_direction = 19) AS received_kwh,
    sum(v.energy_kwh) FILTER (WHERE v.flow_direction = 4) AS net_channel_kwh,
    count(*) FILTER (WHERE v.flow_direction = 1) AS n_delivered,
    count(*) FILTER (WHERE v.flow_direction = 19) AS n_received,
    count(*) FILTER (WHERE v.flow_direction = 4) AS n_net,
    coalesce(sum(v.duration_s) FILTER (WHERE v.flow_direction = 1), 0) AS delivered_s,
    coalesce(sum(v.duration_s) FILTER (WHERE v.flow_direction = 19), 0) AS received_s,
    coalesce(sum(v.duration_s) FILTER (WHERE v.flow_direction = 4), 0) AS net_s,
    count(*) AS n_intervals,
    count(*) FILTER (WHERE v.quality IN (8, 9)) AS n_estimated,
    max({{quality_rank}}) AS quality_rank
  FROM {{current}} v JOIN ({{series}}) m ON m.series_key = v.series_key
  WHERE v.energy_kwh IS NOT NULL AND v.flow_direction IN (1, 4, 19) AND v.duration_s BETWEEN 1 AND 3600
  GROUP BY m.usage_point_id, v.local_date, v.he_seq
) h
JOIN (
  -- what the series of the usage point that have any row on that day should have in an hour
  SELECT usage_point_id, local_date,
    count(*) FILTER (WHERE flow_direction = 1) AS delivered_series,
    count(*) FILTER (WHERE flow_direction = 19) AS received_series,
    count(*) FILTER (WHERE flow_direction = 4) AS net_series,
    coalesce(sum(expect) FILTER (WHERE flow_direction = 1), 0) AS expect_delivered,
    coalesce(sum(expect) FILTER (WHERE flow_direction = 19), 0) AS expect_received,
    coalesce(sum(expect) FILTER (WHERE flow_direction = 4), 0) AS expect_net
  FROM (
    SELECT m.usage_point_id, v.series_key, v.flow_direction, v.local_date, greatest(1, 3600 // min(v.duration_s)) AS expect
    FROM {{current}} v JOIN ({{series}}) m ON m.series_key = v.series_key
    WHERE v.energy_kwh IS NOT NULL AND v.flow_direction IN (1, 4, 19) AND v.duration_s BETWEEN 1 AND 3600
    GROUP BY m.usage_point_id, v.series_key, v.flow_direction, v.local_date
  ) s
  GROUP BY usage_point_id, local_date
) d ON d.usage_point_id = h.usage_point_id AND d.local_date = h.local_date
LEFT JOIN (
  SELECT usage_point_id,
    min(first_start_at) FILTER (WHERE flow_direction = 1) AS delivered_from,
    min(first_start_at) FILTER (WHERE flow_direction = 19) AS received_from,
    min(first_start_at) FILTER (WHERE flow_direction = 4) AS net_from
  FROM {{channel}} GROUP BY usage_point_id
) c ON c.usage_point_id = h.usage_point_id
