"""What a registry means: entities, references, lifecycle, commits. No I/O, standard library only."""
