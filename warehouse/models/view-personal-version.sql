SELECT v.* EXCLUDE (commit_id), c.known_at
FROM ({{versions}}) v
LEFT JOIN ({{commits}}) c ON c.commit_id = v.commit_id
