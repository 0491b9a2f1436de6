-- The readings of one batch of units, what is current there, and which series need their whole timeline.
CREATE TABLE arrived AS
SELECT i.*, u.unit, u.late_until IS NOT NULL AND (i.published_at IS NULL OR i.published_at <= u.late_until) AS late
FROM incoming i JOIN unit u ON u.dt = i.local_date AND i.series_key BETWEEN u.key_min AND u.key_max
WHERE i.local_date BETWEEN DATE '{{from}}' AND DATE '{{to}}' AND i.series_key BETWEEN {{key_min}} AND {{key_max}} AND u.batch = {{batch}}
ORDER BY u.unit, i.series_key, i.start_at;

CREATE {{standing}};

-- Series whose lengths or starts are not all alike: only there can readings overlap.
CREATE OR REPLACE TEMP TABLE uneven AS
SELECT series_key FROM series_duration WHERE duration_min <> duration_max
UNION
SELECT s.series_key FROM standing s JOIN series_duration d USING (series_key)
WHERE s.duration_s <> d.duration_min OR s.duration_s <> d.duration_max
UNION
SELECT series_key FROM (
  SELECT series_key, start_at, duration_s FROM arrived UNION ALL
  SELECT series_key, start_at, duration_s FROM standing SEMI JOIN arrived USING (series_key)
)
WHERE duration_s > 0
GROUP BY series_key HAVING min(epoch(start_at)::BIGINT % duration_s) <> max(epoch(start_at)::BIGINT % duration_s);

CREATE OR REPLACE TEMP TABLE hard_series AS
SELECT series_key FROM arrived WHERE late
UNION
SELECT series_key FROM (SELECT series_key, start_at FROM arrived GROUP BY ALL HAVING count(*) > 1)
UNION
-- a longer one of the days before that reaches over an arrival
SELECT a.series_key FROM arrived a JOIN ({{before}}) b
  ON b.series_key = a.series_key AND b.start_at < a.start_at AND b.start_at + to_seconds(b.duration_s) > a.start_at
UNION
SELECT series_key FROM (
  SELECT series_key, start_at, max(start_at + to_seconds(duration_s)) OVER (
    PARTITION BY series_key ORDER BY start_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached_at
  FROM (
    SELECT series_key, start_at, duration_s FROM arrived SEMI JOIN uneven USING (series_key)
    UNION
    SELECT series_key, start_at, duration_s FROM standing SEMI JOIN uneven USING (series_key)
    UNION
    -- of this commit too, those of the days before
    SELECT series_key, start_at, duration_s FROM ({{arriving_before}}) SEMI JOIN uneven USING (series_key)
  )
) WHERE reached_at > start_at;
