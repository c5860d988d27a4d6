"""What the paper prints beside what others published and what is counted and measured here."""
