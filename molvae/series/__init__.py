"""From the table of a measured series to a report of better molecules, in one command."""
