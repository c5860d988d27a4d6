"""The report: tables, figures and one page, rebuilt from stored records without torch."""
