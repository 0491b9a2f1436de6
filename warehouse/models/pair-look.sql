-- Which two series of a usage point are to be looked at: new ones beside others that mean the same, those an operator decided, and
-- known pairs of which one brought readings where the other may have some.
CREATE OR REPLACE TEMP TABLE arrival AS
SELECT series_key, min(first_start_at) AS first_start_at, max(last_start_at) AS last_start_at FROM series_first GROUP BY series_key;

-- Usage points at which anything may change.
CREATE OR REPLACE TEMP TABLE touched_usage_point AS
SELECT usage_point_id FROM new_channel WHERE is_new
UNION SELECT usage_point_id FROM decision
UNION SELECT usage_point_id FROM ({{pairs}})
  WHERE series_key IN (SELECT series_key FROM arrival) OR other_series_key IN (SELECT series_key FROM arrival);

CREATE OR REPLACE TEMP TABLE known_pair AS
SELECT p.* FROM ({{pairs}}) p SEMI JOIN touched_usage_point u ON u.usage_point_id = p.usage_point_id
QUALIFY row_number() OVER (PARTITION BY p.series_key, p.other_series_key ORDER BY p.commit_id DESC) = 1;

CREATE OR REPLACE TEMP TABLE series_begin AS
SELECT series_key, usage_point_id, flow_direction, min(first_start_at) AS first_start_at FROM (
  SELECT series_key, usage_point_id, flow_direction, first_start_at FROM ({{channel}})
  UNION ALL SELECT series_key, usage_point_id, flow_direction, first_start_at FROM new_channel
)
WHERE usage_point_id IN (FROM touched_usage_point)
GROUP BY series_key, usage_point_id, flow_direction;

CREATE OR REPLACE TEMP TABLE looked_pair AS
WITH beside AS (
  SELECT DISTINCT least(n.series_key, o.series_key) AS series_key, greatest(n.series_key, o.series_key) AS other_series_key, n.usage_point_id
  FROM (SELECT series_key, usage_point_id, flow_direction FROM new_channel WHERE is_new) n
  JOIN series_begin o ON o.usage_point_id = n.usage_point_id AND o.flow_direction IS NOT DISTINCT FROM n.flow_direction
    AND o.series_key <> n.series_key
), meaning AS (
  -- as the newest descriptions say
  SELECT m.series_key, row(t.commodity, t.uom, t.flow_direction, t.interval_length_s,
    t.kind IN ({{demand_kinds}}), t.accumulation_behaviour IN ({{registers}})) AS meaning
  FROM (
    SELECT series_key, reading_type_id FROM all_meter_reading
    WHERE reading_type_id IS NOT NULL AND series_key IN (SELECT series_key FROM beside UNION ALL SELECT other_series_key FROM beside)
    QUALIFY row_number() OVER (PARTITION BY series_key ORDER BY {{newest}}) = 1
  ) m
  JOIN (
    SELECT * FROM all_reading_type WHERE uom IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY reading_type_id ORDER BY {{newest}}) = 1
  ) t ON t.reading_type_id = m.reading_type_id
), fresh AS (
  SELECT b.series_key, b.other_series_key, b.usage_point_id
  FROM beside b JOIN meaning m ON m.series_key = b.series_key JOIN meaning o ON o.series_key = b.other_series_key AND o.meaning = m.meaning
  ANTI JOIN known_pair k ON k.series_key = b.series_key AND k.other_series_key = b.other_series_key
), met AS (
  SELECT k.series_key, k.other_series_key, k.usage_point_id
  FROM known_pair k LEFT JOIN arrival a ON a.series_key = k.series_key LEFT JOIN arrival b ON b.series_key = k.other_series_key
  WHERE k.verdict <> 'two' AND (
    -- the id that ended first speaks again, or the other one speaks of its time
    a.first_start_at <= k.other_last_start_at OR a.series_key IS NOT NULL AND k.last_start_at <= k.other_last_start_at
    OR b.first_start_at <= k.last_start_at OR b.series_key IS NOT NULL AND k.other_last_start_at <= k.last_start_at)
), beginning AS (
  SELECT series_key, min(first_start_at) AS first_start_at FROM series_begin GROUP BY series_key
), decided AS (
  SELECT series_key, other_series_key, usage_point_id FROM decision
)
SELECT l.series_key, l.other_series_key, l.usage_point_id, bool_or(l.is_whole) AS is_whole,
  -- from then on both may have readings
  max(greatest(b.first_start_at, o.first_start_at)) AS begins_at
FROM (
  SELECT *, true AS is_whole FROM fresh UNION ALL SELECT *, true FROM decided UNION ALL SELECT *, false FROM met
) l
JOIN beginning b ON b.series_key = l.series_key JOIN beginning o ON o.series_key = l.other_series_key
GROUP BY l.series_key, l.other_series_key, l.usage_point_id;
