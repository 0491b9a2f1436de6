-- What waits after this commit: parked readings still without parents, and new ones.
SELECT p.* FROM parked p LEFT JOIN series_meaning m USING (load_id, series_key)
WHERE NOT coalesce(m.resolved, false)
UNION ALL BY NAME
SELECT b.series_key, r.start_at, r.duration_s, r.local_date, r.he_seq, r.he_clock, r.value,
  r.quality, NULLIF(c.codes, r.quality::VARCHAR) AS quality_codes, r.quality_source, r.tou, r.cpp, r.consumption_tier, r.cost,
  b.published_at, b.load_id, r.byte_offset, b.block_offset, b.meter_reading_href
FROM staged_readings r
JOIN block_meaning b ON b.load_no = r.load_no AND b.block_seq = r.block_seq
LEFT JOIN staged_codes c ON c.load_no = r.load_no AND c.byte_offset = r.byte_offset
WHERE NOT b.resolved
