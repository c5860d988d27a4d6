"""Tables for people: text in cells, in Markdown and HTML."""
