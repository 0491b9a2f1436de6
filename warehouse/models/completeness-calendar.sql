-- Operating days the lake has, with their first second and the first second after them (Unix time).
SELECT local_date, epoch_us(timezone({{time_zone}}, local_date::TIMESTAMP)) // 1000000 AS from_s,
  epoch_us(timezone({{time_zone}}, (local_date + 1)::TIMESTAMP)) // 1000000 AS to_s
FROM (SELECT DATE {{earliest_day}} + unnest(range(0, {{n_days}}))::INTEGER AS local_date)
