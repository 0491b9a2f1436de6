-- The roster in force with the last day anything came of each usage point.
SELECT r.usage_point_id, r.customer_class, r.rate, r.city, r.from_date, r.to_date, r.as_of_date, e.last_date AS last_reading_date,
  CASE WHEN {{n_days}} > 0 AND coalesce(e.last_date, DATE '1970-01-01') < DATE {{newest_day}}
      AND coalesce(r.from_date, r.first_as_of_date) <= DATE {{newest_day}} AND coalesce(r.to_date >= DATE {{newest_day}}, true)
      AND coalesce(a.ended_s >= {{end_s}}, true)
    THEN greatest(e.last_date + 1, coalesce(r.from_date, r.first_as_of_date), DATE {{first_day}}) END AS silent_since
FROM ({{roster_in_force}}) r
LEFT JOIN (
  SELECT s.usage_point_id, max(x.local_date) AS last_date
  FROM {{receipts}} x JOIN ({{series}}) s ON s.series_key = x.series_key
  WHERE x.local_date <= DATE {{newest_day}}
  GROUP BY s.usage_point_id
) e ON e.usage_point_id = r.usage_point_id
LEFT JOIN ({{agreement_end}}) a ON a.usage_point_id = r.usage_point_id
