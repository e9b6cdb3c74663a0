"""Numbers from elsewhere: read from a table, analysed as the paper analyses its own."""
