-- Current rows: of each interval that was corrected since its day was written the latest row of the overlay, of all others that of the day.
(SELECT {{columns}} FROM {{untouched}}
UNION ALL
SELECT {{columns}} FROM {{corrected}} f
ANTI JOIN (SELECT local_date, series_key, start_at FROM {{overlay}} WHERE in_day) o
  ON o.local_date = f.local_date AND o.series_key = f.series_key AND o.start_at = f.start_at
UNION ALL
SELECT {{columns}} FROM (
  SELECT * FROM {{overlay}}
  QUALIFY row_number() OVER (PARTITION BY local_date, series_key, start_at ORDER BY overlay_commit DESC) = 1
) WHERE NOT withdrawn)
