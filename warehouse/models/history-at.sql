(SELECT h.* FROM {{history}} h
  LEFT JOIN ({{commits}}) k ON k.commit_id = h.commit_id
  WHERE {{condition}}
  QUALIFY row_number() OVER (
    -- local_date is here so that a filter on it reaches the files
    PARTITION BY h.local_date, h.series_key, h.start_at
    ORDER BY h.published_at DESC NULLS LAST, h.commit_id DESC, h.load_id DESC, h.byte_offset DESC) = 1)
