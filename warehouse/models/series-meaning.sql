-- What the readings of a series mean, per load: its own feed's MeterReading and ReadingType first, else the newest known.
CREATE OR REPLACE TEMP TABLE series_meaning AS
WITH wanted AS (
  SELECT DISTINCT load_id, series_key FROM staged_block WHERE NOT rejected
  UNION
  SELECT DISTINCT load_id, series_key FROM parked
), series AS (
  SELECT w.load_id, w.series_key, m.reading_type_id
  FROM wanted w JOIN all_meter_reading m ON m.series_key = w.series_key AND m.reading_type_id IS NOT NULL
  QUALIFY row_number() OVER (
    PARTITION BY w.load_id, w.series_key
    ORDER BY m.load_id = w.load_id DESC, m.published_at DESC NULLS LAST, m.commit_id DESC, m.load_id DESC, m.byte_offset DESC
  ) = 1
), meaning AS (
  SELECT s.load_id, s.series_key, t.*
  EXCLUDE (load_id, published_at, commit_id, byte_offset)
  FROM series s JOIN all_reading_type t USING (reading_type_id)
  QUALIFY row_number() OVER (
    PARTITION BY s.load_id, s.series_key
    ORDER BY t.load_id = s.load_id DESC, t.published_at DESC NULLS LAST, t.commit_id DESC, t.load_id DESC, t.byte_offset DESC
  ) = 1
)
SELECT w.load_id, w.series_key, m.reading_type_id IS NOT NULL AS resolved,
  m.power_of_ten, m.uom, m.flow_direction, m.commodity, m.default_quality,
  CASE
    WHEN m.conflict AND (m.uom IS NULL OR m.power_of_ten IS NULL OR m.kind IS NULL OR m.accumulation_behaviour IS NULL) THEN 7
    WHEN m.uom IS NULL THEN 6
    WHEN m.uom = 38 THEN 3
    WHEN m.uom <> 72 THEN 1
    WHEN m.kind IN ({{demand_kinds}}) THEN 3
    WHEN m.accumulation_behaviour IN ({{registers}}) THEN 2
    WHEN m.power_of_ten IS NULL THEN 4
    ELSE 0
  END AS energy_rule,
  -- kWh = value // energy_divisor * energy_factor, exact where the division leaves nothing
  CASE WHEN m.power_of_ten < -6 THEN ('1' || repeat('0', least(-6 - m.power_of_ten, 18)))::BIGINT ELSE 1::BIGINT END AS energy_divisor,
  CASE
    WHEN m.power_of_ten < -6 THEN 0.000000001::DECIMAL(19,9)
    WHEN m.power_of_ten < 3 THEN ('0.' || repeat('0', 2 - m.power_of_ten) || '1')::DECIMAL(19,9)
    WHEN m.power_of_ten <= 12 THEN ('1' || repeat('0', m.power_of_ten - 3))::DECIMAL(19,9)
  END AS energy_factor
FROM wanted w LEFT JOIN meaning m USING (load_id, series_key);

CREATE OR REPLACE TEMP VIEW block_meaning AS
SELECT b.load_no, b.block_seq, b.published_at, b.meter_reading_href, b.byte_offset AS block_offset, m.*
FROM staged_block b JOIN series_meaning m USING (load_id, series_key)
WHERE NOT b.rejected;
