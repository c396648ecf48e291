"""What may leave: small-number rules on every table and chart, and text that is safe in a spreadsheet."""
