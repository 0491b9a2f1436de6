-- Every version of the intervals of some series that ever covered the moment, in the order in which versions count.
WITH version AS (
  SELECT * FROM ({{history}})
  WHERE series_key IN ({{keys}}) AND local_date BETWEEN DATE '{{from}}' AND DATE '{{to}}' AND start_at <= TIMESTAMPTZ {{at}}
), touched AS (
  SELECT DISTINCT series_key, start_at FROM version WHERE start_at + to_seconds(greatest(duration_s, 1)) > TIMESTAMPTZ {{at}}
)
SELECT h.series_key::VARCHAR AS series_key, h.start_at, h.duration_s, h.local_date::VARCHAR AS local_date, h.value::VARCHAR AS value,
  h.power_of_ten, h.uom, {{unit}} AS unit, h.flow_direction, h.commodity, h.energy_kwh::VARCHAR AS energy_kwh,
  {{energy_null_reason}} AS energy_null_reason, h.quality, coalesce(h.quality_codes, h.quality::VARCHAR) AS quality_codes,
  {{quality_source}} AS quality_source, {{quality_class}} AS quality_class, h.tou, h.cpp, h.consumption_tier, h.cost::VARCHAR AS cost,
  h.superseded, h.published_at, h.load_id, h.commit_id::INTEGER AS commit_id, c.known_at, h.byte_offset::DOUBLE AS byte_offset,
  epoch_us(h.start_at) // 1000000 AS start_s, CASE WHEN h.superseded THEN 'withdrawn' ELSE {{content}} END AS content
FROM version h SEMI JOIN touched t ON t.series_key = h.series_key AND t.start_at = h.start_at
LEFT JOIN ({{commits}}) c ON c.commit_id = h.commit_id
ORDER BY h.series_key, h.start_at, {{order}}
