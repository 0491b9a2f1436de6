
  UNION ALL
  SELECT usage_point_id, NULL, -100000000000, known_at, from_date, to_date FROM {{roster}}
