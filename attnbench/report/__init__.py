"""The report: tables, figures and one page, made from stored records without torch."""
