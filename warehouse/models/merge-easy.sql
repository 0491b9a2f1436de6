-- One arrival a key, later than all that is known of it: compare with the current row, no history needed.
CREATE TABLE easy AS
SELECT a.* EXCLUDE (late), s.series_key IS NULL AS is_new
FROM arrived a LEFT JOIN standing s ON s.series_key = a.series_key AND s.start_at = a.start_at
WHERE a.series_key NOT IN (SELECT series_key FROM hard_series) AND (s.series_key IS NULL
  OR s.duration_s <> a.duration_s
  OR s.energy_rule <> a.energy_rule
  OR s.energy_kwh IS DISTINCT FROM a.energy_kwh
  OR s.value IS DISTINCT FROM {{packed_value}}
  OR s.power_of_ten IS DISTINCT FROM a.power_of_ten
  OR s.uom IS DISTINCT FROM a.uom
  OR s.flow_direction IS DISTINCT FROM a.flow_direction
  OR s.commodity IS DISTINCT FROM a.commodity
  OR s.quality IS DISTINCT FROM a.quality
  OR s.quality_codes IS DISTINCT FROM a.quality_codes
  OR s.quality_source <> a.quality_source
  OR s.tou IS DISTINCT FROM a.tou
  OR s.cpp IS DISTINCT FROM a.cpp
  OR s.consumption_tier IS DISTINCT FROM a.consumption_tier
  OR s.cost IS DISTINCT FROM a.cost);
