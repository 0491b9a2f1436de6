-- Every series whose readings are resolved: its usage point, direction and unit.
SELECT c.series_key, c.usage_point_id, c.flow_direction, t.uom
FROM (
  SELECT series_key, min(usage_point_id) AS usage_point_id, arg_max(flow_direction, commit_id) AS flow_direction
  FROM {{channel}} GROUP BY series_key
) c
LEFT JOIN (
  SELECT series_key, reading_type_id FROM {{meter_readings}}
  QUALIFY row_number() OVER (
    PARTITION BY series_key ORDER BY published_at DESC NULLS LAST, commit_id DESC, load_id DESC, byte_offset DESC) = 1
) m ON m.series_key = c.series_key
LEFT JOIN ({{reading_types}}) t ON t.reading_type_id = m.reading_type_id
