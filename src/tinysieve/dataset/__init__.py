"""The sample table, its versions, and the sources it is read from."""
