-- What was received: the runs of all resolved blocks, cut at local midnights; and one row per reading that was parked.
WITH run AS (
  SELECT b.series_key, b.published_at, b.load_id, b.block_offset, r.start_s, r.duration_s::BIGINT AS duration_s, r.n_readings
  FROM staged_block_run r JOIN block_meaning b ON b.load_no = r.load_no AND b.block_seq = r.block_seq
  WHERE b.resolved AND r.duration_s > 0
), day_run AS (
  SELECT run.*, c.dt,
    greatest(0, (c.from_s - run.start_s + run.duration_s - 1) // run.duration_s) AS first_no,
    least(run.n_readings, (c.to_s - run.start_s + run.duration_s - 1) // run.duration_s) AS end_no
  FROM run JOIN calendar c ON c.to_s > run.start_s AND c.from_s < run.start_s + run.n_readings * run.duration_s
)
SELECT series_key, to_timestamp(start_s + first_no * duration_s) AS start_at, duration_s::INTEGER AS duration_s, dt AS local_date,
  to_timestamp(start_s + end_no * duration_s) AS end_at, (end_no - first_no)::INTEGER AS n_readings,
  published_at, load_id, {{commit}}::BIGINT AS commit_id, block_offset AS byte_offset
FROM day_run WHERE end_no > first_no
UNION ALL
SELECT p.series_key, p.start_at, p.duration_s, p.local_date, p.start_at + to_seconds(p.duration_s), 1,
  p.published_at, p.load_id, {{commit}}::BIGINT, p.block_offset
FROM parked p JOIN series_meaning m USING (load_id, series_key)
WHERE m.resolved
ORDER BY local_date, series_key, start_at
