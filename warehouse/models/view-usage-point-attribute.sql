-- What is known of a usage point without names, from when to when the utility held to it.
WITH usage AS (
  SELECT *, coalesce(published_at, TIMESTAMPTZ '1970-01-01 00:00:00+00') AS since FROM ({{usage_points}})
  QUALIFY row_number() OVER (PARTITION BY usage_point_id, since ORDER BY commit_id DESC, load_id DESC, byte_offset DESC) = 1
), agreement AS (
  SELECT *, coalesce(published_at, TIMESTAMPTZ '1970-01-01 00:00:00+00') AS since FROM ({{agreements}})
  QUALIFY row_number() OVER (PARTITION BY usage_point_id, since ORDER BY commit_id DESC, load_id DESC, byte_offset DESC) = 1
), place AS (
  SELECT *, coalesce(published_at, TIMESTAMPTZ '1970-01-01 00:00:00+00') AS since FROM ({{places}})
  QUALIFY row_number() OVER (PARTITION BY usage_point_id, since ORDER BY commit_id DESC, load_id DESC, byte_offset DESC) = 1
), moment AS (
  SELECT usage_point_id, since FROM usage UNION SELECT usage_point_id, since FROM agreement UNION SELECT usage_point_id, since FROM place
)
SELECT m.usage_point_id, m.since AS valid_from, lead(m.since) OVER (PARTITION BY m.usage_point_id ORDER BY m.since) AS valid_to,
  a.customer_key, a.agreement_key, coalesce(u.customer_class, a.customer_class) AS customer_class,
  coalesce(u.tariff_profile, a.tariff) AS tariff_profile, a.net_generation, a.service_voltage, a.is_closed, a.ended_at, p.zip, p.city
FROM moment m
ASOF LEFT JOIN usage u ON u.usage_point_id = m.usage_point_id AND m.since >= u.since
ASOF LEFT JOIN agreement a ON a.usage_point_id = m.usage_point_id AND m.since >= a.since
ASOF LEFT JOIN place p ON p.usage_point_id = m.usage_point_id AND m.since >= p.since
