"""Pictures of what trained models look at, with numbers beside them."""
