SELECT l.* EXCLUDE (commit_id), c.known_at{{more}}
FROM {{lines}} l
SEMI JOIN (
  SELECT summary_id, load_id, byte_offset, commit_id FROM {{source}}
  QUALIFY row_number() OVER (
    PARTITION BY summary_id ORDER BY published_at DESC NULLS LAST, commit_id DESC, load_id DESC, byte_offset DESC) = 1
) s ON s.summary_id = l.summary_id AND s.load_id = l.load_id AND s.byte_offset = l.byte_offset AND s.commit_id = l.commit_id
LEFT JOIN ({{commits}}) c ON c.commit_id = l.commit_id
