"""Tables as text, for Markdown and HTML."""
