-- Bills: of each summary id the version in force, its period, and which bill took its place.
WITH version AS (
  SELECT *, concat_ws('|', coalesce(billing_duration_s, -1), coalesce(consumption_value, 0), coalesce(consumption_power_of_ten, 0),
      coalesce(consumption_uom, -1), coalesce(bill_last_period, 0), coalesce(quality_of_reading, -1)) AS content,
    -- without `published` the commit decides
    CASE WHEN published_at IS NULL THEN commit_id END AS arrival,
    min(commit_id) OVER (PARTITION BY summary_id, billing_start_at, billing_duration_s, quality_of_reading) AS said_commit_id
  FROM {{summaries}}
), compared AS (
  SELECT *, min(content) OVER tie <> max(content) OVER tie AS is_tied FROM version
  WINDOW tie AS (PARTITION BY usage_point_id, coalesce(epoch_us(billing_start_at)::VARCHAR, summary_id), published_at, arrival)
), latest AS (
  SELECT c.* FROM compared c
  SEMI JOIN ({{summaries_in_force}}) f ON f.summary_id = c.summary_id AND f.load_id = c.load_id AND f.byte_offset = c.byte_offset
), bill AS (
  SELECT *,
    -- 400 days: no bill is longer; a period that is not sent or not possible is compared with nothing
    CASE WHEN billing_duration_s BETWEEN 1 AND 34560000 THEN epoch_us(billing_start_at) // 1000000 END AS start_s,
    CASE WHEN billing_duration_s BETWEEN 1 AND 34560000 THEN epoch_us(billing_start_at) // 1000000 + billing_duration_s END AS end_s,
    row_number() OVER (
      PARTITION BY usage_point_id ORDER BY published_at DESC NULLS LAST, commit_id DESC, load_id DESC, byte_offset DESC) AS newest,
    first_value(summary_id) OVER (
      PARTITION BY usage_point_id, coalesce(epoch_us(billing_start_at)::VARCHAR, summary_id)
      ORDER BY published_at DESC NULLS LAST, commit_id DESC, load_id DESC, byte_offset DESC) AS newest_of_start
  FROM latest
), overlap AS (
  -- what was itself replaced displaces nothing; an hour in common is the clock change in a length counted in days
  SELECT b.summary_id, arg_min(n.summary_id, n.newest) AS overlapped_by
  FROM bill b JOIN bill n ON n.usage_point_id = b.usage_point_id
  WHERE n.newest < b.newest AND n.newest_of_start = n.summary_id AND n.summary_id <> b.summary_id
    AND least(n.end_s, b.end_s) - greatest(n.start_s, b.start_s) > 3600
  GROUP BY b.summary_id
)
SELECT b.summary_id, b.usage_point_id, b.billing_start_at, b.billing_duration_s, to_timestamp(b.end_s) AS billing_end_at, b.start_s, b.end_s, b.newest,
  b.consumption_value, b.consumption_power_of_ten, b.consumption_uom, b.consumption_reading_type_id, b.quality_of_reading, b.status_at,
  b.published_at, b.commit_id, b.load_id, b.said_commit_id, b.is_tied,
  CASE WHEN b.newest_of_start <> b.summary_id THEN b.newest_of_start ELSE o.overlapped_by END AS displaced_by_summary_id,
  CASE WHEN b.newest_of_start <> b.summary_id THEN 'superseded' WHEN o.overlapped_by IS NOT NULL THEN 'overlapped' END AS displaced,
  -- the unit to compare in: the billed one; where no total was sent that of the commodity
  coalesce(b.consumption_uom, CASE WHEN b.commodity = 7 THEN 169 ELSE 72 END) AS compared_uom,
  t.flow_direction AS billed_flow_direction, t.default_quality AS total_quality
FROM bill b
LEFT JOIN overlap o ON o.summary_id = b.summary_id
LEFT JOIN ({{reading_types}}) t ON t.reading_type_id = b.consumption_reading_type_id
