"""What may leave: small-number rules on every table and chart."""
