"""The catalogue shipped with the program: reviewed data, and the loaders that check it before anything relies on it."""
