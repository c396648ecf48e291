"""The account: ledger, signatures, releases, reports."""
