
  UNION ALL
  SELECT usage_point_id, NULL, -100000000000, known_at, coalesce(from_date, as_of_date), to_date FROM {{roster}}
