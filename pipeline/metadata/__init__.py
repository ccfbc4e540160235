"""Where ML Metadata is kept, an SQLite file or a MySQL database, and how each is opened."""
