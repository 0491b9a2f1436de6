-- Readings of all staged loads, and parked ones whose parents have come, with what they mean.
CREATE OR REPLACE TEMP VIEW incoming AS
WITH sent AS (
  SELECT b.series_key, r.start_at, r.duration_s, r.local_date, r.he_seq, r.he_clock, r.value,
    r.quality, c.codes AS quality_codes, r.quality_source, r.tou, r.cpp, r.consumption_tier, r.cost,
    b.published_at, b.load_id, r.byte_offset,
    b.power_of_ten, b.uom, b.flow_direction, b.commodity, b.default_quality, b.energy_rule, b.energy_divisor, b.energy_factor
  FROM staged_readings r
  JOIN block_meaning b ON b.load_no = r.load_no AND b.block_seq = r.block_seq
  LEFT JOIN staged_codes c ON c.load_no = r.load_no AND c.byte_offset = r.byte_offset
  WHERE b.resolved
  UNION ALL BY NAME
  SELECT p.* EXCLUDE (block_offset, meter_reading_href),
    m.power_of_ten, m.uom, m.flow_direction, m.commodity, m.default_quality, m.energy_rule, m.energy_divisor, m.energy_factor
  FROM parked p JOIN series_meaning m USING (load_id, series_key)
  WHERE m.resolved
), measured AS (
  SELECT *,
    CASE WHEN energy_rule = 0 THEN
      CASE WHEN value = 0 THEN 0::DECIMAL(18,9)
           WHEN value % energy_divisor = 0 THEN TRY_CAST((value // energy_divisor)::DECIMAL(19,0) * energy_factor AS DECIMAL(18,9))
      END
    END AS energy_kwh
  FROM sent
)
SELECT series_key, start_at, duration_s, local_date, he_seq, he_clock,
  value, power_of_ten, uom, flow_direction, commodity, energy_kwh,
  CASE WHEN energy_rule = 0 AND energy_kwh IS NULL THEN 5 ELSE energy_rule END AS energy_rule,
  coalesce(quality, default_quality) AS quality,
  NULLIF(quality_codes, coalesce(quality, default_quality)::VARCHAR) AS quality_codes,
  CASE WHEN quality IS NOT NULL THEN quality_source WHEN default_quality IS NOT NULL THEN 3 ELSE 0 END AS quality_source,
  tou, cpp, consumption_tier, cost, published_at, load_id, byte_offset
FROM measured;
