SELECT l.* EXCLUDE (commit_id), c.known_at{{more}}
FROM {{lines}} l
SEMI JOIN ({{summaries}}) s ON s.summary_id = l.summary_id AND s.load_id = l.load_id AND s.byte_offset = l.byte_offset
LEFT JOIN ({{commits}}) c ON c.commit_id = l.commit_id
