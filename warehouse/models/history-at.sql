-- What is in force of the versions that fulfil the condition: of each key the first of the last run of equal contents.
(SELECT * EXCLUDE (content, content_before) FROM (
    SELECT *, lag(content) OVER (
      -- local_date is here so that a filter on it reaches the files
      PARTITION BY local_date, series_key, start_at ORDER BY {{order}}) AS content_before
    FROM (
      SELECT h.*, CASE WHEN h.superseded THEN 'withdrawn' ELSE {{content}} END AS content FROM {{history}} h
      LEFT JOIN ({{commits}}) k ON k.commit_id = h.commit_id
      WHERE {{condition}}
    )
  )
  WHERE content IS DISTINCT FROM content_before
  QUALIFY row_number() OVER (
    PARTITION BY local_date, series_key, start_at
    ORDER BY published_at DESC NULLS LAST, commit_id DESC, load_id DESC, byte_offset DESC) = 1)
