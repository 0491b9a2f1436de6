-- Rows of two tables of the same columns that differ, by day: on one side only, or on both under one key with other contents.
WITH here AS (
  SELECT {{columns}} FROM ({{here}}) WHERE {{condition}}
), there AS (
  SELECT {{columns}} FROM ({{there}}) WHERE {{condition}}
), keyed AS (
  SELECT {{day}} AS day, {{key}} AS key, 1 AS n_here, 0 AS n_there FROM (FROM here EXCEPT ALL FROM there)
  UNION ALL
  SELECT {{day}}, {{key}}, 0, 1 FROM (FROM there EXCEPT ALL FROM here)
), counted AS (
  SELECT day, key, sum(n_here) AS n_here, sum(n_there) AS n_there FROM keyed GROUP BY ALL
)
SELECT day, sum(greatest(n_here - n_there, 0))::INTEGER AS only_here, sum(greatest(n_there - n_here, 0))::INTEGER AS only_there,
  sum(least(n_here, n_there))::INTEGER AS changed
FROM counted GROUP BY day ORDER BY day
