-- Every usage point anything is known of: from its own entry, from its agreement (bills only, or not yet metered), or from a bill.
SELECT i.usage_point_id, u.href, u.subscription_id, u.service_kind, u.status,
  coalesce(u.tariff_profile, a.tariff) AS tariff_profile, u.read_cycle, coalesce(u.customer_class, a.customer_class) AS customer_class,
  u.other, coalesce(u.published_at, a.published_at) AS published_at, coalesce(u.load_id, a.load_id) AS load_id,
  coalesce(u.byte_offset, a.byte_offset) AS byte_offset, coalesce(u.known_at, a.known_at) AS known_at,
  a.customer_key, a.agreement_key, a.net_generation, a.service_voltage, a.is_closed, a.ended_at, p.zip, p.city
FROM (
  SELECT usage_point_id FROM {{usage_points}} UNION SELECT usage_point_id FROM {{summaries}}
  UNION SELECT usage_point_id FROM {{agreements}} UNION SELECT usage_point_id FROM {{places}}
) i
LEFT JOIN ({{usage_point}}) u ON u.usage_point_id = i.usage_point_id
LEFT JOIN ({{agreement}}) a ON a.usage_point_id = i.usage_point_id
LEFT JOIN ({{place}}) p ON p.usage_point_id = i.usage_point_id
