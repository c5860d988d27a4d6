"""What the page is given: numbers and names as plain data, cut to what a reader can see."""
