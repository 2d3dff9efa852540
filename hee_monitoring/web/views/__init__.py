"""What each page shows: one view a file, from a look at the log to the values of its template. They write nothing."""
