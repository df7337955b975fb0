"""From a torch model to a model package."""
