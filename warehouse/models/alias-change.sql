-- Which series are counted as which, at the usage points of the pairs judged. Several ids are one series where every two of them are:
-- two meters whose ids both change could be paired either way, so nothing is joined there.
CREATE OR REPLACE TEMP TABLE settled_alias AS
WITH pair AS (
  SELECT series_key, other_series_key, usage_point_id, verdict, decided FROM judged_pair
  UNION ALL
  SELECT k.series_key, k.other_series_key, k.usage_point_id, k.verdict, k.decided
  FROM known_pair k SEMI JOIN judged_pair u ON u.usage_point_id = k.usage_point_id
  ANTI JOIN judged_pair j ON j.series_key = k.series_key AND j.other_series_key = k.other_series_key
), both_ways AS (
  SELECT series_key, other_series_key, usage_point_id, verdict, decided FROM pair
  UNION ALL SELECT other_series_key, series_key, usage_point_id, verdict, decided FROM pair
), by_operator AS (
  -- what an operator joins is joined to nothing else by the rule
  SELECT DISTINCT series_key FROM both_ways WHERE decided = 'one'
), edge AS (
  SELECT series_key, other_series_key, usage_point_id, decided IS NOT NULL AS is_decided FROM both_ways
  WHERE verdict = 'one' AND (decided IS NOT NULL
    OR series_key NOT IN (FROM by_operator) AND other_series_key NOT IN (FROM by_operator))
  UNION ALL
  SELECT DISTINCT series_key, series_key, usage_point_id, false FROM both_ways
), neighbour AS (
  SELECT series_key, usage_point_id, list_sort(list(other_series_key)) AS members, bool_or(is_decided) AS is_decided
  FROM edge GROUP BY series_key, usage_point_id
), agreed AS (
  SELECT e.series_key, bool_and(o.members = n.members) AS is_agreed
  FROM edge e JOIN neighbour n ON n.series_key = e.series_key JOIN neighbour o ON o.series_key = e.other_series_key
  GROUP BY e.series_key
), prior AS (
  SELECT series_key, canonical_series_key FROM ({{alias}})
  QUALIFY row_number() OVER (PARTITION BY series_key ORDER BY commit_id DESC) = 1
), first_of AS (
  -- the one others are counted as already, else the one that begins first
  SELECT e.series_key, e.other_series_key AS canonical_series_key
  FROM edge e
  LEFT JOIN (SELECT DISTINCT canonical_series_key AS series_key FROM prior WHERE canonical_series_key <> series_key) c
    ON c.series_key = e.other_series_key
  LEFT JOIN (SELECT series_key, min(first_start_at) AS first_start_at FROM series_begin GROUP BY series_key) b
    ON b.series_key = e.other_series_key
  QUALIFY row_number() OVER (PARTITION BY e.series_key ORDER BY c.series_key IS NULL, b.first_start_at, e.other_series_key) = 1
)
SELECT n.series_key, n.usage_point_id, CASE WHEN n.is_decided THEN 'operator' ELSE 'rule' END AS decided_by,
  CASE WHEN a.is_agreed THEN f.canonical_series_key ELSE n.series_key END AS canonical_series_key,
  coalesce(p.canonical_series_key, n.series_key) AS canonical_before
FROM neighbour n JOIN agreed a ON a.series_key = n.series_key JOIN first_of f ON f.series_key = n.series_key
LEFT JOIN prior p ON p.series_key = n.series_key;

-- What calls for an operator: one row per pair, when it comes to that.
INSERT INTO attention
SELECT m.load_id, 'SERIES_AMBIGUOUS', 'warn', 'MeterReading', m.href, m.byte_offset, m.byte_offset, '',
  'series ' || j.series_key || ' and ' || j.other_series_key || ' of one usage point mean the same (' || j.reason
    || '): counted as two; decide with `meterlake alias set`', {{commit}}::BIGINT
FROM judged_pair j
JOIN settled_alias a ON a.series_key = j.series_key JOIN settled_alias b ON b.series_key = j.other_series_key
LEFT JOIN known_pair k ON k.series_key = j.series_key AND k.other_series_key = j.other_series_key
JOIN (
  -- named by the MeterReading that came last
  SELECT p.series_key, p.other_series_key, m.load_id, m.href, m.byte_offset
  FROM (
    SELECT series_key, other_series_key, unnest([series_key, other_series_key]) AS named FROM judged_pair
  ) p JOIN all_meter_reading m ON m.series_key = p.named
  QUALIFY row_number() OVER (PARTITION BY p.series_key, p.other_series_key ORDER BY m.commit_id DESC, m.load_id DESC, m.byte_offset DESC) = 1
) m ON m.series_key = j.series_key AND m.other_series_key = j.other_series_key
WHERE (j.verdict = 'ambiguous' OR j.verdict = 'one' AND j.decided IS NULL AND a.canonical_series_key <> b.canonical_series_key)
  AND k.verdict IS DISTINCT FROM j.verdict
