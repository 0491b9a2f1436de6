-- Each bill against the intervals of its period.
WITH bill AS ({{bill}}
), told AS (
  SELECT b.*, CASE WHEN b.consumption_uom IS NOT NULL THEN {{billed_quantity}} END AS billed_quantity, i.* EXCLUDE (summary_id)
  FROM bill b LEFT JOIN ({{bill_interval}}) i ON i.summary_id = b.summary_id
), compared AS (
  SELECT *, quantity - billed_quantity AS difference,
    CASE WHEN displaced IS NOT NULL THEN displaced
      WHEN start_s IS NULL THEN 'no_period'
      WHEN consumption_value IS NULL THEN 'no_total'
      WHEN billed_quantity IS NULL THEN 'billed_unit_unknown'
      WHEN n_any IS NULL THEN 'no_intervals'
      WHEN n_intervals = 0 THEN 'other_unit'
      WHEN lacks_received THEN 'received_missing'
      WHEN lacks_other THEN 'delivered_missing'
      WHEN quantity IS NULL THEN 'interval_quantity_unknown'
      WHEN n_intervals < n_expected THEN 'partly_covered'
      WHEN is_doubly_covered THEN 'doubly_covered' END AS reason
  FROM told
)
SELECT c.usage_point_id, c.summary_id, c.billing_start_at, c.billing_end_at, c.displaced IS NULL AS is_in_force, c.displaced_by_summary_id, c.is_tied,
  CASE WHEN c.consumption_uom = 72 THEN 'kWh' ELSE {{unit}} END AS unit, c.billed_flow_direction, c.billed_quantity,
  c.interval_basis, c.quantity AS interval_quantity, c.difference AS difference_quantity,
  CASE WHEN c.consumption_uom = 72 THEN c.billed_quantity END AS billed_kwh,
  CASE WHEN c.compared_uom = 72 THEN c.quantity END AS interval_kwh,
  CASE WHEN c.consumption_uom = 72 THEN c.difference END AS difference_kwh,
  100 * c.difference::DOUBLE / NULLIF(abs(c.billed_quantity::DOUBLE), 0) AS difference_percent,
  coalesce(c.n_intervals, 0) AS n_intervals, c.n_expected, c.n_intervals::DOUBLE / c.n_expected AS coverage, c.reason,
  c.published_at, k.known_at, c.load_id
FROM compared c LEFT JOIN ({{commits}}) k ON k.commit_id = c.commit_id
