-- What the readings in force say of the pairs looked at: where both have one of the same start, and when each was published.
CREATE OR REPLACE TEMP TABLE present AS
SELECT series_key, local_date, max(start_at) AS last_start_at FROM ({{intervals}})
WHERE series_key IN (SELECT series_key FROM looked_pair UNION ALL SELECT other_series_key FROM looked_pair)
GROUP BY series_key, local_date;

CREATE OR REPLACE TEMP TABLE present_both AS
SELECT p.series_key, p.other_series_key, a.local_date
FROM looked_pair p JOIN present a ON a.series_key = p.series_key
JOIN present b ON b.series_key = p.other_series_key AND b.local_date = a.local_date;

-- A publication that carries no date counts as the earliest, as everywhere.
CREATE OR REPLACE TEMP TABLE shared_day AS
WITH reading AS (
  SELECT series_key, local_date, start_at, duration_s, row(energy_kwh, value, CASE WHEN energy_kwh IS NULL THEN power_of_ten END) AS said,
    coalesce(published_at, TIMESTAMPTZ '1970-01-01 00:00:00+00') AS published_at
  FROM ({{intervals}})
  WHERE local_date IN (SELECT local_date FROM present_both)
    AND series_key IN (SELECT series_key FROM present_both UNION ALL SELECT other_series_key FROM present_both)
)
SELECT p.series_key, p.other_series_key, p.local_date,
  min(a.published_at) AS published_min, max(a.published_at) AS published_max,
  min(b.published_at) AS other_published_min, max(b.published_at) AS other_published_max,
  bool_or(a.said IS DISTINCT FROM b.said AND abs(epoch(a.published_at) - epoch(b.published_at)) < {{together_s}}) AS together_differ,
  bool_or(a.duration_s <> b.duration_s) AS lengths_differ
FROM present_both p
JOIN reading a ON a.series_key = p.series_key AND a.local_date = p.local_date
JOIN reading b ON b.series_key = p.other_series_key AND b.local_date = p.local_date AND b.start_at = a.start_at
GROUP BY p.series_key, p.other_series_key, p.local_date;

CREATE OR REPLACE TEMP TABLE judged_pair AS
WITH seen AS (
  SELECT series_key, max(last_start_at) AS last_start_at FROM present GROUP BY series_key
), shared AS (
  SELECT series_key, other_series_key, min(local_date) AS shared_from, max(local_date) AS shared_to,
    min(published_min) AS published_min, max(published_max) AS published_max,
    min(other_published_min) AS other_published_min, max(other_published_max) AS other_published_max,
    bool_or(together_differ) AS together_differ, bool_or(lengths_differ) AS lengths_differ
  FROM shared_day GROUP BY series_key, other_series_key
), gathered AS (
  SELECT p.series_key, p.other_series_key, p.usage_point_id,
    CASE WHEN d.series_key IS NOT NULL THEN d.decided ELSE k.decided END AS decided, coalesce(d.decided_at, k.decided_at) AS decided_at,
    least(k.shared_from, s.shared_from) AS shared_from, greatest(k.shared_to, s.shared_to) AS shared_to,
    least(k.published_min, s.published_min) AS published_min, greatest(k.published_max, s.published_max) AS published_max,
    least(k.other_published_min, s.other_published_min) AS other_published_min,
    greatest(k.other_published_max, s.other_published_max) AS other_published_max,
    coalesce(k.together_differ, false) OR coalesce(s.together_differ, false) AS together_differ,
    coalesce(k.lengths_differ, false) OR coalesce(s.lengths_differ, false) AS lengths_differ,
    -- where nothing of the one was looked at, it ends before the other begins
    greatest(k.last_start_at, coalesce(a.last_start_at, fa.first_start_at)) AS last_start_at,
    greatest(k.other_last_start_at, coalesce(b.last_start_at, fb.first_start_at)) AS other_last_start_at
  FROM looked_pair p
  LEFT JOIN known_pair k ON k.series_key = p.series_key AND k.other_series_key = p.other_series_key
  LEFT JOIN decision d ON d.series_key = p.series_key AND d.other_series_key = p.other_series_key
  LEFT JOIN shared s ON s.series_key = p.series_key AND s.other_series_key = p.other_series_key
  LEFT JOIN seen a ON a.series_key = p.series_key
  LEFT JOIN seen b ON b.series_key = p.other_series_key
  LEFT JOIN (SELECT series_key, max(first_start_at) AS first_start_at FROM series_begin GROUP BY series_key) fb ON fb.series_key = p.series_key
  LEFT JOIN (SELECT series_key, max(first_start_at) AS first_start_at FROM series_begin GROUP BY series_key) fa ON fa.series_key = p.other_series_key
), ruled AS (
  SELECT *, CASE
    WHEN shared_from IS NULL THEN 'not_beside'
    WHEN lengths_differ THEN 'lengths_differ'
    WHEN together_differ THEN 'both_go_on'
    WHEN published_max < other_published_min OR other_published_max < published_min THEN 'sent_again'
    WHEN abs(epoch(published_max) - epoch(other_published_max)) < {{together_s}} THEN 'same_values'
    ELSE 'publications_mixed' END AS rule
  FROM gathered
)
SELECT * EXCLUDE (rule), CASE WHEN decided IS NOT NULL THEN 'operator' ELSE rule END AS reason,
  CASE WHEN rule IN ('not_beside', 'sent_again') THEN 'one' WHEN rule = 'both_go_on' THEN 'two' ELSE 'ambiguous' END AS ruled,
  coalesce(decided, CASE WHEN rule IN ('not_beside', 'sent_again') THEN 'one' WHEN rule = 'both_go_on' THEN 'two' ELSE 'ambiguous' END)
    AS verdict
FROM ruled
