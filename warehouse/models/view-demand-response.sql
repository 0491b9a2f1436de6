-- Enrolments in force. Dates whose description is a code are told by the codes in force.
WITH code AS (
  SELECT code, name, program_date_type FROM {{codes}}
  QUALIFY row_number() OVER (
    PARTITION BY code ORDER BY published_at DESC NULLS LAST, commit_id DESC, load_id DESC, byte_offset DESC) = 1
), program AS ({{programs}}
), dated AS (
  SELECT agreement_key, program_name, occurrence,
    min(instant) FILTER (WHERE kind = 'CUST_DR_PROGRAM_ENROLLMENT_DATE') AS enrolled_at,
    min(instant) FILTER (WHERE kind = 'CUST_DR_PROGRAM_DE_ENROLLMENT_DATE') AS unenrolled_at,
    min(instant) FILTER (WHERE kind = 'CUST_DR_PROGRAM_TERM_DATE_REGARDLESS_FINANCIAL') AS end_regardless_at,
    min(instant) FILTER (WHERE kind = 'CUST_DR_PROGRAM_TERM_DATE_WITHOUT_FINANCIAL') AS end_without_at
  FROM (
    SELECT p.agreement_key, p.program_name, p.occurrence, (d ->> 'at')::TIMESTAMPTZ AS instant, c.program_date_type AS kind
    FROM (SELECT agreement_key, program_name, occurrence, unnest(from_json(dates, '["JSON"]')) AS d FROM program) p
    JOIN code c ON (d ->> 'description') IN (c.code, c.name)
  )
  GROUP BY ALL
)
SELECT p.* REPLACE (
  coalesce(p.enrolled_at, d.enrolled_at) AS enrolled_at, coalesce(p.unenrolled_at, d.unenrolled_at) AS unenrolled_at,
  coalesce(p.end_regardless_at, d.end_regardless_at) AS end_regardless_at, coalesce(p.end_without_at, d.end_without_at) AS end_without_at)
FROM program p
JOIN program f ON f.agreement_key = p.agreement_key AND f.program_name = p.program_name AND f.occurrence = 1
LEFT JOIN dated d ON d.agreement_key = p.agreement_key AND d.program_name = p.program_name AND d.occurrence = p.occurrence
-- an entry with fewer programs of a name withdraws those beyond
WHERE p.occurrence <= f.n_occurrences
