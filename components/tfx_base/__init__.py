"""What the steps build on of TFX."""
