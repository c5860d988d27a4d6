"""Honesty: was the work that was timed really done, all of it, before the clock stopped?"""
