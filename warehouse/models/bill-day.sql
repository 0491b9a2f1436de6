-- The days a period may touch in any time zone: so that readings are met by equality, and days no bill touches are not read.
SELECT summary_id, usage_point_id, newest, start_s, end_s, compared_uom,
  DATE '1970-01-01' + unnest(range(start_s // 86400 - 1, end_s // 86400 + 2))::INTEGER AS local_date
FROM {{bills}} WHERE start_s IS NOT NULL
