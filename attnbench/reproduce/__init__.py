"""The paper's tables and claims beside published numbers and what is counted and measured here."""
