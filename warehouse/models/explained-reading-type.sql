-- The ReadingType that gave each version its unit, power of ten and flow: that of its own feed, else the newest known then that says so.
WITH asked(series_key, load_id, commit_id, power_of_ten, uom, flow_direction, commodity) AS (VALUES {{asked}})
SELECT a.series_key::VARCHAR AS series_key, a.load_id, a.commit_id::INTEGER AS commit_id, t.reading_type_id, t.load_id AS said_by, t.byte_offset::DOUBLE AS byte_offset
FROM asked a
JOIN ({{meter_reading}}) m ON m.series_key = a.series_key AND m.commit_id <= a.commit_id
JOIN ({{reading_type}}) t ON t.reading_type_id = m.reading_type_id AND t.commit_id <= a.commit_id
  AND t.power_of_ten IS NOT DISTINCT FROM a.power_of_ten AND t.uom IS NOT DISTINCT FROM a.uom
  AND t.flow_direction IS NOT DISTINCT FROM a.flow_direction AND t.commodity IS NOT DISTINCT FROM a.commodity
QUALIFY row_number() OVER (
  PARTITION BY a.series_key, a.load_id, a.commit_id, a.power_of_ten, a.uom, a.flow_direction, a.commodity
  ORDER BY m.load_id = a.load_id DESC, t.load_id = a.load_id DESC, m.published_at DESC NULLS LAST, t.published_at DESC NULLS LAST,
    t.commit_id DESC, t.load_id DESC, t.byte_offset DESC) = 1
