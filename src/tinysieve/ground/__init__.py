"""What all floors stand on: errors, files that are whole or absent, progress, statistics, child processes."""
