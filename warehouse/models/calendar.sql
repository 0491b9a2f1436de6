-- Local days that staged readings touch, with their first second and the first second after them (Unix time).
CREATE OR REPLACE TEMP TABLE calendar AS
SELECT day::DATE AS dt,
  epoch_us(timezone({{time_zone}}, day)) // 1000000 AS from_s,
  epoch_us(timezone({{time_zone}}, day + INTERVAL 1 DAY)) // 1000000 AS to_s
FROM generate_series(TIMESTAMP '{{from}}', TIMESTAMP '{{to}}', INTERVAL 1 DAY) AS days(day)
