-- What the lake knew of each local day by the end of D+1 … D+60. A version counts from its commit on, where it was in force then: the sum
-- up to a moment is what core.interval_asof gives for it. One chain of selects, so that a filter on local_date reaches the files.
SELECT local_date, days_after::INTEGER AS days_after,
  n_usage_points_in::BIGINT AS n_usage_points_in, n_usage_points::BIGINT AS n_usage_points,
  n_usage_points_in::DOUBLE / NULLIF(n_usage_points, 0) AS usage_point_share,
  energy_kwh_in, energy_kwh, energy_kwh_in::DOUBLE / NULLIF(energy_kwh, 0)::DOUBLE AS energy_share
FROM (
  SELECT s.local_date, a.days_after,
    coalesce(sum(s.n_changed) FILTER (WHERE s.days <= a.days_after), 0) AS n_usage_points_in, sum(s.n_changed) AS n_usage_points,
    coalesce(sum(s.energy_kwh) FILTER (WHERE s.days <= a.days_after), 0) AS energy_kwh_in, sum(s.energy_kwh) AS energy_kwh
  FROM (
    SELECT local_date, days, sum(is_in - was_in) AS n_changed, sum(energy_kwh) AS energy_kwh
    FROM (
      SELECT *, coalesce(lag(is_in) OVER (PARTITION BY local_date, usage_point_id ORDER BY days), 0) AS was_in
      FROM (
        -- a usage point is in while all is there of the day that is there now
        SELECT local_date, usage_point_id, days, energy_kwh,
          CASE WHEN sum(seconds) OVER (PARTITION BY local_date, usage_point_id) > 0
            AND sum(seconds) OVER (PARTITION BY local_date, usage_point_id ORDER BY days)
              >= sum(seconds) OVER (PARTITION BY local_date, usage_point_id) THEN 1 ELSE 0 END AS is_in
        FROM (
          SELECT c.local_date, m.usage_point_id, date_diff('day', c.local_date, timezone({{time_zone}}, c.known_at)::DATE) AS days,
            sum(c.seconds - c.seconds_before) AS seconds, sum(c.energy_kwh - c.energy_kwh_before) AS energy_kwh
          FROM (
            SELECT *, coalesce(lag(seconds) OVER w, 0) AS seconds_before, coalesce(lag(energy_kwh) OVER w, 0) AS energy_kwh_before
            FROM (
              SELECT *, max(place) OVER (PARTITION BY local_date, series_key, start_at ORDER BY commit_id
                RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS winner
              FROM (
                SELECT local_date, series_key, start_at, commit_id, known_at,
                  CASE WHEN counts THEN duration_s ELSE 0 END AS seconds, CASE WHEN counts THEN abs(energy_kwh) ELSE 0 END AS energy_kwh,
                  row_number() OVER (PARTITION BY local_date, series_key, start_at ORDER BY {{order}}) AS place
                FROM (
                  SELECT h.*, k.known_at, NOT h.superseded AND h.energy_kwh IS NOT NULL AND h.flow_direction IN (1, 4, 19) AS counts
                  FROM {{history}} h JOIN ({{commits}}) k ON k.commit_id = h.commit_id
                )
              )
            )
            WHERE place = winner
            WINDOW w AS (PARTITION BY local_date, series_key, start_at ORDER BY commit_id)
          ) c
          JOIN ({{series}}) m ON m.series_key = c.series_key
          GROUP BY c.local_date, m.usage_point_id, date_diff('day', c.local_date, timezone({{time_zone}}, c.known_at)::DATE)
        )
      )
    )
    GROUP BY local_date, days
  ) s
  CROSS JOIN (SELECT unnest(range(1, 61)) AS days_after) a
  GROUP BY s.local_date, a.days_after
)
-- days that have begun when the lake was last told something
WHERE n_usage_points > 0 AND days_after <= date_diff('day', local_date, timezone({{time_zone}}, TIMESTAMPTZ {{newest}})::DATE)
