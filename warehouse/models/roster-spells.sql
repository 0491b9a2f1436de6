-- The roster in seconds (Unix time); NULL: no such bound.
SELECT usage_point_id, from_date, to_date, epoch_us(timezone({{time_zone}}, from_date::TIMESTAMP)) // 1000000 AS from_s,
  epoch_us(timezone({{time_zone}}, (to_date + 1)::TIMESTAMP)) // 1000000 AS to_s,
  epoch_us(timezone({{time_zone}}, first_as_of_date::TIMESTAMP)) // 1000000 AS since_s
FROM ({{roster_in_force}})
