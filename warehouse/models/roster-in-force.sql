-- The days each usage point should have data: what the newest roster that names it says, up to the first one that names it no more.
SELECT r.usage_point_id, r.customer_class, r.rate, r.city, r.from_date, least(r.to_date, g.as_of_date - 1) AS to_date,
  r.as_of_date, n.first_as_of_date
FROM {{roster}} r
JOIN (SELECT as_of_date, max(commit_id) AS commit_id FROM {{roster}} GROUP BY as_of_date) f
  ON f.as_of_date = r.as_of_date AND f.commit_id = r.commit_id
JOIN (
  SELECT usage_point_id, max(r.as_of_date) AS as_of_date, min(r.as_of_date) AS first_as_of_date
  FROM {{roster}} r JOIN (SELECT as_of_date, max(commit_id) AS commit_id FROM {{roster}} GROUP BY as_of_date) f
    ON f.as_of_date = r.as_of_date AND f.commit_id = r.commit_id
  GROUP BY usage_point_id
) n ON n.usage_point_id = r.usage_point_id AND n.as_of_date = r.as_of_date
LEFT JOIN (
  SELECT a.as_of_date AS last_date, min(b.as_of_date) AS as_of_date
  FROM (SELECT DISTINCT as_of_date FROM {{roster}}) a JOIN (SELECT DISTINCT as_of_date FROM {{roster}}) b ON b.as_of_date > a.as_of_date
  GROUP BY a.as_of_date
) g ON g.last_date = r.as_of_date
WHERE coalesce(r.from_date <= least(r.to_date, g.as_of_date - 1), true)
