-- One row per bill with a period: what the intervals of the period say, in the unit of the bill. Reads `bill`.
WITH bill_day AS ({{bill_day}}
), series_sum AS (
  SELECT summary_id, series_key, flow, is_compared, min(start_s) AS start_s, min(end_s) AS end_s,
    count(*) AS n, sum(duration_s)::BIGINT AS covered_s, coalesce(min(duration_s) FILTER (WHERE duration_s > 0), 3600)::BIGINT AS shortest_s,
    min(from_s) AS from_s, max(from_s + duration_s) AS to_s, sum(quantity) AS quantity, count(*) FILTER (WHERE quantity IS NULL) AS n_unknown,
    count(*) FILTER (WHERE quality = 19) AS n_revenue, count(*) FILTER (WHERE quality = 14) AS n_raw,
    count(*) FILTER (WHERE quality IN (8, 9)) AS n_estimated, count(*) FILTER (WHERE quality IN (0, 7, 17, 18, 19)) AS n_validated,
    max(quality_rank) AS quality_rank, max(published_at) AS published_at
  FROM (
    SELECT p.summary_id, p.start_s, p.end_s, v.series_key, v.duration_s, v.quality, v.published_at, {{quality_rank}} AS quality_rank,
      epoch_us(v.start_at) // 1000000 AS from_s, CASE WHEN v.uom = 72 THEN v.flow_direction ELSE coalesce(v.flow_direction, 1) END AS flow,
      coalesce(v.uom = p.compared_uom AND (v.uom <> 72 OR v.energy_rule IN (0, 5) AND v.flow_direction IS NOT NULL), false) AS is_compared,
      CASE WHEN v.uom = 72 THEN v.energy_kwh::DECIMAL(38,12) ELSE {{quantity}} END AS quantity
    FROM {{current}} v JOIN ({{series}}) m ON m.series_key = v.series_key
    JOIN bill_day p ON p.usage_point_id = m.usage_point_id AND p.local_date = v.local_date
    -- an interval is of the period its middle lies in: gas days begin a second late
    WHERE epoch_us(v.start_at) + v.duration_s::BIGINT * 500000 >= p.start_s * 1000000
      AND epoch_us(v.start_at) + v.duration_s::BIGINT * 500000 < p.end_s * 1000000
  ) x
  GROUP BY summary_id, series_key, flow, is_compared
), lane AS (
  -- series of one direction that go on beside each other: two meters are two, a meter and the one it was exchanged for are one
  SELECT summary_id, flow, max(n) AS lanes FROM (
    SELECT a.summary_id, a.flow, a.series_key, count(*) AS n
    FROM series_sum a JOIN series_sum b ON b.summary_id = a.summary_id AND b.flow = a.flow AND b.is_compared
    WHERE a.is_compared AND b.from_s <= a.from_s AND (b.to_s > a.from_s OR b.series_key = a.series_key)
    GROUP BY a.summary_id, a.flow, a.series_key
  ) l
  GROUP BY summary_id, flow
), flow_sum AS (
  SELECT s.summary_id, s.flow, sum(s.n) AS n, sum(s.covered_s) AS covered_s, min(s.shortest_s) AS shortest_s, min(l.lanes) AS lanes,
    CASE WHEN sum(s.n_unknown) = 0 THEN sum(s.quantity) END AS quantity, sum(s.n_revenue) AS n_revenue, sum(s.n_raw) AS n_raw,
    sum(s.n_estimated) AS n_estimated, sum(s.n_validated) AS n_validated, max(s.quality_rank) AS quality_rank, max(s.published_at) AS published_at
  FROM series_sum s JOIN lane l ON l.summary_id = s.summary_id AND l.flow = s.flow
  WHERE s.is_compared
  GROUP BY s.summary_id, s.flow
), channel AS (
  SELECT usage_point_id, epoch_us(min(first_start_at) FILTER (WHERE flow_direction = 19)) // 1000000 AS received_from_s,
    epoch_us(min(first_start_at) FILTER (WHERE flow_direction = 4)) // 1000000 AS net_from_s
  FROM {{channel}} GROUP BY usage_point_id
), basis AS (
  SELECT b.*, greatest(b.start_s, c.received_from_s) AS received_from_s,
    CASE WHEN b.billed_flow_direction = 1 THEN 'delivered_only' WHEN b.billed_flow_direction = 19 THEN 'received_only'
      WHEN b.compared_uom <> 72 THEN 'delivered_only'
      WHEN c.received_from_s < b.end_s THEN 'both' WHEN c.net_from_s < b.end_s THEN 'net_channel' ELSE 'delivered_only' END AS interval_basis
  FROM bill b LEFT JOIN channel c ON c.usage_point_id = b.usage_point_id
  WHERE b.start_s IS NOT NULL
), wanted AS (
  SELECT *, unnest(CASE interval_basis WHEN 'both' THEN [1, 19] WHEN 'net_channel' THEN [4] WHEN 'received_only' THEN [19] ELSE [1] END) AS flow
  FROM basis
), met AS (
  SELECT w.summary_id, w.interval_basis, w.flow, coalesce(f.n, 0) AS n, f.quantity, f.lanes, f.shortest_s, f.covered_s,
    w.end_s - CASE WHEN w.flow = 19 THEN coalesce(w.received_from_s, w.start_s) ELSE w.start_s END AS period_s,
    f.n_revenue, f.n_raw, f.n_estimated, f.n_validated, f.quality_rank, f.published_at
  FROM wanted w LEFT JOIN flow_sum f ON f.summary_id = w.summary_id AND f.flow = w.flow
), expected AS (
  -- of a direction nothing came of: as many as its length would be by the other one, else hours
  SELECT *, CASE WHEN n = 0 THEN greatest(1, period_s // coalesce(max(shortest_s) OVER (PARTITION BY summary_id), 3600))
    ELSE n + (greatest(0, period_s * lanes - covered_s) + shortest_s // 2) // shortest_s END AS n_expected
  FROM met
), every AS (
  SELECT summary_id, count(*) AS n_any FROM (SELECT summary_id FROM series_sum) s GROUP BY summary_id
)
SELECT e.summary_id, min(e.interval_basis) AS interval_basis, sum(e.n)::BIGINT AS n_intervals, sum(e.n_expected)::BIGINT AS n_expected,
  max(a.n_any) AS n_any, coalesce(bool_or(e.n = 0 AND e.flow = 19), false) AS lacks_received,
  coalesce(bool_or(e.n = 0 AND e.flow <> 19), false) AS lacks_other,
  coalesce(bool_or(e.covered_s > e.period_s * e.lanes + 3600), false) AS is_doubly_covered,
  -- NULL where any of it is not known: a missing export is never taken for zero
  CASE WHEN count(e.quantity) = count(*) THEN sum(CASE WHEN e.flow = 19 AND e.interval_basis = 'both' THEN -e.quantity ELSE e.quantity END) END AS quantity,
  coalesce(sum(e.n_revenue), 0)::BIGINT AS n_revenue, coalesce(sum(e.n_raw), 0)::BIGINT AS n_raw,
  coalesce(sum(e.n_estimated), 0)::BIGINT AS n_estimated, coalesce(sum(e.n_validated), 0)::BIGINT AS n_validated,
  max(e.quality_rank) AS quality_rank, max(e.published_at) AS interval_published_at
FROM expected e LEFT JOIN every a ON a.summary_id = e.summary_id
GROUP BY e.summary_id
