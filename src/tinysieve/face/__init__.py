"""What a notebook shows: results as rows, as data frames and as HTML. Stands beside the floors; none of them knows it."""
