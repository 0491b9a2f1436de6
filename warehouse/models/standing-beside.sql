-- Of files that stay as they are: the current rows of the series that come, on the days they come for.
SELECT s.* FROM ({{standing}}) s
SEMI JOIN (SELECT DISTINCT local_date, series_key FROM arrived) a ON a.local_date = s.local_date AND a.series_key = s.series_key
