-- The newest version of each: by publication, then commit, then place in the feed.
SELECT v.* EXCLUDE (commit_id), c.known_at{{more}}
FROM (
  SELECT * FROM {{source}}
  QUALIFY row_number() OVER (
    PARTITION BY {{key}} ORDER BY published_at DESC NULLS LAST, commit_id DESC, load_id DESC, byte_offset DESC) = 1
) v
LEFT JOIN ({{commits}}) c ON c.commit_id = v.commit_id
