"""From a grid of cells to stored records: build, measure, record, sweep."""
