"""Getting reviews: find or fetch them, describe them, and read them in Beam."""
