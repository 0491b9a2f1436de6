-- One row per interval: what was in force after the commit that first brought it, and what is in force now.
SELECT x.series_key, m.usage_point_id, m.meter_reading_id, x.flow_direction, x.start_at, x.local_date, x.he_seq, x.he_clock,
  x.first_value, x.last_value, x.first_energy_kwh, x.last_energy_kwh,
  CASE WHEN x.first_superseded OR x.first_energy_kwh IS NOT NULL THEN
    CASE WHEN x.superseded OR x.last_energy_kwh IS NOT NULL
      THEN (coalesce(x.last_energy_kwh, 0) - coalesce(x.first_energy_kwh, 0))::DECIMAL(19,9) END END AS energy_kwh_changed,
  x.first_duration_s, x.last_duration_s, x.first_quality, x.last_quality, x.n_versions, x.superseded,
  x.first_published_at, x.last_published_at, x.first_known_at, x.last_known_at,
  date_diff('day', x.local_date, timezone({{time_zone}}, x.last_known_at)::DATE)::INTEGER AS days_late,
  date_diff('day', x.local_date, timezone({{time_zone}}, x.last_published_at)::DATE)::INTEGER AS published_days_late
FROM (
  SELECT local_date, series_key, start_at, min(he_seq) AS he_seq, min(he_clock) AS he_clock,
    count(*) FILTER (WHERE is_change AND NOT superseded) AS n_versions,
    coalesce(max(flow_direction) FILTER (WHERE place = last_place), max(flow_direction)) AS flow_direction,
    max(value) FILTER (WHERE place = first_place AND NOT superseded) AS first_value,
    max(value) FILTER (WHERE place = last_place AND NOT superseded) AS last_value,
    max(energy_kwh) FILTER (WHERE place = first_place AND NOT superseded) AS first_energy_kwh,
    max(energy_kwh) FILTER (WHERE place = last_place AND NOT superseded) AS last_energy_kwh,
    max(duration_s) FILTER (WHERE place = first_place AND NOT superseded) AS first_duration_s,
    max(duration_s) FILTER (WHERE place = last_place AND NOT superseded) AS last_duration_s,
    max(quality) FILTER (WHERE place = first_place AND NOT superseded) AS first_quality,
    max(quality) FILTER (WHERE place = last_place AND NOT superseded) AS last_quality,
    max(published_at) FILTER (WHERE place = first_place) AS first_published_at,
    max(published_at) FILTER (WHERE place = last_place) AS last_published_at,
    max(known_at) FILTER (WHERE place = first_place) AS first_known_at,
    max(known_at) FILTER (WHERE place = last_place) AS last_known_at,
    coalesce(bool_or(superseded) FILTER (WHERE place = first_place), false) AS first_superseded,
    coalesce(bool_or(superseded) FILTER (WHERE place = last_place), false) AS superseded
  FROM (
    SELECT *,
      max(CASE WHEN is_change THEN place END) OVER (PARTITION BY local_date, series_key, start_at) AS last_place,
      max(CASE WHEN is_change_then AND commit_id = first_commit THEN place END) OVER (
        PARTITION BY local_date, series_key, start_at) AS first_place
    FROM (
      SELECT *,
        row_number() OVER w AS place,
        content IS DISTINCT FROM lag(content) OVER w AS is_change,
        content IS DISTINCT FROM lag(content) OVER (PARTITION BY local_date, series_key, start_at, commit_id ORDER BY {{order}})
          AS is_change_then,
        min(commit_id) OVER (PARTITION BY local_date, series_key, start_at) AS first_commit
      FROM (
        SELECT h.*, k.known_at, CASE WHEN h.superseded THEN 'withdrawn' ELSE {{content}} END AS content
        FROM {{history}} h JOIN ({{commits}}) k ON k.commit_id = h.commit_id
      )
      -- local_date is in every partition so that a filter on it reaches the files
      WINDOW w AS (PARTITION BY local_date, series_key, start_at ORDER BY {{order}})
    )
  )
  GROUP BY local_date, series_key, start_at
) x
LEFT JOIN ({{series}}) m ON m.series_key = x.series_key
