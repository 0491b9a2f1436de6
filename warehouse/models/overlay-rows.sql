-- What a batch changes beside the files of its days: rows in force, and those that are withdrawn.
WITH changed AS (
  SELECT *, {{commit}}::BIGINT AS commit_id, false AS superseded FROM easy
  UNION ALL BY NAME
  SELECT * FROM hard_state
)
SELECT {{columns}}, v.superseded AS withdrawn, coalesce(o.in_day, s.series_key IS NOT NULL) AS in_day, {{commit}}::BIGINT AS overlay_commit
FROM changed v
LEFT JOIN overlay_row o ON o.local_date = v.local_date AND o.series_key = v.series_key AND o.start_at = v.start_at
LEFT JOIN standing s ON s.series_key = v.series_key AND s.start_at = v.start_at
ORDER BY v.local_date, v.series_key, v.start_at
