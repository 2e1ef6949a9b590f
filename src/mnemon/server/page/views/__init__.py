"""The page's addresses, a file for each thing that is shown or done."""
