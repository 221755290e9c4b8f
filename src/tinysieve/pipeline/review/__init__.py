"""What a person decides: queue, pages, server, decision_log, Label Studio, audit."""
