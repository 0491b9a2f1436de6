-- Usage points whose agreement is over or is to end, and since when: by the date last told, else since its status was first told.
SELECT v.usage_point_id, epoch_us(coalesce(v.ended_at, t.told_at, t.closed_at)) // 1000000 AS ended_s
FROM ({{agreement}}) v
JOIN (
  SELECT usage_point_id, arg_max(ended_at, coalesce(epoch_us(published_at), 0)) AS told_at, min(published_at) FILTER (WHERE is_closed) AS closed_at
  FROM {{agreements}} GROUP BY usage_point_id
) t ON t.usage_point_id = v.usage_point_id
WHERE (v.is_closed OR v.ended_at IS NOT NULL) AND coalesce(v.ended_at, t.told_at, t.closed_at) IS NOT NULL
