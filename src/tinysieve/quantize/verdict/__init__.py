"""The verdict: accuracies, differences and budgets of a model, measured."""
