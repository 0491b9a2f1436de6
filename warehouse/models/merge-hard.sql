-- Rows of history that the timelines call for and that are not there yet.
CREATE OR REPLACE TEMP TABLE content_row AS
SELECT eid, {{content_columns}} FROM past WHERE NOT superseded
UNION ALL
SELECT eid, {{content_columns}} FROM fresh;

CREATE TABLE hard AS
SELECT l.series_key, l.start_at, l.unit, {{content_columns_c}}, l.origin = 'cover' AS superseded,
  l.published_at, l.load_id, l.commit_id, l.byte_offset, l.content
FROM line l
JOIN content_row c ON c.eid = coalesce(l.cid, l.reading_eid)
WHERE l.in_batch AND l.origin <> 'row'
  -- a feed that contradicts itself leaves all it says: a receipt could not tell what came first
  AND (l.content IS DISTINCT FROM l.content_before OR l.origin = 'fresh' AND l.is_contradicted)
  AND NOT (l.origin = 'cover' AND EXISTS (
    SELECT 1 FROM past p WHERE p.superseded AND p.series_key = l.series_key AND p.start_at = l.start_at AND p.load_id = l.load_id
      AND p.commit_id = l.commit_id AND p.byte_offset = l.byte_offset AND p.published_at IS NOT DISTINCT FROM l.published_at));
UPDATE hard SET value = NULL, energy_kwh = NULL WHERE superseded;

-- Current of each key is the first of its last run of equal contents, in whatever order they came; nothing is, where it withdraws.
CREATE TABLE hard_state AS
WITH version AS (
  SELECT h.* EXCLUDE (unit) FROM hard h
  UNION ALL BY NAME
  SELECT p.* EXCLUDE (eid) FROM past p
), run AS (
  SELECT v.*, u.unit,
    lag(v.content) OVER (PARTITION BY v.series_key, v.start_at ORDER BY {{order_v}}) AS content_before
  FROM version v
  JOIN unit u ON u.batch = {{batch}} AND u.dt = v.local_date AND v.series_key BETWEEN u.key_min AND u.key_max
), last AS (
  SELECT v.* EXCLUDE (content, content_before) FROM run v
  WHERE v.content IS DISTINCT FROM v.content_before
  QUALIFY row_number() OVER (
    PARTITION BY v.series_key, v.start_at
    ORDER BY v.published_at DESC NULLS LAST, v.commit_id DESC, v.load_id DESC, v.byte_offset DESC) = 1
)
SELECT l.* FROM last l
LEFT JOIN standing s ON s.series_key = l.series_key AND s.start_at = l.start_at
WHERE CASE
  WHEN l.superseded THEN s.series_key IS NOT NULL
  ELSE s.series_key IS NULL OR s.load_id <> l.load_id OR s.commit_id <> l.commit_id OR s.duration_s <> l.duration_s
    OR s.published_at IS DISTINCT FROM l.published_at
    OR s.energy_rule <> l.energy_rule OR s.energy_kwh IS DISTINCT FROM l.energy_kwh
    OR s.quality IS DISTINCT FROM l.quality OR s.quality_codes IS DISTINCT FROM l.quality_codes
    OR s.value IS DISTINCT FROM {{packed_value_l}}
    OR s.power_of_ten IS DISTINCT FROM l.power_of_ten OR s.uom IS DISTINCT FROM l.uom
    OR s.flow_direction IS DISTINCT FROM l.flow_direction OR s.commodity IS DISTINCT FROM l.commodity
    OR s.quality_source <> l.quality_source OR s.tou IS DISTINCT FROM l.tou OR s.cpp IS DISTINCT FROM l.cpp
    OR s.consumption_tier IS DISTINCT FROM l.consumption_tier OR s.cost IS DISTINCT FROM l.cost
END;
