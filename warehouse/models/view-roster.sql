-- The roster in force, and how long nothing has come of each usage point.
SELECT * EXCLUDE (begin_date),
  CASE WHEN silent_since IS NOT NULL THEN DATE {{newest_day}} - silent_since + 1 END::INTEGER AS silent_days
FROM (
  SELECT *, CASE WHEN is_expected AND coalesce(last_reading_date < DATE {{newest_day}}, true)
    THEN greatest(last_reading_date + 1, begin_date, DATE {{first_day}}) END AS silent_since
  FROM (
    SELECT r.usage_point_id, r.customer_class, r.rate, r.city, r.from_date, r.to_date, r.as_of_date, e.last_date AS last_reading_date,
      coalesce(r.from_date, e.first_date, r.first_as_of_date) AS begin_date,
      {{n_days}} > 0 AND coalesce(r.from_date, e.first_date, r.first_as_of_date) <= DATE {{newest_day}}
        AND coalesce(r.to_date >= DATE {{newest_day}}, true) AND coalesce(a.ended_s >= {{end_s}}, true) AS is_expected
    FROM ({{roster_in_force}}) r
    LEFT JOIN (
      SELECT s.usage_point_id, min(x.local_date) AS first_date, max(x.local_date) AS last_date
      FROM {{receipts}} x JOIN ({{series}}) s ON s.series_key = x.series_key
      WHERE x.local_date BETWEEN DATE {{earliest_day}} AND DATE {{newest_day}}
      GROUP BY s.usage_point_id
    ) e ON e.usage_point_id = r.usage_point_id
    LEFT JOIN ({{agreement_end}}) a ON a.usage_point_id = r.usage_point_id
  )
)
