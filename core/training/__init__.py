"""From a configuration to a whole run folder; evaluating it; importing a model."""
