"""The base class of our steps, and what is used of TFX beyond its public names."""
