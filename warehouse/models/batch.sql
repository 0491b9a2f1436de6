-- The readings of one batch of units, what is current there, and which series need their whole timeline.
CREATE OR REPLACE TEMP TABLE arrived AS
SELECT i.*, u.unit, u.late_until IS NOT NULL AND (i.published_at IS NULL OR i.published_at <= u.late_until) AS late
FROM incoming i JOIN unit u ON u.dt = i.local_date AND i.series_key BETWEEN u.key_min AND u.key_max
WHERE i.local_date BETWEEN DATE '{{from}}' AND DATE '{{to}}' AND u.batch = {{batch}};

CREATE OR REPLACE TEMP VIEW standing AS {{standing}};

CREATE OR REPLACE TEMP TABLE hard_series AS
SELECT series_key FROM arrived WHERE late
UNION
SELECT series_key FROM (SELECT series_key, start_at FROM arrived GROUP BY ALL HAVING count(*) > 1)
UNION
SELECT series_key FROM series_duration WHERE duration_min <> duration_max
UNION
SELECT s.series_key FROM standing s JOIN series_duration d USING (series_key)
WHERE s.duration_s <> d.duration_min OR s.duration_s <> d.duration_max;
