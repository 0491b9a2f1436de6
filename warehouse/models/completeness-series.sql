-- Every series whose readings are resolved: its usage point, direction and unit.
SELECT c.series_key, c.usage_point_id, c.flow_direction, t.uom
FROM (
  SELECT series_key, min(usage_point_id) AS usage_point_id, arg_max(flow_direction, commit_id) AS flow_direction
  FROM {{channel}} GROUP BY series_key
) c
LEFT JOIN ({{meter_readings}}) m ON m.series_key = c.series_key
LEFT JOIN ({{reading_types}}) t ON t.reading_type_id = m.reading_type_id
