-- Each bill: is its period revenue quality, and since when is that known here.
WITH bill AS ({{bill}}
), told AS (
  SELECT b.*, i.* EXCLUDE (summary_id),
    -- the bill speaks of the intervals as they were when it was asked for: newer ones overrule it
    b.quality_of_reading IS NULL OR coalesce(i.interval_published_at > coalesce(b.status_at, b.published_at), false) AS bill_is_silent,
    coalesce(sum(i.n_validated) OVER (PARTITION BY b.usage_point_id), 0) = 0 AS never_validated
  FROM bill b LEFT JOIN ({{bill_interval}}) i ON i.summary_id = b.summary_id
), judged AS (
  SELECT *, CASE WHEN start_s IS NULL THEN 'no_period'
      WHEN coalesce(n_intervals, 0) = 0 THEN 'no_intervals'
      WHEN n_intervals < n_expected THEN 'incomplete'
      WHEN n_raw = n_intervals AND quality_of_reading = 14 AND never_validated AND coalesce(total_quality, 14) IN (14, 19) THEN 'raw_taken_for_mv90'
      WHEN n_revenue < n_intervals THEN 'intervals_not_revenue'
      WHEN NOT bill_is_silent AND quality_of_reading <> 19 THEN 'bill_not_revenue'
      WHEN total_quality <> 19 THEN 'total_not_revenue'
      ELSE 'revenue' END AS quality_basis
  FROM told
), good AS (
  SELECT * FROM judged WHERE quality_basis IN ('revenue', 'raw_taken_for_mv90')
), since AS (
  -- of each interval the run of versions that carry the quality in force: its first commit; then the latest of the intervals
  SELECT summary_id, max(commit_id) AS commit_id FROM (
    SELECT summary_id, arg_max(tail_commit_id, nth) FILTER (WHERE kind IS DISTINCT FROM kind_before) AS commit_id, arg_max(kind, nth) AS kind
    FROM (
      SELECT *, row_number() OVER version AS nth, lag(kind) OVER version AS kind_before,
        min(commit_id) OVER (version ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS tail_commit_id
      FROM (
        SELECT p.summary_id, p.newest, h.series_key, h.start_at, h.published_at, h.commit_id, h.load_id, h.byte_offset,
          CASE WHEN h.superseded THEN -1 WHEN h.quality IN (14, 19) THEN h.quality ELSE 0 END AS kind
        FROM {{history}} h JOIN ({{series}}) m ON m.series_key = h.series_key
        JOIN ({{bill_day}}) p ON p.usage_point_id = m.usage_point_id AND p.local_date = h.local_date
        WHERE epoch_us(h.start_at) + h.duration_s::BIGINT * 500000 >= p.start_s * 1000000
          AND epoch_us(h.start_at) + h.duration_s::BIGINT * 500000 < p.end_s * 1000000
          -- a row that only withdraws carries no unit
          AND (h.superseded OR h.uom = p.compared_uom)
      ) v
      -- `newest` numbers the bills of a usage point, and the series says which that is
      WINDOW version AS (PARTITION BY newest, series_key, start_at ORDER BY published_at NULLS FIRST, commit_id, load_id, byte_offset)
    ) w
    GROUP BY summary_id, series_key, start_at
  ) x
  WHERE kind IN (14, 19)
  GROUP BY summary_id
)
SELECT j.usage_point_id, j.summary_id, j.billing_start_at, j.billing_end_at, j.displaced IS NULL AS is_in_force,
  coalesce(j.n_intervals, 0) AS n_intervals, j.n_expected, coalesce(j.n_revenue, 0) AS n_revenue, coalesce(j.n_raw, 0) AS n_raw,
  coalesce(j.n_estimated, 0) AS n_estimated,
  CASE WHEN j.n_intervals > 0 THEN {{interval_quality_class}} END AS interval_quality_class,
  j.quality_of_reading AS bill_quality, CASE WHEN j.quality_of_reading IS NOT NULL THEN {{bill_quality_class}} END AS bill_quality_class,
  j.total_quality, CASE WHEN j.total_quality IS NOT NULL THEN {{total_quality_class}} END AS total_quality_class,
  CASE WHEN j.quality_basis IN ('no_period', 'no_intervals') THEN NULL
    ELSE j.quality_basis IN ('revenue', 'raw_taken_for_mv90') END AS is_revenue_quality,
  j.quality_basis, k.known_at AS revenue_since_at
FROM judged j LEFT JOIN since s ON s.summary_id = j.summary_id
LEFT JOIN ({{commits}}) k ON k.commit_id = greatest(s.commit_id, CASE WHEN s.commit_id IS NOT NULL THEN j.said_commit_id END)
