-- What the readings in force say of the pairs looked at: where both have one of the same start, and when each was published.
CREATE OR REPLACE TEMP TABLE present AS
SELECT series_key, local_date, max(start_at) AS last_start_at FROM ({{intervals}})
WHERE series_key IN (SELECT series_key FROM looked_pair UNION ALL SELECT other_series_key FROM looked_pair)
GROUP BY series_key, local_date;

-- Groups, not joins of readings with readings: the engine might begin those with all that share a start.
CREATE OR REPLACE TEMP TABLE present_both AS
SELECT p.series_key, p.other_series_key, r.local_date
FROM (SELECT series_key, other_series_key, unnest([series_key, other_series_key]) AS named FROM looked_pair) p
JOIN present r ON r.series_key = p.named
GROUP BY p.series_key, p.other_series_key, r.local_date HAVING count(*) = 2;

CREATE OR REPLACE TEMP TABLE shared_day AS
SELECT series_key, other_series_key, local_date,
  min(published_at) AS published_min, max(published_at) AS published_max,
  min(other_published_at) AS other_published_min, max(other_published_at) AS other_published_max,
  bool_or(differs AND abs(epoch(published_at) - epoch(other_published_at)) < {{together_s}}) AS together_differ,
  bool_or(lengths_differ) AS lengths_differ
FROM (
  SELECT p.series_key, p.other_series_key, p.local_date, r.start_at,
    max(r.published_at) FILTER (WHERE r.series_key = p.series_key) AS published_at,
    max(r.published_at) FILTER (WHERE r.series_key = p.other_series_key) AS other_published_at,
    min(r.duration_s) <> max(r.duration_s) AS lengths_differ,
    min(r.duration_s) <> max(r.duration_s) OR CASE count(r.energy_kwh) WHEN 2 THEN min(r.energy_kwh) <> max(r.energy_kwh) WHEN 1 THEN true
      ELSE (min(r.value), min(r.power_of_ten)) IS DISTINCT FROM (max(r.value), max(r.power_of_ten)) END AS differs
  FROM (SELECT *, unnest([series_key, other_series_key]) AS named FROM present_both) p
  JOIN (
    -- a publication that carries no date counts as the earliest, as everywhere
    SELECT series_key, local_date, start_at, duration_s, energy_kwh, value, power_of_ten,
      coalesce(published_at, TIMESTAMPTZ '1970-01-01 00:00:00+00') AS published_at
    FROM ({{intervals}}) WHERE local_date IN (SELECT local_date FROM present_both)
  ) r ON r.series_key = p.named AND r.local_date = p.local_date
  GROUP BY p.series_key, p.other_series_key, p.local_date, r.start_at HAVING count(*) = 2
)
GROUP BY series_key, other_series_key, local_date;

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
    -- where nothing of the one was looked at, it ends before both have begun
    greatest(k.last_start_at, coalesce(a.last_start_at, p.begins_at)) AS last_start_at,
    greatest(k.other_last_start_at, coalesce(b.last_start_at, p.begins_at)) AS other_last_start_at
  FROM looked_pair p
  LEFT JOIN known_pair k ON k.series_key = p.series_key AND k.other_series_key = p.other_series_key
  LEFT JOIN decision d ON d.series_key = p.series_key AND d.other_series_key = p.other_series_key
  LEFT JOIN shared s ON s.series_key = p.series_key AND s.other_series_key = p.other_series_key
  LEFT JOIN seen a ON a.series_key = p.series_key
  LEFT JOIN seen b ON b.series_key = p.other_series_key
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
