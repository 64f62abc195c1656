"""What models say, measured: scores, and how far two models agree."""
