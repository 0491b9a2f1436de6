SELECT v.{{series_key}} AS series_key, m.usage_point_id, m.meter_reading_id, v.commodity, v.flow_direction, v.uom, v.power_of_ten,
  v.start_at, v.duration_s, v.local_date, v.he_seq, v.he_clock,
  {{value}} AS value, v.energy_kwh, {{quantity}} AS quantity, {{unit}} AS unit,
  v.quality, coalesce(v.quality_codes, v.quality::VARCHAR) AS quality_codes, {{quality_source}} AS quality_source,
  {{quality_class}} AS quality_class, v.tou, v.cpp, v.consumption_tier, v.cost,
  v.published_at, c.known_at, v.load_id, {{energy_null_reason}} AS energy_null_reason, v.series_key AS canonical_series_key{{more}}
FROM {{source}} v
LEFT JOIN ({{series}}) m ON m.series_key = v.{{series_key}}
LEFT JOIN ({{commits}}) c ON c.commit_id = v.commit_id
