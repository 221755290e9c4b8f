"""What a person decides: queue, pages, server, diary, Label Studio, audit."""
