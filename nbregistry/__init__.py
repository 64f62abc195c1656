"""The model registry that lives in the notebook: version, compare, annotate and promote models where they are made."""
