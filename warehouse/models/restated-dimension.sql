-- Versions that were sent again unchanged, as rows of their own, where another version comes that may be older than the repetition.
CREATE OR REPLACE TEMP TABLE confirmed AS
SELECT key, published_at, load_id, commit_id, byte_offset FROM ({{confirmation}})
WHERE of_table = '{{table}}' AND key IN (FROM revised)
QUALIFY row_number() OVER (PARTITION BY key ORDER BY {{order}}) = count(*) OVER (PARTITION BY key);

CREATE OR REPLACE TEMP TABLE restated_{{table}} AS
SELECT {{columns}}, from_load_id, from_commit_id, from_byte_offset FROM (
  SELECT l.* REPLACE (c.published_at AS published_at, c.load_id AS load_id, c.commit_id AS commit_id, c.byte_offset AS byte_offset),
    l.load_id AS from_load_id, l.commit_id AS from_commit_id, l.byte_offset AS from_byte_offset
  FROM (SELECT *, {{key_text}} AS key_text FROM lake_{{table}}) l JOIN confirmed c ON c.key = l.key_text
  WHERE (coalesce(l.published_at, '-infinity'), l.commit_id, l.load_id, l.byte_offset)
    <= (coalesce(c.published_at, '-infinity'), c.commit_id, c.load_id, c.byte_offset)
  QUALIFY row_number() OVER (PARTITION BY l.key_text ORDER BY {{order_l}})
    = count(*) OVER (PARTITION BY l.key_text)
)
-- else it has its row already
WHERE (from_load_id, from_commit_id, from_byte_offset) IS DISTINCT FROM (load_id, commit_id, byte_offset)
