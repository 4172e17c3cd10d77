"""Writers of the archives that the tests read: what Outlook and Google Takeout make."""
