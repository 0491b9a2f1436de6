-- Usage points whose agreement is over or is to end, and since when: by the date last told, else since its status was first told.
SELECT usage_point_id, epoch_us(coalesce(ended_at, told_at, closed_at)) // 1000000 AS ended_s
FROM (
  SELECT *, arg_max(ended_at, coalesce(epoch_us(published_at), 0)) OVER (PARTITION BY usage_point_id) AS told_at,
    min(published_at) FILTER (WHERE is_closed) OVER (PARTITION BY usage_point_id) AS closed_at
  FROM {{agreements}}
  QUALIFY row_number() OVER (
    PARTITION BY usage_point_id ORDER BY published_at DESC NULLS LAST, commit_id DESC, load_id DESC, byte_offset DESC) = 1
)
WHERE (is_closed OR ended_at IS NOT NULL) AND coalesce(ended_at, told_at, closed_at) IS NOT NULL
