"""From opinions and scores to decisions: policies, consensus, audits, people's answers."""
