-- Loads whose counts in the ledger are not what history and receipts hold of them, one row per load and count.
WITH load AS (
  SELECT *, n_new + n_revised + n_late AS n_said FROM ({{load}}) WHERE status <> 'failed'
), written AS (
  -- what a commit wrote of its own: rows that it wrote for repeats of earlier commits keep those commits' numbers
  SELECT load_id, commit_id, count(*) FILTER (NOT superseded) AS n_versions, count(*) FILTER (superseded) AS n_withdrawn
  FROM ({{history}}) WHERE commit_id = regexp_extract(filename, '(\d+)-[0-9a-z]+\.parquet$', 1)::BIGINT
  GROUP BY ALL
), received AS (
  SELECT load_id, commit_id, sum(n_readings)::BIGINT AS n_received FROM ({{receipts}}) GROUP BY ALL
), contradicted AS (
  SELECT DISTINCT load_id FROM ({{quarantine}}) WHERE rule = 'READING_CONFLICT'
), momentary AS (
  SELECT DISTINCT load_id FROM ({{drift}}) WHERE name = 'IntervalReading duration 0'
), counted AS (
  SELECT l.*, coalesce(w.n_versions, 0) AS n_versions, coalesce(w.n_withdrawn, 0) AS n_withdrawn, coalesce(r.n_received, 0) AS n_received,
    load_id IN (FROM contradicted) AS is_contradicted, load_id IN (FROM momentary) AS is_momentary
  FROM load l
  LEFT JOIN written w USING (load_id, commit_id)
  LEFT JOIN received r USING (load_id, commit_id)
)
SELECT load_id, commit_id::INTEGER AS commit_id, problem FROM (
  SELECT load_id, commit_id, 'it brought ' || n_said || ' new, revised and late readings, history holds ' || n_versions AS problem
  FROM counted WHERE n_versions < n_said OR n_versions > n_said + CASE WHEN is_contradicted THEN n_unchanged ELSE 0 END
  UNION ALL
  SELECT load_id, commit_id, 'it withdrew ' || n_superseded || ' readings, history holds ' || n_withdrawn || ' withdrawals'
  FROM counted WHERE n_withdrawn <> n_superseded
  UNION ALL
  SELECT load_id, commit_id, 'of its ' || n_readings || ' readings ' || (n_said + n_unchanged + n_parked) || ' are accounted for'
  FROM counted WHERE n_said + n_unchanged + n_parked > n_readings OR (n_quarantined = 0 AND n_said + n_unchanged + n_parked < n_readings)
  UNION ALL
  SELECT load_id, commit_id, 'receipts hold ' || n_received || ' of its readings, the ledger counts ' || (n_said + n_unchanged)
  FROM counted WHERE n_received <> n_said + n_unchanged AND NOT is_momentary
  UNION ALL
  SELECT load_id, max(commit_id), count(*) || ' versions are of a load that is not in the ledger'
  FROM ({{history}}) WHERE load_id NOT IN (SELECT load_id FROM load) GROUP BY load_id
) WHERE commit_id >= {{since}}
ORDER BY ALL
