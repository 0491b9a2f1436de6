-- Of series that need their whole timeline, the other days too.
INSERT INTO standing
SELECT s.* FROM ({{standing}}) s
SEMI JOIN hard_series h ON h.series_key = s.series_key
ANTI JOIN (SELECT DISTINCT local_date, series_key FROM arrived) a ON a.local_date = s.local_date AND a.series_key = s.series_key
