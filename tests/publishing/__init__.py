"""What a site says: each file by itself, the folder as a whole, and real servers with the snippets."""
